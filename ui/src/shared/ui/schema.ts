/**
 * Reads the keywords of a connector's form schema that we use. rjsf was tried on paper and left out: its validator compiles
 * schemas with `new Function`, which our content policy forbids, and connectors bring their schemas at run time.
 */

/** One field of a form. */
export interface Field {
  /** Its name in the answers. */
  name: string;
  /** Input. */
  kind: "text" | "secret" | "lines" | "number" | "switch" | "choice" | "date";
  /** Text key or plain words. */
  title: string;
  /** Text key or plain words. */
  description: string | null;
  /** Whether it must be filled. */
  required: boolean;
  /** Choices of `choice`. */
  options: { value: string; title: string }[];
  /** What stands there at first. */
  initial: unknown;
  /** An example for the placeholder. */
  example: string | null;
  /** Regular expression the text must match whole or in part, as JSON Schema has it. */
  pattern: string | null;
  /** Bounds of a number or of a text's length. */
  min: number | null;
  /** See `min`. */
  max: number | null;
}

/** Why a field cannot be sent. */
export type FieldFault = "required" | "pattern" | "min" | "max" | "number";

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function kindOf(schema: Json): Field["kind"] {
  if (schema.airbyte_secret === true) return "secret";
  if (Array.isArray(schema.enum) || Array.isArray(schema.oneOf)) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.format === "date") return "date";
  return schema.multiline === true ? "lines" : "text";
}

/** The fields of a form in their order. */
export function fieldsOf(form: unknown): Field[] {
  const schema = object(form);
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(object(schema.properties))
    .map(([name, value], index) => ({ name, schema: object(value), index }))
    .filter((entry) => entry.schema.airbyte_hidden !== true && entry.schema.const === undefined)
    .sort((a, b) => (number(a.schema.order) ?? a.index) - (number(b.schema.order) ?? b.index))
    .map(({ name, schema: field }) => {
      const kind = kindOf(field);
      const choices = Array.isArray(field.enum)
        ? field.enum.map((value) => ({ value: String(value), title: String(value) }))
        : Array.isArray(field.oneOf)
          ? field.oneOf
              .map(object)
              .map((option) => ({ value: String(option.const), title: text(option.title) ?? String(option.const) }))
          : [];
      const examples = Array.isArray(field.examples) ? field.examples : [];
      return {
        name,
        kind,
        title: text(field.title) ?? name,
        description: text(field.description),
        required: required.includes(name),
        options: choices,
        initial: kind === "secret" ? undefined : field.default,
        example: examples[0] === undefined ? null : String(examples[0]),
        pattern: text(field.pattern),
        min: number(kind === "number" ? field.minimum : field.minLength),
        max: number(kind === "number" ? field.maximum : field.maxLength),
      };
    });
}

/** Answers before anything is typed. */
export function initialAnswers(fields: Field[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.filter((field) => field.initial !== undefined).map((field) => [field.name, field.initial]),
  );
}

/** Of the answers given before, those that may be shown again: a secret never is. */
export function openAnswers(fields: Field[], given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    fields
      .filter((field) => field.kind !== "secret" && given[field.name] !== undefined)
      .map((field) => [field.name, given[field.name]]),
  );
}

/** The answers with every secret that was left blank taken from those given before. */
export function withKept(
  fields: Field[],
  answers: Record<string, unknown>,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const kept = fields.filter(
    (field) => field.kind === "secret" && !answers[field.name] && given[field.name] !== undefined,
  );
  return { ...answers, ...Object.fromEntries(kept.map((field) => [field.name, given[field.name]])) };
}

/** What is wrong with an answer, or `null`. */
export function faultOf(field: Field, answer: unknown): FieldFault | null {
  const blank = answer === undefined || answer === null || answer === "";
  if (blank) return field.required && field.kind !== "switch" ? "required" : null;
  if (field.kind === "number") {
    const value = Number(answer);
    if (!Number.isFinite(value)) return "number";
    if (field.min !== null && value < field.min) return "min";
    if (field.max !== null && value > field.max) return "max";
    return null;
  }
  if (typeof answer !== "string") return null;
  if (field.min !== null && answer.length < field.min) return "min";
  if (field.max !== null && answer.length > field.max) return "max";
  return field.pattern && !matches(field.pattern, answer) ? "pattern" : null;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // A pattern this browser cannot read is the connector's fault, not the person's; the backend checks again.
    return true;
  }
}

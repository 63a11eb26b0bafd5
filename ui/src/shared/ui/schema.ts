/**
 * Reads the keywords of a connector's form schema that we use. rjsf was tried on paper and left out: its validator compiles
 * schemas with `new Function`, which our content policy forbids, and connectors bring their schemas at run time.
 */

/** One field of a form. */
export interface Field {
  /** Its name in the answers. */
  name: string;
  /** Input. */
  kind: "text" | "secret" | "lines" | "list" | "number" | "switch" | "choice" | "date" | "group" | "variants";
  /** Text key or plain words. */
  title: string;
  /** Text key or plain words. */
  description: string | null;
  /** Whether it must be filled. */
  required: boolean;
  /** Choices of `choice`. */
  options: { value: string; title: string }[];
  /** Fields inside a `group`. */
  fields: Field[];
  /** The forms that `variants` lets choose from. */
  variants: Variant[];
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

/** One of the forms an object can take, such as one way to sign in. */
export interface Variant {
  /** Its name. */
  title: string;
  /** Its fields. */
  fields: Field[];
  /** Answers that tell it from the others; the person never sees them. */
  fixed: Record<string, unknown>;
}

/** Why a field cannot be sent. */
export type FieldFault = "required" | "pattern" | "min" | "max" | "number";

type Json = Record<string, unknown>;

/** What is inside an answer; nothing when it is no object. */
export function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function hasProperties(schema: unknown): boolean {
  return Object.keys(object(object(schema).properties)).length > 0;
}

function kindOf(schema: Json): Field["kind"] {
  if (schema.airbyte_secret === true) return "secret";
  if (Array.isArray(schema.oneOf)) return schema.oneOf.some(hasProperties) ? "variants" : "choice";
  if (Array.isArray(schema.enum)) return "choice";
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (hasProperties(schema)) return "group";
  if (type === "array") return "list";
  if (type === "boolean") return "switch";
  if (type === "integer" || type === "number") return "number";
  if (schema.format === "date") return "date";
  return schema.multiline === true ? "lines" : "text";
}

function variantOf(schema: unknown): Variant {
  const option = object(schema);
  const fixed = Object.entries(object(option.properties))
    .map(([name, value]): [string, unknown] => [name, object(value).const])
    .filter(([, value]) => value !== undefined);
  const [, first] = fixed[0] ?? [];
  return {
    title: text(option.title) ?? String(first ?? ""),
    fields: fieldsOf(option),
    fixed: Object.fromEntries(fixed),
  };
}

/** The variant that answers belong to: the one whose fixed answers they carry. */
export function variantAt(field: Field, answer: unknown): number {
  const given = object(answer);
  return field.variants.findIndex(
    (variant) =>
      answer !== undefined &&
      answer !== null &&
      Object.entries(variant.fixed).every(([name, value]) => given[name] === value),
  );
}

/** The answers of a variant before anything is typed. */
export function variantStart(variant: Variant): Record<string, unknown> {
  return { ...initialAnswers(variant.fields), ...variant.fixed };
}

function inner(field: Field, answer: unknown): Field[] {
  return field.kind === "group" ? field.fields : (field.variants[variantAt(field, answer)]?.fields ?? []);
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
        fields: kind === "group" ? fieldsOf(field) : [],
        variants: kind === "variants" && Array.isArray(field.oneOf) ? field.oneOf.map(variantOf) : [],
        initial: kind === "secret" || kind === "group" || kind === "variants" ? undefined : field.default,
        example: examples[0] === undefined ? null : String(examples[0]),
        pattern: text(field.pattern),
        min: number(kind === "number" ? field.minimum : field.minLength),
        max: number(kind === "number" ? field.maximum : field.maxLength),
      };
    });
}

/** Answers before anything is typed. */
export function initialAnswers(fields: Field[]): Record<string, unknown> {
  const start = (field: Field): unknown => {
    const [first] = field.variants;
    if (field.kind === "variants") return field.required && first ? variantStart(first) : undefined;
    if (field.kind !== "group") return field.initial;
    const started = initialAnswers(field.fields);
    return Object.keys(started).length > 0 ? started : undefined;
  };
  return Object.fromEntries(
    fields.map((field): [string, unknown] => [field.name, start(field)]).filter(([, value]) => value !== undefined),
  );
}

/** Of the answers given before, those that may be shown again: a secret never is. */
export function openAnswers(fields: Field[], given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    fields
      .filter((field) => field.kind !== "secret" && given[field.name] !== undefined)
      .map((field) => {
        const answer = given[field.name];
        if (field.kind !== "group" && field.kind !== "variants") return [field.name, answer];
        const fixed = field.variants[variantAt(field, answer)]?.fixed ?? {};
        return [field.name, { ...openAnswers(inner(field, answer), object(answer)), ...fixed }];
      }),
  );
}

/** The answers with every secret that was left blank taken from those given before. */
export function withKept(
  fields: Field[],
  answers: Record<string, unknown>,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const kept = fields.flatMap((field): [string, unknown][] => {
    const answer = answers[field.name];
    const before = given[field.name];
    if (field.kind === "secret") return !answer && before !== undefined ? [[field.name, before]] : [];
    if ((field.kind !== "group" && field.kind !== "variants") || answer === undefined) return [];
    return [[field.name, withKept(inner(field, answer), object(answer), object(before))]];
  });
  return { ...answers, ...Object.fromEntries(kept) };
}

/** What is wrong with an answer, or `null`. */
export function faultOf(field: Field, answer: unknown): FieldFault | null {
  if (field.kind === "group" || field.kind === "variants") {
    const given = object(answer);
    const untouched = Object.values(given).every((value) => value === undefined || value === "");
    if (!field.required && untouched) return null;
    if (field.kind === "variants" && variantAt(field, answer) < 0) return "required";
    for (const one of inner(field, answer)) {
      const fault = faultOf(one, given[one.name]);
      if (fault) return fault;
    }
    return null;
  }
  const blank =
    answer === undefined || answer === null || answer === "" || (Array.isArray(answer) && answer.length === 0);
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

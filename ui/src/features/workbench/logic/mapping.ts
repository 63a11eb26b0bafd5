/**
 * What a mapping says, as the editor changes it, and its text. Whether it is right is decided by the backend alone; here it
 * is only written down, without losing what the editor has no field for.
 */
import type { FieldInfo, Level, MappingTable, ObjectStatus, StreamMapping } from "@/gen/contract";

/** Levels of rows, from the top. */
export const levels: Level[] = ["account", "campaign", "ad_group", "ad"];
/** States an ad object can have. */
export const statuses: ObjectStatus[] = ["active", "stopped", "deleted", "unknown"];

/** The mapping of a stream, if it has one. */
export function mappingOf(all: StreamMapping[], stream: string): StreamMapping | null {
  return all.find((one) => one.stream === stream) ?? null;
}

/** Replaces or removes the mapping of a stream; the others stay in their order. */
export function withMapping(all: StreamMapping[], stream: string, next: StreamMapping | null): StreamMapping[] {
  if (!next) return all.filter((one) => one.stream !== stream);
  return all.some((one) => one.stream === stream)
    ? all.map((one) => (one.stream === stream ? next : one))
    : [...all, next];
}

/** Sends a stream to a table, keeping the fields that the table has too. */
export function sentTo(
  old: StreamMapping | null,
  stream: string,
  table: MappingTable,
  names: ReadonlySet<string>,
): StreamMapping {
  const fields = Object.fromEntries(Object.entries(old?.fields ?? {}).filter(([name]) => names.has(name)));
  const same = old?.to === table;
  return {
    stream,
    to: table,
    level: old?.level ?? "campaign",
    fields,
    status: same ? old.status : null,
    breakdown: same ? old.breakdown : null,
  };
}

/** Puts a path behind one of our fields; an empty path takes the field out. */
export function withField(mapping: StreamMapping, name: string, path: string | null): StreamMapping {
  const { [name]: _, ...rest } = mapping.fields;
  return { ...mapping, fields: path ? { ...mapping.fields, [name]: path } : rest };
}

/** What stands at a path with points. */
export function valueAt(record: unknown, path: string): unknown {
  let value: unknown = record;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The first few different plain values at a path, as text. */
export function valuesAt(records: unknown[], path: string, most: number): string[] {
  const found = new Set<string>();
  for (const record of records) {
    const value = valueAt(record, path);
    if (value !== undefined && value !== null && typeof value !== "object") found.add(String(value));
    if (found.size >= most) break;
  }
  return [...found];
}

/** Paths to choose from: those seen in records, those of the schema, and those the mapping names already. */
export function pathsOf(seen: FieldInfo[], schema: FieldInfo[], mapping: StreamMapping | null): string[] {
  const named = mapping ? Object.values(mapping.fields) : [];
  const extra = [mapping?.status?.from, mapping?.breakdown?.from].filter((path) => path !== undefined);
  return [...new Set([...seen, ...schema].map((field) => field.path).concat(named, extra))];
}

const plain = /^[A-Za-z_][\w.]*$/;
const words = /^(?:y|n|yes|no|true|false|null|on|off)$/i;
const scalar = (text: string) => (plain.test(text) && !words.test(text) ? text : JSON.stringify(text));
const flow = (entries: [string, string][]) =>
  `{${entries.map(([name, value]) => `${scalar(name)}: ${scalar(value)}`).join(", ")}}`;

/** The mapping as YAML; nothing when every stream is kept as it comes. */
export function mappingText(all: StreamMapping[]): string {
  if (all.length === 0) return "";
  const lines = all.flatMap((mapping) => [
    `  ${scalar(mapping.stream)}:`,
    `    to: ${mapping.to}`,
    `    level: ${mapping.level}`,
    `    fields: ${flow(Object.entries(mapping.fields))}`,
    ...(mapping.status
      ? [`    status: {from: ${scalar(mapping.status.from)}, words: ${flow(Object.entries(mapping.status.words))}}`]
      : []),
    ...(mapping.breakdown
      ? [
          `    breakdown: ${flow([
            ["kind", mapping.breakdown.kind],
            ["from", mapping.breakdown.from],
          ])}`,
        ]
      : []),
  ]);
  return `streams:\n${lines.join("\n")}\n`;
}

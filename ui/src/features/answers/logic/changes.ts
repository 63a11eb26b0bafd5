/** A change of form as a person would say it: which sentence, and which words in it. */
import type { DriftRow } from "@/gen/contract";
import en from "../texts/en.json";

/** The sentence of a change: a field whose values are gone is another one than a field with other values. */
export type Sentence = "new_field" | "removed_field" | "changed_type" | "emptied" | "new_value";

/** A type that has a word. */
export type Kind = keyof typeof en.kind;

const kinds = Object.keys(en.kind) as Kind[];

/** Which sentence tells a change. */
export function sentenceOf(row: Pick<DriftRow, "kind" | "after">): Sentence {
  return row.kind === "changed_type" && row.after === "" ? "emptied" : row.kind;
}

/** The types of a list such as `text, whole`; words that this build does not know are left out. */
export function kindsOf(list: string): Kind[] {
  const words = list.split(", ");
  return kinds.filter((kind) => words.includes(kind));
}

/** What tells a change from the others, whatever numbers it has at the moment. */
export function keyOf(row: DriftRow): string {
  return [row.connector, row.stream, row.kind, row.path, row.after].join(" ");
}

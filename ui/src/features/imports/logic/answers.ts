/**
 * What a person says about a file, and what of it is known already: a source that brought files before is asked nothing,
 * a system with a preset is asked what its export does not say. Pure, so that its rules are tested without a file.
 */
import type { FileSystem, ImportField, ImportPreview, KnownSource, VatState } from "@/gen/contract";
import { guesses, suggestSource } from "./mapping";

/** Everything the person decides about a file. */
export interface Answers {
  /** Absent while the one the person came from holds. */
  clientId?: string | undefined;
  /** The connector the file belongs to. */
  system: string;
  source: string;
  /** Absent while the system's or the client's holds. */
  currency?: string | undefined;
  /** `null` while a system asks and nothing was said. */
  vat: VatState | null;
  fields: ImportField[];
}

/** What is still to be said. */
export type Lack = "client" | "source" | "vat" | "currency";

const money: readonly ImportField[] = ["cost", "cost_micros", "revenue"];

/** Whether a file has sums of money: only then do currency and VAT mean anything. */
export function hasMoney(fields: ImportField[]): boolean {
  return fields.some((field) => money.includes(field));
}

const agreed = (known: KnownSource): Answers => ({
  clientId: known.client_id,
  system: known.connector,
  source: known.source_name,
  currency: known.currency,
  vat: known.vat,
  fields: known.fields,
});

/** What is said of a file that was just read. One source it can be from speaks for it; else its columns are guessed. */
export function firstAnswers(
  preview: ImportPreview,
  from: {
    fileName: string;
    clientId: string | null;
    system: string;
    systemName: string | null;
    files: FileSystem | null;
  },
): Answers {
  const known = preview.known.filter((one) => from.clientId === null || one.client_id === from.clientId);
  const [only] = known;
  if (only && known.length === 1) return agreed(only);
  return {
    system: from.system,
    source: from.systemName ?? suggestSource(from.fileName),
    vat: from.files?.asks_vat ? null : "unknown",
    fields: guesses(preview),
  };
}

/** The answers after a change. Naming a source that brought such files before brings back what was agreed about it. */
export function changedAnswers(
  old: Answers,
  part: Partial<Answers>,
  preview: ImportPreview,
  clientId: string | null,
): Answers {
  const next = { ...old, ...part };
  if (part.clientId === undefined && part.source === undefined) return next;
  const known = preview.known.find(
    (one) =>
      one.client_id === (next.clientId ?? clientId) &&
      one.connector === next.system &&
      one.source_name === next.source.trim(),
  );
  return known ? agreed(known) : next;
}

/** The first thing that is still to be said; `null` when all is. */
export function lacking(answers: Answers, files: FileSystem | null, clientId: string | null): Lack | null {
  if (clientId === null) return "client";
  if (answers.source.trim() === "") return "source";
  if (!hasMoney(answers.fields)) return null;
  if (files?.asks_currency && answers.currency === undefined && !answers.fields.includes("currency")) return "currency";
  return answers.vat === null || (files?.asks_vat && answers.vat === "unknown") ? "vat" : null;
}

/**
 * Lines of a run's log. The backend writes words of its own with values; the ones known here have a sentence in both
 * languages, and a word of a newer backend is shown as it came rather than hidden.
 */
import type { DateRange, LogRow } from "@/gen/contract";

/** Words that have a sentence, with the values it needs. */
const sentences = {
  slice_started: ["stream"],
  slice_committed: ["stream", "rows"],
  retry: ["attempt", "code"],
  waiting: [],
  failed: ["code"],
  ended: ["state"],
  quarantine_full: ["more"],
  form_changed: ["changes"],
  totals_differ: ["date"],
  totals_unknown: [],
} as const;

/** A word that has a sentence. */
export type KnownWord = keyof typeof sentences;

/** The word of a line, when it has a sentence and brought everything the sentence needs. */
export function knownWord(line: LogRow): KnownWord | null {
  if (!Object.hasOwn(sentences, line.event)) return null;
  const word = line.event as KnownWord;
  return sentences[word].every((name) => Boolean(line.params[name])) ? word : null;
}

/** A line without a sentence, as it came. */
export function plainLine(line: LogRow): string {
  return [line.event, ...Object.entries(line.params).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** Reads a window as the backend prints it: `2026-11-10..2026-11-12`, or one day. */
export function windowOf(text: string | undefined): DateRange | null {
  const days = text?.match(/\d{4}-\d{2}-\d{2}/g);
  const from = days?.[0];
  return from ? { from, to: days[1] ?? from } : null;
}

/** Path and query of an address without its host, which is the same for all requests of a run and would fill the line. */
export function placeOf(url: string): [path: string, query: string] {
  const place = url.replace(/^[a-z]+:\/\/[^/?]*/i, "");
  const mark = place.indexOf("?");
  return mark < 0 ? [place || "/", ""] : [place.slice(0, mark) || "/", place.slice(mark + 1)];
}

/**
 * The period every screen shares. It is one word in the address (`month`, `last_7`, or `2026-11-01..2026-11-19`), so a
 * screen can be returned to; without it the last chosen one is used. Presets end yesterday: today is never complete.
 */
import type { DateRange } from "@/gen/contract";

/** Presets in the order of the menu. */
export const presets = ["yesterday", "last_7", "last_14", "last_30", "month", "last_month", "last_90", "year"] as const;
/** A preset. */
export type Preset = (typeof presets)[number];
/** What a period can be compared with. */
export const comparisons = ["previous", "year_ago", "none"] as const;
/** A comparison. */
export type Comparison = (typeof comparisons)[number];

const DAY_MS = 86_400_000;

/** The day `days` after `day`. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** How many days a range has. */
export function daysIn(range: DateRange): number {
  return Math.round((Date.parse(`${range.to}T00:00:00Z`) - Date.parse(`${range.from}T00:00:00Z`)) / DAY_MS) + 1;
}

/** Every day of a range. */
export function eachDay(range: DateRange): string[] {
  return Array.from({ length: daysIn(range) }, (_, index) => addDays(range.from, index));
}

/** The same day `months` later, or the last day of that month when it is shorter. */
export function addMonths(day: string, months: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
}

function presetRange(preset: Preset, today: string): DateRange {
  const yesterday = addDays(today, -1);
  const monthStart = `${today.slice(0, 7)}-01`;
  switch (preset) {
    case "yesterday":
      return { from: yesterday, to: yesterday };
    case "last_7":
      return { from: addDays(today, -7), to: yesterday };
    case "last_14":
      return { from: addDays(today, -14), to: yesterday };
    case "last_30":
      return { from: addDays(today, -30), to: yesterday };
    case "last_90":
      return { from: addDays(today, -90), to: yesterday };
    case "month":
      // On the first of a month there is no complete day yet, so today itself is shown rather than an empty range.
      return { from: monthStart, to: today === monthStart ? today : yesterday };
    case "last_month":
      return { from: addMonths(monthStart, -1), to: addDays(monthStart, -1) };
    case "year":
      return { from: `${today.slice(0, 4)}-01-01`, to: today.endsWith("-01-01") ? today : yesterday };
  }
}

/** Whether a word is a preset. */
export function isPreset(word: string): word is Preset {
  return (presets as readonly string[]).includes(word);
}

/** The days of a period word; an unreadable word is this month. */
export function rangeOf(word: string, today: string): DateRange {
  if (isPreset(word)) return presetRange(word, today);
  const match = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/.exec(word);
  if (match?.[1] && match[2] && match[1] <= match[2]) return { from: match[1], to: match[2] };
  return presetRange("month", today);
}

/** The days to compare with: for whole and begun months the same days one month earlier, otherwise the days just before. */
export function compareRange(word: string, comparison: Comparison, today: string): DateRange | null {
  const range = rangeOf(word, today);
  switch (comparison) {
    case "none":
      return null;
    case "year_ago":
      return { from: addMonths(range.from, -12), to: addMonths(range.to, -12) };
    case "previous":
      if (word === "month") return { from: addMonths(range.from, -1), to: addMonths(range.to, -1) };
      if (word === "last_month") return { from: addMonths(range.from, -1), to: addDays(range.from, -1) };
      if (word === "year") return { from: addMonths(range.from, -12), to: addMonths(range.to, -12) };
      return { from: addDays(range.from, -daysIn(range)), to: addDays(range.from, -1) };
  }
}

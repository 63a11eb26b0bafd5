/**
 * Choosing days of a strip, by mouse or by keys. One selection for the whole board: a row, the day where it began and the
 * day where it ends now. Everything else (which cells are drawn as chosen, which days are collected again) follows.
 */
import type { DateRange, DayCell } from "@/gen/contract";

/** The present place on the board, and how far the choice reaches. */
export interface Selection {
  /** Index of the strip. */
  row: number;
  /** Index of the day where the choice began. */
  anchor: number;
  /** Index of the day where it is now; the active cell. */
  day: number;
}

/** Size of the board. */
export interface Size {
  /** Strips. */
  rows: number;
  /** Days of each. */
  days: number;
}

const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));

/** Where the selection is after a key, or `null` when the key is not for it. Shift keeps the anchor, so the choice grows. */
export function moveSelection(at: Selection, key: string, shift: boolean, size: Size): Selection | null {
  const steps: Record<string, [row: number, day: number]> = {
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    Home: [0, -size.days],
    End: [0, size.days],
  };
  const step = steps[key];
  if (!step) return null;
  const [down, right] = step;
  // A choice is of one connection: going to another row starts anew.
  const row = clamp(at.row + down, size.rows - 1);
  const day = clamp(at.day + right, size.days - 1);
  return { row, day, anchor: shift && row === at.row ? at.anchor : day };
}

/** First and last index of a choice. */
export function reach(selection: Selection): [first: number, last: number] {
  return selection.anchor <= selection.day ? [selection.anchor, selection.day] : [selection.day, selection.anchor];
}

/** The days of a choice. */
export function chosenRange(cells: DayCell[], selection: Selection): DateRange | null {
  const [first, last] = reach(selection);
  const from = cells[first]?.date;
  const to = cells[last]?.date;
  return from && to ? { from, to } : null;
}

/** Days without data between the first and the last day that have some: holes, not a connection that is young or behind. */
export function holes(cells: DayCell[]): number {
  const known = cells.map((cell, index) => (cell.state === "missing" ? -1 : index)).filter((index) => index >= 0);
  const first = known[0];
  const last = known[known.length - 1];
  if (first === undefined || last === undefined) return 0;
  return cells.slice(first, last).filter((cell) => cell.state === "missing").length;
}

/** Days whose sums are not the platform's, and days that lack rows. */
export function doubtful(cells: DayCell[]): { differ: number; lacking: number } {
  return {
    differ: cells.filter((cell) => cell.totals?.differ).length,
    lacking: cells.filter((cell) => cell.rejected > 0).length,
  };
}

/** Which days the head of the strips names: the ends, and firsts and tens of months that stand far enough from both. */
export function headDays(days: string[]): number[] {
  const last = days.length - 1;
  const GAP = 4;
  return days
    .map((day, index) => ({ index, number: Number(day.slice(8)) }))
    .filter(
      ({ index, number }) =>
        index === 0 ||
        index === last ||
        ((number === 1 || number === 10 || number === 20) && index >= GAP && last - index >= GAP),
    )
    .map(({ index }) => index);
}

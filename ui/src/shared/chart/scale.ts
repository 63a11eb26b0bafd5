/** Measures of a chart over time, apart from its drawing. */

/** A round top for an axis and its steps: 0, 30 000, 60 000, 90 000. */
export function axis(max: number, steps = 3): number[] {
  if (!(max > 0)) return [0, 1];
  const raw = max / steps;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step =
    [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]
      .map((factor) => factor * power)
      .find((candidate) => candidate >= raw - power * 1e-9) ?? raw;
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

/** Every how many days a label stands so that labels of about 44 px do not touch. */
export function labelEvery(days: number, width: number): number {
  return Math.max(1, Math.ceil((days * 44) / Math.max(1, width)));
}

/** The largest known value. */
export function top(values: (number | null)[]): number {
  return values.reduce<number>((max, value) => (value !== null && value > max ? value : max), 0);
}

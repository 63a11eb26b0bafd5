/** Measures of the chart and words of change. */
import { describe, expect, it } from "vitest";
import { change, verdictOf } from "./change";
import { axis, labelEvery, top } from "./chart";

describe("axis", () => {
  it.each([
    [78, [0, 30, 60, 90]],
    [86_000, [0, 30_000, 60_000, 90_000]],
    [3, [0, 1, 2, 3]],
    [1_050, [0, 400, 800, 1_200]],
    [0, [0, 1]],
    [Number.NaN, [0, 1]],
  ])("of %d", (max, ticks) => {
    expect(axis(max)).toEqual(ticks);
  });
  it("always reaches the largest value", () => {
    for (let value = 1; value < 1e7; value = Math.ceil(value * 1.37))
      expect(axis(value).at(-1) ?? 0).toBeGreaterThanOrEqual(value);
  });
});

it("labels do not touch, and the largest known value is found", () => {
  expect(labelEvery(30, 1_000)).toBe(2);
  expect(labelEvery(7, 1_000)).toBe(1);
  expect(labelEvery(90, 0)).toBeGreaterThan(90);
  expect(top([null, 3, null, 7])).toBe(7);
  expect(top([null])).toBe(0);
});

it.each([
  ["cpa", 110, 100, 100_000, "worse"],
  ["cpa", 90, 100, -100_000, "better"],
  ["clicks", 110, 100, 100_000, "better"],
  ["spend", 110, 100, 100_000, "neutral"],
  ["roas", 100, 100, 0, "neutral"],
  ["roas", null, 100, null, "neutral"],
  ["roas", 5, 0, null, "better"],
] as const)("%s from %s to %s", (metric, now, then, relative, verdict) => {
  expect(change(now, then)).toBe(relative);
  expect(verdictOf(metric, now, then)).toBe(verdict);
});

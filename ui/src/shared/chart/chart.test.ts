/** Measures of a chart, and what its drawing is told. */
import { describe, expect, it } from "vitest";
import { type ChartPoint, drawingOf, firstSoft } from "./drawing";
import { axis, labelEvery, top } from "./scale";

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

const point = (state: ChartPoint["state"], bars: number | null): ChartPoint => ({
  from: "2026-11-01",
  to: "2026-11-01",
  state,
  bars,
  line: bars,
  before: null,
});

it.each([
  [["final", "moving", "moving"], 1],
  [["moving", "final", "partial"], 2],
  [["final", "missing", "moving"], 2],
  [["final", "missing"], -1],
  [["moving"], 0],
  [[], -1],
] as const)("the end of %j that is not final begins at %d", (states, at) => {
  expect(firstSoft(states.map((state) => point(state, 1)))).toBe(at);
});

it("hatches what still moves, dots its line, and leaves out what is unknown", () => {
  const points = [point("final", 4), point("final", null), point("final", 9), point("moving", 6)];
  const words = { bars: String, line: String, point: () => "" };
  const option = drawingOf(points, 1_000, words) as {
    series: { data: (number | null | { value: number | null; itemStyle: { decal: { symbol: string } } })[] }[];
  };
  const [bars, , , sure, unsure] = option.series;
  const drawn = bars?.data.map((it) => (it && typeof it === "object" ? [it.value, it.itemStyle.decal.symbol] : it));
  expect(drawn).toEqual([
    [4, "none"],
    [null, "none"],
    [9, "none"],
    [6, "rect"],
  ]);
  expect(sure?.data).toEqual([4, null, 9, null]);
  expect(unsure?.data).toEqual([null, null, 9, 6]);
});

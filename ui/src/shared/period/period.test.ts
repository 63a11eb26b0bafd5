/** Periods at the edges: the first of a month, the end of February, leap days, unreadable words. */
import { describe, expect, it } from "vitest";
import { addMonths, type Comparison, compareRange, daysIn, eachDay, rangeOf } from "./period";

const show = (range: { from: string; to: string } | null) => (range ? `${range.from}..${range.to}` : "none");

describe("a period word", () => {
  it.each([
    ["month", "2026-11-20", "2026-11-01..2026-11-19"],
    ["month", "2026-11-01", "2026-11-01..2026-11-01"],
    ["last_month", "2026-03-31", "2026-02-01..2026-02-28"],
    ["last_7", "2026-01-03", "2025-12-27..2026-01-02"],
    ["yesterday", "2024-03-01", "2024-02-29..2024-02-29"],
    ["year", "2026-01-01", "2026-01-01..2026-01-01"],
    ["2026-10-01..2026-10-05", "2026-11-20", "2026-10-01..2026-10-05"],
    ["2026-10-05..2026-10-01", "2026-11-20", "2026-11-01..2026-11-19"],
    ["nonsense", "2026-11-20", "2026-11-01..2026-11-19"],
  ])("%s on %s", (word, today, expected) => {
    expect(show(rangeOf(word, today))).toBe(expected);
  });
});

describe("what it is compared with", () => {
  it.each<[string, Comparison, string, string]>([
    ["month", "previous", "2026-11-20", "2026-10-01..2026-10-19"],
    ["month", "previous", "2026-03-31", "2026-02-01..2026-02-28"],
    ["last_month", "previous", "2026-11-20", "2026-09-01..2026-09-30"],
    ["last_7", "previous", "2026-11-20", "2026-11-06..2026-11-12"],
    ["2026-11-10..2026-11-12", "previous", "2026-11-20", "2026-11-07..2026-11-09"],
    ["month", "year_ago", "2024-02-29", "2023-02-01..2023-02-28"],
    ["month", "none", "2026-11-20", "none"],
  ])("%s, %s, on %s", (word, comparison, today, expected) => {
    expect(show(compareRange(word, comparison, today))).toBe(expected);
  });
});

it("counts days over a change of summer time", () => {
  const range = { from: "2026-03-28", to: "2026-03-30" };
  expect(daysIn(range)).toBe(3);
  expect(eachDay(range)).toEqual(["2026-03-28", "2026-03-29", "2026-03-30"]);
  expect(addMonths("2026-01-31", 1)).toBe("2026-02-28");
});

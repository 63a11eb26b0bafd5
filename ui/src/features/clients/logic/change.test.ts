/** Words of change. */
import { expect, it } from "vitest";
import { change, verdictOf } from "./change";

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

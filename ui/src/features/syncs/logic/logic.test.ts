/** Choosing days, going through runs, and reading a log, without a screen. */
import { describe, expect, it } from "vitest";
import type { DayCell, DayState, RunRow, SliceRow } from "@/gen/contract";
import { byStream, neighbours, pastRuns, tookMillis } from "./history";
import { knownWord, placeOf, plainLine, windowOf } from "./log";
import { chosenRange, headDays, holes, moveSelection, reach } from "./strip";

const size = { rows: 3, days: 30 };
const letters: Record<string, DayState> = { f: "final", m: "moving", p: "partial", x: "failed", ".": "missing" };
const cells = (states: string): DayCell[] =>
  [...states].map((letter, index) => ({
    date: `2026-11-${String(index + 1).padStart(2, "0")}`,
    state: letters[letter] ?? "missing",
    reads: 1,
    read_at: null,
    rows: 0,
    change: null,
    rejected: 0,
    totals: null,
  }));

describe("choosing days", () => {
  it.each([
    ["ArrowLeft", false, { row: 1, anchor: 9, day: 9 }],
    ["ArrowRight", false, { row: 1, anchor: 11, day: 11 }],
    ["ArrowRight", true, { row: 1, anchor: 10, day: 11 }],
    ["ArrowLeft", true, { row: 1, anchor: 10, day: 9 }],
    ["ArrowUp", false, { row: 0, anchor: 10, day: 10 }],
    ["ArrowDown", true, { row: 2, anchor: 10, day: 10 }],
    ["Home", true, { row: 1, anchor: 10, day: 0 }],
    ["End", false, { row: 1, anchor: 29, day: 29 }],
  ])("%s (shift %s)", (key, shift, expected) => {
    expect(moveSelection({ row: 1, anchor: 10, day: 10 }, key, shift, size)).toEqual(expected);
  });

  it("stays on the board and leaves other keys alone", () => {
    expect(moveSelection({ row: 0, anchor: 0, day: 0 }, "ArrowLeft", false, size)).toEqual({
      row: 0,
      anchor: 0,
      day: 0,
    });
    expect(moveSelection({ row: 2, anchor: 3, day: 3 }, "ArrowDown", false, size)?.row).toBe(2);
    expect(moveSelection({ row: 0, anchor: 0, day: 0 }, "a", false, size)).toBeNull();
  });

  it("starts anew on another connection", () => {
    expect(moveSelection({ row: 1, anchor: 4, day: 9 }, "ArrowUp", true, size)).toEqual({ row: 0, anchor: 9, day: 9 });
  });

  it("reads a choice made backwards as the same days", () => {
    expect(reach({ row: 0, anchor: 7, day: 3 })).toEqual([3, 7]);
    expect(chosenRange(cells("ffffffffff"), { row: 0, anchor: 7, day: 3 })).toEqual({
      from: "2026-11-04",
      to: "2026-11-08",
    });
    expect(chosenRange([], { row: 0, anchor: 1, day: 1 })).toBeNull();
  });

  it.each([
    ["ffffmm", 0],
    ["ff..ff", 2],
    ["..ffff", 0],
    ["ffff..", 0],
    ["......", 0],
    ["f.f.p", 2],
  ])("%s has %i holes", (states, count) => {
    expect(holes(cells(states))).toBe(count);
  });

  it("names the ends and round days that do not touch them", () => {
    const days = Array.from({ length: 30 }, (_, index) =>
      new Date(Date.UTC(2026, 9, 21 + index)).toISOString().slice(0, 10),
    );
    expect(headDays(days).map((index) => days[index])).toEqual([
      "2026-10-21",
      "2026-11-01",
      "2026-11-10",
      "2026-11-19",
    ]);
  });
});

describe("runs", () => {
  const run = (part: Partial<RunRow>) =>
    ({
      id: "r",
      state: "done",
      started_at: "2026-11-20T09:00:00Z",
      ended_at: "2026-11-20T09:00:06Z",
      ...part,
    }) as RunRow;

  it("keeps those under way out of the history", () => {
    const pages = [
      { runs: [run({ id: "a", state: "running" }), run({ id: "b" })], more: true },
      { runs: [run({ id: "c", state: "stopped" })], more: false },
    ];
    expect(pastRuns(pages).map((one) => one.id)).toEqual(["b", "c"]);
  });

  it("knows how long a run took once it is over", () => {
    expect(tookMillis(run({}))).toBe(6_000);
    expect(tookMillis(run({ ended_at: null }))).toBeNull();
    expect(tookMillis(run({ ended_at: "2026-11-20T08:59:59Z" }))).toBe(0);
  });

  it.each([
    ["a", undefined, "b"],
    ["b", "a", "c"],
    ["c", "b", undefined],
    ["z", undefined, undefined],
  ])("neighbours of %s", (id, previous, next) => {
    expect(neighbours(["a", "b", "c"], id)).toEqual({ previous, next });
  });

  it("heads each stream once", () => {
    const slice = (stream: string) => ({ stream }) as SliceRow;
    expect(
      byStream([slice("a"), slice("b"), slice("b"), slice("a")]).map((group) => [group.stream, group.slices.length]),
    ).toEqual([
      ["a", 1],
      ["b", 2],
      ["a", 1],
    ]);
  });
});

describe("log", () => {
  const line = (event: string, params: Record<string, string> = {}) => ({ at: "2026-11-20T09:00:00Z", event, params });

  it.each([
    [line("slice_started", { stream: "a", window: "" }), "slice_started"],
    [line("slice_committed", { stream: "a", rows: "0" }), "slice_committed"],
    [line("slice_committed", { stream: "a" }), null],
    [line("ended", { state: "done" }), "ended"],
    [line("constructor"), null],
    [line("tokens_refreshed", { left: "4" }), null],
  ])("%j", (row, word) => {
    expect(knownWord(row)).toBe(word);
  });

  it("shows an unknown word as it came", () => {
    expect(plainLine(line("tokens_refreshed", { left: "4", user: "m" }))).toBe("tokens_refreshed left=4 user=m");
  });

  it("reads windows", () => {
    expect(windowOf("2026-11-10..2026-11-12")).toEqual({ from: "2026-11-10", to: "2026-11-12" });
    expect(windowOf("2026-11-10")).toEqual({ from: "2026-11-10", to: "2026-11-10" });
    expect(windowOf("")).toBeNull();
    expect(windowOf(undefined)).toBeNull();
  });

  it.each([
    ["https://ads.vk.com/api/v2/day.json?id=1&offset=0", "/api/v2/day.json", "id=1&offset=0"],
    ["http://127.0.0.1:8080/token", "/token", ""],
    ["https://host", "/", ""],
    ["not an address", "not an address", ""],
  ])("shortens %s", (url, path, query) => {
    expect(placeOf(url)).toEqual([path, query]);
  });
});

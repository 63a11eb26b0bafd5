/** The tree of statistics as it is shown, opened and named in the address. */
import { describe, expect, it } from "vitest";
import type { PivotKind, PivotNode, StatsPivot, StatsSums } from "@/gen/contract";
import { addable, byValue, dimensionsOf, exportLevel, openedFirst, type PivotRow, shownOf, treeOf } from "./pivot";

const nothing: StatsSums = {
  impressions: null,
  clicks: null,
  spend: null,
  spend_with_vat: null,
  spend_without_vat: null,
  cpm: null,
  cr: null,
  roi: null,
  romi: null,
  conversions: null,
  revenue: null,
  ctr: null,
  cpc: null,
  cpa: null,
  roas: null,
  drr: null,
  visits: null,
  page_views: null,
  bounce_rate: null,
};

/** Lines such as `  campaign Brand 30`: two spaces a level, the kind, the key, the spend. */
function pivot(...lines: string[]): StatsPivot {
  const open: number[] = [];
  const nodes = lines.map((line, at): PivotNode => {
    const depth = (line.length - line.trimStart().length) / 2;
    const [kind = "", key = "", spend] = line.trim().split(" ");
    open[depth] = at;
    return {
      depth,
      parent: depth === 0 ? null : (open[depth - 1] ?? null),
      key,
      kind: kind as PivotKind,
      label: key,
      above: [],
      connector: null,
      external_id: null,
      landing_url: null,
      utm: null,
      from: null,
      to: null,
      moving: false,
      sums: { ...nothing, spend: spend === undefined ? null : Number(spend) },
    };
  });
  return { currency: "RUB", total: nothing, dimensions: ["channel"], nodes };
}

const agency = pivot(
  "channel vk 90",
  "  campaign b 50",
  "    ad x 20",
  "    ad y 30",
  "  campaign a 30",
  "  campaign u",
  "  not_split rest 10",
  "channel my 40",
  "apart apart",
  "  account counter 1000",
);
const paths = (rows: PivotRow[]) => rows.map((row) => row.path).join(" ");
const bySpend = (down: boolean) => byValue((row) => row.sums.spend, down, new Intl.Collator("en"));

describe("rows in sight", () => {
  it("are those of open branches, each with its place", () => {
    const { rows, places } = shownOf(treeOf(agency), (row) => row.path === "vk");
    expect(paths(rows)).toBe("vk vk/b vk/a vk/u vk/rest my apart");
    const place = (path: string) => places.get(rows.find((row) => row.path === path) as PivotRow);
    expect(place("vk")).toEqual({ depth: 0, open: true, at: 1, of: 3, flat: false });
    expect(place("vk/b")).toEqual({ depth: 1, open: false, at: 1, of: 4, flat: false });
    expect(place("vk/a")?.open).toBeNull();
  });

  it("are sorted among siblings: unknown sinks in both directions, and what is no part of the others stays last", () => {
    const sorted = (down: boolean) => paths(shownOf(treeOf(agency), (row) => row.path !== "apart", bySpend(down)).rows);
    expect(sorted(true)).toBe("vk vk/b vk/b/y vk/b/x vk/a vk/u vk/rest my apart");
    expect(sorted(false)).toBe("my vk vk/a vk/b vk/b/x vk/b/y vk/u vk/rest apart");
  });

  it.each([
    [4, ""],
    [7, "vk"],
    [9, "vk vk/b"],
    [90, "vk vk/b"],
  ])("of %d that fit open of themselves: %s", (fit, open) => {
    expect([...openedFirst(treeOf(agency), fit)].join(" ")).toBe(open);
  });
});

describe("dimensions", () => {
  it.each([
    ["channel,campaign,month", ["channel", "campaign", "month"]],
    ["campaign,by-goal", ["campaign", { breakdown: "goal" }]],
    ["", null],
    [null, null],
    ["nonsense", null],
    ["ad,ad", null],
    ["by-goal,by-device", null],
    ["channel,account,campaign,ad_group,ad", null],
  ])("of %s", (words, expected) => {
    expect(dimensionsOf(words)).toEqual(expected);
  });

  it("that may be added are those that are not there, and one split", () => {
    expect(addable(["channel", "month"], ["goal"])).toEqual([
      "account",
      "campaign",
      "ad_group",
      "ad",
      "day",
      "week",
      { breakdown: "goal" },
    ]);
    expect(addable([{ breakdown: "goal" }], ["goal", "device"]).filter((one) => typeof one !== "string")).toEqual([]);
    expect(addable(["channel", "account", "campaign", "ad"], ["goal"])).toEqual([]);
  });

  it("decide how deep an export goes", () => {
    expect(exportLevel(["campaign", "ad", "day"])).toBe("ad");
    expect(exportLevel(["campaign", { breakdown: "goal" }])).toBe("campaign");
    expect(exportLevel(["channel", "month"])).toBeNull();
  });
});

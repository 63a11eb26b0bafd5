/** Totals that are honest: unknown is not zero, and different currencies do not add up. */
import { expect, it } from "vitest";
import type { PortfolioRow } from "@/gen/contract";
import { pick, total } from "./portfolio";

const row = (client_name: string, change: Partial<PortfolioRow> = {}): PortfolioRow => ({
  client_id: client_name,
  client_name,
  health: "good",
  currency: "RUB",
  spend: 100_000_000,
  spend_change: null,
  impressions: 1_000,
  clicks: 10,
  conversions: 2_000_000,
  revenue: 400_000_000,
  ctr: null,
  cpc: null,
  cpa: null,
  cpa_change: null,
  roas: null,
  drr: null,
  daily_spend: [],
  moving_days: 0,
  anomalies: 0,
  worst_anomaly: null,
  data_through: null,
  synced_at: null,
  connections: 1,
  problems: 0,
  pace: null,
  ...change,
});

it("adds up what is known", () => {
  const sums = total([row("a"), row("b", { spend: 50_500_000, revenue: null, conversions: null })]);
  expect(sums).toMatchObject({
    currency: "RUB",
    spend: 150_500_000,
    revenue: 400_000_000,
    conversions: 2_000_000,
    clicks: 20,
    cpa: 75_250_000,
  });
});

it("knows nothing of nothing", () => {
  const sums = total([row("a", { spend: null, revenue: null, conversions: null, clicks: null, impressions: null })]);
  expect(sums).toMatchObject({ currency: null, spend: null, conversions: null, cpa: null, roas: null, drr: null });
});

it("does not add roubles to tenge", () => {
  const sums = total([row("a"), row("b", { currency: "KZT" })]);
  expect(sums).toMatchObject({ currency: null, spend: null, revenue: null, cpa: null, conversions: 4_000_000 });
});

it("a client without spend does not make currencies differ, and no conversions make no CPA", () => {
  expect(
    total([row("a", { conversions: 0 }), row("b", { currency: "KZT", spend: null, conversions: 0 })]),
  ).toMatchObject({ currency: "RUB", spend: 100_000_000, cpa: null });
});

it("filters by health and name", () => {
  const rows = [row("Ромашка", { health: "act" }), row("Роман"), row("Альфа", { health: "act" })];
  expect(pick(rows, "act", "").map((found) => found.client_name)).toEqual(["Ромашка", "Альфа"]);
  expect(pick(rows, "all", " рОм ").map((found) => found.client_name)).toEqual(["Ромашка", "Роман"]);
});

const pace = (plan: number, spent: number, forecast: number | null): NonNullable<PortfolioRow["pace"]> => ({
  plan,
  spent,
  expected: plan / 2,
  spent_share: null,
  expected_share: null,
  pacing: null,
  course: "on_plan",
  forecast,
  forecast_low: null,
  forecast_high: null,
  forecast_share: null,
  outcome: null,
  through: "2026-11-19",
  stale: false,
});

it("adds up the plans of those who have one", () => {
  const rows = [row("a", { pace: pace(300, 150, 320) }), row("b"), row("c", { pace: pace(100, 10, 40) })];
  expect(total(rows).pace).toEqual({
    spent_share: 400_000,
    expected_share: 500_000,
    forecast: 360,
    forecast_share: 900_000,
  });
  expect(total([row("a")]).pace).toBeNull();
  expect(total([...rows, row("d", { pace: pace(10, 0, null) })]).pace).toMatchObject({ forecast: null });
  expect(total([...rows, row("d", { currency: "KZT" })]).pace).toBeNull();
});

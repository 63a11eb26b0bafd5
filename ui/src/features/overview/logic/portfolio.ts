/** What the portfolio table shows of its rows: filter, totals and their honesty. */
import type { Health, PortfolioRow } from "@/gen/contract";

/** Which rows. */
export type HealthFilter = Health | "all";

/** Rows of a health whose name fits. */
export function pick(rows: PortfolioRow[], health: HealthFilter, query: string): PortfolioRow[] {
  const needle = query.trim().toLocaleLowerCase();
  return rows.filter(
    (row) =>
      (health === "all" || row.health === health) &&
      (needle === "" || row.client_name.toLocaleLowerCase().includes(needle)),
  );
}

/** The newest day that any row has data of; empty when none has. Rows behind it are late. */
export function newestDay(rows: PortfolioRow[]): string {
  return rows.reduce(
    (newest, row) => (row.data_through !== null && row.data_through > newest ? row.data_through : newest),
    "",
  );
}

/** Totals of the rows in sight. Sums of different currencies do not exist, so `currency` is `null` then and money with it. */
export interface PortfolioTotal {
  /** The one currency, or `null`. */
  currency: string | null;
  /** Spend. */
  spend: number | null;
  /** Revenue. */
  revenue: number | null;
  /** Conversions. */
  conversions: number | null;
  /** Impressions. */
  impressions: number | null;
  /** Clicks. */
  clicks: number | null;
  /** Spend per conversion. */
  cpa: number | null;
  /** Revenue per spend. */
  roas: number | null;
  /** Spend per revenue. */
  drr: number | null;
  /** The plans of the rows that have one, and how these rows stand. */
  pace: PaceTotal | null;
}

/** Plans added up. */
export interface PaceTotal {
  /** Spend by plan. */
  spent_share: number | null;
  /** Expected by plan. */
  expected_share: number | null;
  /** Where these months will end; unknown when one of them is. */
  forecast: number | null;
  /** Forecast by plan. */
  forecast_share: number | null;
}

function sum(values: (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
}

const MICRO = 1_000_000;

/** Millionths of a quotient of two millionths. A share of nothing is unknown. */
function quotient(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : Math.round((a / b) * MICRO);
}

function paceOf(rows: PortfolioRow[]): PaceTotal | null {
  const paces = rows.map((row) => row.pace).filter((pace) => pace !== null);
  if (paces.length === 0) return null;
  const plan = sum(paces.map((pace) => pace.plan));
  const whole = paces.every((pace) => pace.forecast !== null);
  const forecast = whole ? sum(paces.map((pace) => pace.forecast)) : null;
  return {
    spent_share: quotient(sum(paces.map((pace) => pace.spent)), plan),
    expected_share: quotient(sum(paces.map((pace) => pace.expected)), plan),
    forecast,
    forecast_share: quotient(forecast, plan),
  };
}

/** Adds the rows up. */
export function total(rows: PortfolioRow[]): PortfolioTotal {
  const currencies = new Set(rows.filter((row) => row.spend !== null).map((row) => row.currency));
  const currency = currencies.size === 1 ? ([...currencies][0] ?? null) : null;
  const spend = currency ? sum(rows.map((row) => row.spend)) : null;
  const revenue = currency ? sum(rows.map((row) => row.revenue)) : null;
  const conversions = sum(rows.map((row) => row.conversions));
  return {
    currency,
    spend,
    revenue,
    conversions,
    impressions: sum(rows.map((row) => row.impressions)),
    clicks: sum(rows.map((row) => row.clicks)),
    cpa: quotient(spend, conversions),
    roas: quotient(revenue, spend),
    drr: quotient(spend, revenue),
    pace: currency ? paceOf(rows.filter((row) => row.currency === currency)) : null,
  };
}

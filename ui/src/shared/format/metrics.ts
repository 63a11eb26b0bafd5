/** How metrics are kept and printed, as the backend defines them. */
import type { Metric, StatsSums, Unit } from "@/gen/contract";

/** Unit of every metric. */
export const units: Record<Metric, Unit> = {
  spend: "money",
  spend_with_vat: "money",
  spend_without_vat: "money",
  impressions: "count",
  clicks: "count",
  conversions: "count",
  revenue: "money",
  ctr: "percent",
  cpc: "money",
  cpm: "money",
  cr: "percent",
  cpa: "money",
  roas: "ratio",
  roi: "percent",
  romi: "percent",
  drr: "percent",
  visits: "count",
  page_views: "count",
  bounce_rate: "percent",
};

/** Metrics that are kept as counts and not in millionths. */
const counts: ReadonlySet<Metric> = new Set(["impressions", "clicks", "visits", "page_views"]);

/** A metric in millionths, whatever it is kept in. */
export function microsOf(sums: StatsSums, metric: Metric): number | null {
  const value = sums[metric];
  return value !== null && counts.has(metric) ? value * 1_000_000 : value;
}

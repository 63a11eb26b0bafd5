/** Relative changes of totals, and whether they are good news. The backend says it for the overview's strip; here it follows the same rule. */
import type { Metric, Verdict } from "@/gen/contract";

const MICRO = 1_000_000;

/** Relative change in millionths; unknown when either side is, or when there was nothing before. */
export function change(now: number | null, then: number | null): number | null {
  return now === null || then === null || then === 0 ? null : Math.round(((now - then) / then) * MICRO);
}

const lessIsBetter = new Set<Metric>(["cpc", "cpm", "cpa", "drr", "bounce_rate"]);
const neither = new Set<Metric>(["spend", "spend_with_vat", "spend_without_vat"]);

/** Whether the change is good. Spend is neither: it is a decision. */
export function verdictOf(metric: Metric, now: number | null, then: number | null): Verdict {
  if (neither.has(metric) || now === null || then === null || now === then) return "neutral";
  return now > then === lessIsBetter.has(metric) ? "worse" : "better";
}

/** Months of the plan tab, and what a person types there. Amounts are typed in units and kept in millionths. */
import type { ClientPlans, Phasing, PlanRow, PlanScope } from "@/gen/contract";
import { addDays, addMonths, daysIn } from "@/shared/period/period";

const MICRO = 1_000_000;

/** The month `by` months later. */
export function monthAfter(month: string, by: number): string {
  return addMonths(`${month}-01`, by).slice(0, 7);
}

/** How many days a month has. */
export function daysOf(month: string): number {
  const first = `${month}-01`;
  return daysIn({ from: first, to: addDays(addMonths(first, 1), -1) });
}

/** A line of the tab: something that has a plan, or may have one. */
export interface PlanLine {
  /** Its identity in the table. */
  id: string;
  /** Of what. */
  scope: PlanScope;
  /** The plan, if there is one. */
  plan: PlanRow | null;
}

/** The identity of a scope. */
export function scopeId(scope: PlanScope): string {
  switch (scope.type) {
    case "client":
      return "client";
    case "channel":
      return `channel:${scope.connector}`;
    case "campaign":
      return `campaign:${scope.connection_id}:${scope.external_id}`;
  }
}

/** The client itself, its systems, and whatever else has a plan. */
export function linesOf(data: ClientPlans): PlanLine[] {
  const possible: PlanScope[] = [
    { type: "client" },
    ...data.channels.map((connector): PlanScope => ({ type: "channel", connector })),
  ];
  const known = new Map(data.plans.map((plan) => [scopeId(plan.scope), plan]));
  const lines = possible.map((scope) => ({ id: scopeId(scope), scope, plan: known.get(scopeId(scope)) ?? null }));
  const named = new Set(lines.map((line) => line.id));
  const others = data.plans.filter((plan) => !named.has(scopeId(plan.scope)));
  return [...lines, ...others.map((plan) => ({ id: scopeId(plan.scope), scope: plan.scope, plan }))];
}

/** Millionths of what was typed; `null` when that is no positive sum. */
export function microsOf(typed: string | number): number | null {
  const micros = typed === "" ? Number.NaN : Math.round(Number(typed) * MICRO);
  return Number.isSafeInteger(micros) && micros > 0 ? micros : null;
}

/** The weights of a phasing as they are typed, for another kind of it: those it has, else all alike. */
export function weightsFor(kind: Phasing["type"], month: string, phasing: Phasing): number[] {
  if (kind === "even") return [];
  const count = kind === "weekdays" ? 7 : daysOf(month);
  const own = phasing.type === kind ? phasing.weights : [];
  return Array.from({ length: count }, (_, at) => own[at] ?? (own.length > 0 ? 0 : 1));
}

/** A phasing from its kind and its weights. */
export function phasingOf(kind: Phasing["type"], weights: number[]): Phasing {
  if (kind === "even") return { type: "even" };
  if (kind === "days") return { type: "days", weights };
  const [mon = 0, tue = 0, wed = 0, thu = 0, fri = 0, sat = 0, sun = 0] = weights;
  return { type: "weekdays", weights: [mon, tue, wed, thu, fri, sat, sun] };
}

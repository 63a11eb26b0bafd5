/**
 * Anomalies in words. A day is told by what it is a multiple of: "CPA of Brand is 2.3 times its usual Tuesday". Whether it is one, and
 * whether it is good news, is the backend's decision.
 */
import { useTranslation } from "react-i18next";
import type { AnomalyRow, Verdict, WorstAnomaly } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import type { StateTone } from "@/shared/ui/States";

const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
/** A weekday. */
export type Weekday = (typeof weekdays)[number];

/** The weekday of a calendar day. */
export function weekdayOf(day: string): Weekday {
  return weekdays[new Date(`${day}T00:00:00Z`).getUTCDay()] ?? "mon";
}

const MICRO = 1_000_000;

/** How a factor is told: from twice on as a multiple to a tenth, below that in per cent; without one there was nothing to compare with. */
export type Distance =
  | { told: "times"; count: number }
  | { told: "above" | "below"; percent: number }
  | { told: "new" };

/** Tells a factor in millionths. */
export function distance(factor: number | null): Distance {
  if (factor === null) return { told: "new" };
  const times = Math.round(factor / (MICRO / 10)) / 10;
  if (times >= 2) return { told: "times", count: times };
  const percent = Math.round((factor - MICRO) / (MICRO / 100));
  return percent >= 0 ? { told: "above", percent } : { told: "below", percent: -percent };
}

/** How loud news is. */
export const verdictTones: Record<Verdict, StateTone> = { worse: "watch", better: "good", neutral: "off" };

/** What is told of an anomaly: the sentence, and the figures behind it. */
export interface AnomalyWords {
  /** The sentence. */
  title: string;
  /** Its figures. */
  body: string;
}

/** A function that puts anomalies into words of the present language. */
export function useAnomalyWords(): (row: AnomalyRow) => AnomalyWords {
  const { t } = useTranslation("anomalies");
  const format = useFormat();
  return (row) => {
    const metric = t(`metric.${row.metric}`);
    const who = row.account_name;
    const usual = t(`usual.${weekdayOf(row.date)}`);
    const far = distance(row.factor);
    const print = (micros: number) => {
      const printed = format.metric(micros, row.unit, row.currency);
      return printed.unit ? `${printed.value}\u00a0${printed.unit}` : printed.value;
    };
    const title =
      far.told === "times"
        ? t("times", { count: far.count, times: format.countMicros(far.count * MICRO), metric, who, usual })
        : far.told === "new"
          ? t("new", { metric, who })
          : t(far.told, { percent: format.count(far.percent), metric, who, usual });
    const figures = { value: print(row.value), median: print(row.usual), day: format.dayLong(row.date) };
    return { title, body: t("measured", { count: row.weeks, ...figures }) };
  };
}

/** A function that tells the worst anomaly of a client in the width of a cell. */
export function useShortAnomaly(): (worst: WorstAnomaly) => string {
  const { t } = useTranslation("anomalies");
  const format = useFormat();
  return (worst) => {
    const metric = t(`name.${worst.metric}`);
    const far = distance(worst.factor);
    if (far.told === "times") return t("short.times", { metric, times: format.countMicros(far.count * MICRO) });
    if (far.told === "new") return t("short.new", { metric });
    return t(`short.${far.told}`, { metric, percent: format.count(far.percent) });
  };
}

/**
 * Spend against the plan of a month: the track is the plan, the fill what is spent, the tick what was to be spent by then. Hatched when the
 * newest data are old, because then it must not be trusted. What the colours mean the tooltip says in words, as do readers.
 */
import { useTranslation } from "react-i18next";
import type { Course, Pace } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { Money } from "./Figures";
import classes from "./kit.module.css";

const MICRO = 1_000_000;

/** Millionths as the width of a bar. */
function width(share: number | null): string {
  return `${Math.min(1, Math.max(0, (share ?? 0) / MICRO)) * 100}%`;
}

/** What a bar needs of a pace; a total has no word. */
export type Bar = Pick<Pace, "spent_share" | "expected_share" | "course" | "stale">;

/** The bar and the share of the plan that is spent. */
export function PacingBar(props: { pace: Bar; title: string }) {
  const format = useFormat();
  const { pace } = props;
  return (
    <span className={classes.pacing} title={props.title}>
      <span
        className={classes.pace}
        role="img"
        aria-label={props.title}
        data-course={pace.course ?? "none"}
        data-stale={pace.stale}
      >
        <i style={{ width: width(pace.spent_share) }} />
        <b style={{ left: width(pace.expected_share) }} />
      </span>
      {pace.spent_share === null ? null : <span>{format.wholePercent(pace.spent_share)}</span>}
    </span>
  );
}

/** The bar of a plan, with all of it in words. */
export function Pacing(props: { pace: Pace; currency: string }) {
  return <PacingBar pace={props.pace} title={usePaceWords()(props.pace, props.currency)} />;
}

/** Says how a plan stands. */
export function usePaceWords(): (pace: Pace, currency: string) => string {
  const { t } = useTranslation("shared");
  const format = useFormat();
  return (pace, currency) => {
    const plan = format.moneyExact(pace.plan, currency);
    if (pace.course === null || pace.through === null) return t("pacing.unknown", { plan });
    const words = t("pacing.title", {
      spent: format.moneyExact(pace.spent, currency),
      plan,
      day: format.day(pace.through),
      expected: format.moneyExact(pace.expected, currency),
      word: t(`course.${pace.course}`),
    });
    return pace.stale ? `${words} ${t("pacing.stale")}` : words;
  };
}

/** Where the month will end, and what that is of the plan. */
export function ForecastCell(props: {
  forecast: number | null;
  share: number | null;
  outcome: Course | null;
  currency: string;
  title?: string | undefined;
}) {
  const format = useFormat();
  if (props.forecast === null) return null;
  return (
    <span className={classes.forecast} title={props.title}>
      <Money micros={props.forecast} currency={props.currency} />
      {props.share === null ? null : (
        <span data-course={props.outcome ?? "none"}>{format.wholePercent(props.share)}</span>
      )}
    </span>
  );
}

/** The forecast of a plan with its interval in words. */
export function Forecast(props: { pace: Pace; currency: string }) {
  const { t } = useTranslation("shared");
  const format = useFormat();
  const { pace, currency } = props;
  const { forecast_low: low, forecast_high: high } = pace;
  const title =
    low === null || high === null
      ? undefined
      : t("pacing.interval", { low: format.moneyExact(low, currency), high: format.moneyExact(high, currency) });
  return (
    <ForecastCell
      forecast={pace.forecast}
      share={pace.forecast_share}
      outcome={pace.outcome}
      currency={currency}
      title={title}
    />
  );
}

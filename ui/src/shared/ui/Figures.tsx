/**
 * Quantities on screen. A sum is a `<data>` element: people read it rounded, its tooltip says it to the cent, and its
 * `value` is the exact decimal, which is what a screen test compares with the platform. Unknown draws nothing.
 */
import type { Unit, Verdict } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import classes from "./kit.module.css";

const MICRO = 1_000_000;

/** The exact decimal of millionths, without floating point. */
export function exactDecimal(micros: number): string {
  const whole = Math.trunc(Math.abs(micros) / MICRO);
  const rest = String(Math.abs(micros) % MICRO)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${micros < 0 ? "-" : ""}${whole}${rest ? `.${rest}` : ""}`;
}

/** A sum in millionths of a currency. `atLeast` marks a lower bound: some part is missing from it. */
export function Money(props: { micros: number | null; currency: string; atLeast?: boolean; bare?: boolean }) {
  const format = useFormat();
  if (props.micros === null) return null;
  return (
    <data
      className={classes.figure}
      value={exactDecimal(props.micros)}
      title={format.moneyExact(props.micros, props.currency)}
    >
      {props.atLeast ? "≥\u202f" : ""}
      {format.money(props.micros)}
      {props.bare ? null : <span className={classes.unit}>{format.sign(props.currency)}</span>}
    </data>
  );
}

/** A whole count. */
export function Count(props: { value: number | null; atLeast?: boolean }) {
  const format = useFormat();
  if (props.value === null) return null;
  return (
    <data className={classes.figure} value={String(props.value)}>
      {props.atLeast ? "≥\u202f" : ""}
      {format.count(props.value)}
    </data>
  );
}

/** Any metric in millionths, printed by its unit. */
export function Figure(props: {
  micros: number | null;
  unit: Unit;
  currency: string;
  compact?: boolean;
  atLeast?: boolean;
}) {
  const format = useFormat();
  if (props.micros === null) return null;
  const printed = (props.compact ? format.compact : format.metric).call(
    format,
    props.micros,
    props.unit,
    props.currency,
  );
  const exact =
    props.unit === "money" ? format.moneyExact(props.micros, props.currency) : format.countMicros(props.micros);
  return (
    <data
      className={classes.figure}
      value={exactDecimal(props.micros)}
      title={props.unit === "money" || props.unit === "count" ? exact : undefined}
    >
      {props.atLeast ? "≥\u202f" : ""}
      {printed.value}
      {printed.unit ? <span className={classes.unit}>{printed.unit}</span> : null}
    </data>
  );
}

/** A ratio in millionths as percent. */
export function Percent(props: { micros: number | null }) {
  return <Figure micros={props.micros} unit="percent" currency="" />;
}

/** A ratio in millionths as a plain number. */
export function Ratio(props: { micros: number | null }) {
  return <Figure micros={props.micros} unit="ratio" currency="" />;
}

/** A relative change in millionths, or a difference in points. Ground, sign and colour say together whether it is good. */
export function Change(props: { micros: number | null; verdict: Verdict; points?: boolean }) {
  const format = useFormat();
  if (props.micros === null) return null;
  // What is printed as 0,0 % is no news, however it was computed.
  const verdict = Math.abs(props.micros) < 500 ? "neutral" : props.verdict;
  return (
    <span className={classes.change} data-verdict={verdict}>
      {props.points ? format.points(props.micros) : format.change(props.micros)}
    </span>
  );
}

/** A calendar day. */
export function DateText(props: { day: string | null; today?: string }) {
  const format = useFormat();
  if (props.day === null) return null;
  return <time dateTime={props.day}>{format.day(props.day, props.today)}</time>;
}

/** An instant: the time when it is today, the day otherwise, everything in the tooltip. */
export function InstantText(props: { at: string | null; full?: boolean }) {
  const format = useFormat();
  if (props.at === null) return null;
  return (
    <time dateTime={props.at} title={format.instant(props.at)}>
      {props.full ? format.instant(props.at) : format.moment(props.at)}
    </time>
  );
}

/** The strip of days: the densest picture of trust in the product. Every state differs in shape as well as in colour. */
import { Tooltip } from "@mantine/core";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { allDayState, type DayCell, type DayState, type DayTotals } from "@/gen/contract";
import type { Format } from "@/shared/format/format";
import { useFormat } from "@/shared/format/useFormat";
import classes from "./kit.module.css";

/** A bare cell, for legends and charts. */
export function DayMark(props: { state: DayState }) {
  return <i className={classes.day} data-state={props.state} />;
}

/** What was said of cells, in one language on one day: a moment of today is told by its time, and tomorrow by its day. */
let said = { when: "", words: new WeakMap<DayCell, { title: string; body: string }>() };

/** What a cell says on hover: the day, its state, how often and when it was read. A cell says it once, hundreds stand on a screen. */
export function useDayText(): (cell: DayCell) => { title: string; body: string } {
  const { t } = useTranslation("shared");
  const format = useFormat();
  const when = `${format.language} ${new Date().toDateString()}`;
  if (said.when !== when) said = { when, words: new WeakMap() };
  const { words } = said;
  const rejected = (cell: DayCell) =>
    cell.rejected > 0 ? t("day_rejected", { count: cell.rejected, printed: format.count(cell.rejected) }) : null;
  const say = (cell: DayCell) => ({
    title: t("day_title", { day: format.dayLong(cell.date), state: t(`day.${cell.state}`) }),
    body: cell.read_at
      ? [
          t("day_read", { count: cell.reads, at: format.moment(cell.read_at), rows: format.count(cell.rows) }),
          cell.change
            ? t("day_change", { metric: t(`metric.${cell.change.metric}`), change: format.change(cell.change.change) })
            : null,
          rejected(cell),
          cell.totals ? compared(cell.totals, t, format) : null,
        ]
          .filter((part) => part !== null)
          .join(" ")
      : t("day_unread"),
  });
  return (cell) => {
    const known = words.get(cell) ?? say(cell);
    words.set(cell, known);
    return known;
  };
}

/** Our sums beside the platform's own, in the first number that says something: money, else impressions, else clicks. */
function compared(totals: DayTotals, t: TFunction<"shared">, format: Format): string {
  if (!totals.differ) return t("day_same");
  const { spend, their_spend, impressions, their_impressions, clicks, their_clicks, currency } = totals;
  if (spend !== null && their_spend !== null && spend !== their_spend) {
    return t("day_differs", {
      ours: format.moneyExact(spend, currency),
      theirs: format.moneyExact(their_spend, currency),
      change: their_spend === 0 ? "" : format.change(((spend - their_spend) / their_spend) * 1_000_000),
    });
  }
  return impressions !== their_impressions
    ? t("day_differs_shows", { ours: format.count(impressions ?? 0), theirs: format.count(their_impressions ?? 0) })
    : t("day_differs_clicks", { ours: format.count(clicks ?? 0), theirs: format.count(their_clicks ?? 0) });
}

/**
 * Days of one connection. It is one image with a sentence for those who cannot see it; `onPick` makes the days draggable
 * to choose a range for re-collection.
 */
export function DayStrip(props: {
  cells: DayCell[];
  label: string;
  wide?: boolean;
  hint?: string;
  chosen?: { from: string; to: string } | null;
  onPick?: (day: string, phase: "start" | "move" | "end") => void;
}) {
  const text = useDayText();
  const { t } = useTranslation("shared");
  const counts = allDayState
    .map((state) => ({ state, days: props.cells.filter((cell) => cell.state === state).length }))
    .filter((entry) => entry.days > 0)
    .map((entry) => t("day_count", { count: entry.days, state: t(`day.${entry.state}`) }));
  const chosen = props.chosen;
  return (
    <span
      className={classes.strip}
      data-wide={props.wide ?? false}
      role="img"
      aria-label={[props.label, ...counts].join(", ")}
    >
      {props.cells.map((cell) => {
        const words = text(cell);
        return (
          <Tooltip
            key={cell.date}
            label={
              <>
                <span className={classes.tipTitle}>{words.title}</span>
                {words.body}
                {props.hint ? <span style={{ display: "block", marginTop: 4 }}>{props.hint}</span> : null}
              </>
            }
            maw={240}
            multiline
          >
            <i
              className={classes.day}
              data-state={cell.state}
              data-chosen={chosen ? cell.date >= chosen.from && cell.date <= chosen.to : false}
              onPointerDown={props.onPick ? () => props.onPick?.(cell.date, "start") : undefined}
              onPointerEnter={
                props.onPick ? (event) => event.buttons === 1 && props.onPick?.(cell.date, "move") : undefined
              }
              onPointerUp={props.onPick ? () => props.onPick?.(cell.date, "end") : undefined}
            />
          </Tooltip>
        );
      })}
    </span>
  );
}

const legendOrder: DayState[] = ["final", "moving", "partial", "failed", "missing"];

/** What the cells mean. */
export function DayLegend() {
  const { t } = useTranslation("shared");
  return (
    <div className={classes.legend}>
      {legendOrder.map((state) => (
        <span key={state}>
          <DayMark state={state} />
          {t(`day.${state}`)}
        </span>
      ))}
    </div>
  );
}

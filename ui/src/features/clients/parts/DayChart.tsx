/**
 * Days of a client: bars for the first metric, a line for the second, ticks for the comparison period, and under the axis
 * the same completeness cells as on Syncs, so an honest chart needs no footnote. Still-moving days are hatched.
 */
import { useElementSize } from "@mantine/hooks";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DayState, Metric, StatsDay, Unit } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { axis, labelEvery, top } from "../logic/chart";
import classes from "../screens/clients.module.css";

/** Unit of every metric. */
export const units: Record<Metric, Unit> = {
  spend: "money",
  impressions: "count",
  clicks: "count",
  conversions: "count",
  revenue: "money",
  ctr: "percent",
  cpc: "money",
  cpa: "money",
  roas: "ratio",
  drr: "percent",
  visits: "count",
  page_views: "count",
  bounce_rate: "percent",
};

/** Metrics that are kept as counts and not in millionths. */
export const counts: ReadonlySet<Metric> = new Set(["impressions", "clicks", "visits", "page_views"]);

/** A metric of one day in millionths, whatever it is kept in. */
export function metricOf(day: StatsDay, metric: Metric): number | null {
  const value = day.sums[metric];
  if (value === null) return null;
  return counts.has(metric) ? value * 1_000_000 : value;
}

const LEFT = 66;
const RIGHT = 56;
const TOP = 20;
const PLOT = 160;
const HEIGHT = 236;

const fills: Record<DayState, string> = {
  final: "var(--good-f)",
  moving: "url(#hatch)",
  partial: "var(--watch-f)",
  failed: "var(--act-f)",
  missing: "none",
};

/** The chart. */
export function DayChart(props: {
  days: StatsDay[];
  compare: StatsDay[] | null;
  bars: Metric;
  line: Metric;
  currency: string;
}) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const { ref, width } = useElementSize();
  const hatch = useId();
  const [hovered, setHovered] = useState<number | null>(null);
  const { days } = props;
  const plot = Math.max(200, (width || 1_000) - LEFT - RIGHT);
  const slot = plot / Math.max(1, days.length);
  const bar = Math.min(22, slot * 0.62);
  const first = days.map((day) => metricOf(day, props.bars));
  const second = days.map((day) => metricOf(day, props.line));
  const before = props.compare?.map((day) => metricOf(day, props.bars)) ?? [];
  const left = axis(Math.max(top(first), top(before)));
  const right = axis(top(second));
  const leftTop = left.at(-1) ?? 1;
  const rightTop = right.at(-1) ?? 1;
  const x = (index: number) => LEFT + slot * (index + 0.5);
  const y = (value: number, max: number) => TOP + PLOT - (value / max) * PLOT;
  const every = labelEvery(days.length, plot);
  const soft = (state: DayState) => state === "moving" || state === "partial";
  const firstSoft = days.findIndex(
    (day, index) => soft(day.state) && days.slice(index).every((later) => later.state !== "final"),
  );
  const print = (value: number | null, metric: Metric) => {
    if (value === null) return "–";
    const printed = format.metric(value, units[metric], props.currency);
    return printed.unit ? `${printed.value}\u00a0${printed.unit}` : printed.value;
  };
  const label = (value: number, metric: Metric) => {
    const printed = format.compact(value, units[metric], props.currency);
    return value === 0
      ? "0"
      : units[metric] === "percent"
        ? `${printed.value}\u202f%`
        : units[metric] === "money" || units[metric] === "count"
          ? format.short(value)
          : printed.value;
  };
  const path = (from: number, to: number) => {
    let text = "";
    let open = false;
    for (let index = from; index <= to; index += 1) {
      const value = second[index];
      if (value === null || value === undefined) open = false;
      else {
        text += `${open ? "L" : "M"}${x(index).toFixed(1)} ${y(value, rightTop).toFixed(1)}`;
        open = true;
      }
    }
    return text;
  };
  const turn = firstSoft < 0 ? days.length - 1 : Math.max(0, firstSoft);
  const shown = hovered === null ? null : days[hovered];
  const known = first.filter((value): value is number => value !== null);
  const text = t("chart_text", {
    metric: shared(`metric.${props.bars}`),
    min: print(known.length > 0 ? Math.min(...known) : null, props.bars),
    max: print(known.length > 0 ? Math.max(...known) : null, props.bars),
  });

  return (
    <div className={classes.chart} ref={ref}>
      <svg width={width || 1_000} height={HEIGHT} role="img" aria-label={text} onPointerLeave={() => setHovered(null)}>
        <defs>
          <pattern id={hatch} width={5} height={5} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width={5} height={5} fill="var(--c1)" opacity={0.22} />
            <rect width={2.4} height={5} fill="var(--c1)" />
          </pattern>
        </defs>
        {firstSoft >= 0 ? (
          <>
            <rect
              x={LEFT + slot * firstSoft}
              y={2}
              width={slot * (days.length - firstSoft)}
              height={PLOT + TOP - 2}
              fill="var(--ac-s)"
              opacity={0.55}
            />
            <text className={classes.moving} x={LEFT + slot * days.length - 6} y={14} textAnchor="end">
              {t("still_moving")}
            </text>
          </>
        ) : null}
        {left.map((value, index) => (
          <g key={value}>
            <line x1={LEFT} x2={LEFT + plot} y1={y(value, leftTop)} y2={y(value, leftTop)} stroke="var(--line)" />
            <text className={classes.axis} x={LEFT - 8} y={y(value, leftTop) + 4} textAnchor="end">
              {label(value, props.bars)}
            </text>
            <text className={classes.axis} x={LEFT + plot + 8} y={y(value, leftTop) + 4}>
              {label(right[index] ?? 0, props.line)}
            </text>
          </g>
        ))}
        {days.map((day, index) => {
          const value = first[index];
          const was = before[index];
          return (
            <g key={day.date}>
              {value === null || value === undefined ? null : (
                <rect
                  x={x(index) - bar / 2}
                  y={y(value, leftTop)}
                  width={bar}
                  height={Math.max(0, TOP + PLOT - y(value, leftTop))}
                  rx={3}
                  fill={soft(day.state) ? `url(#${hatch})` : "var(--c1)"}
                  stroke={soft(day.state) ? "var(--c1)" : "none"}
                  opacity={hovered === null || hovered === index ? 1 : 0.72}
                />
              )}
              {was === null || was === undefined ? null : (
                <>
                  <line
                    x1={x(index) - bar / 2 - 3}
                    x2={x(index) + bar / 2 + 3}
                    y1={y(was, leftTop)}
                    y2={y(was, leftTop)}
                    stroke="var(--panel)"
                    strokeWidth={4}
                  />
                  <line
                    x1={x(index) - bar / 2 - 3}
                    x2={x(index) + bar / 2 + 3}
                    y1={y(was, leftTop)}
                    y2={y(was, leftTop)}
                    stroke="var(--tx2)"
                    strokeWidth={2}
                  />
                </>
              )}
              {(days.length - 1 - index) % every === 0 ? (
                <text className={classes.axis} x={x(index)} y={TOP + PLOT + 16} textAnchor="middle">
                  {index < every || day.date.endsWith("-01") ? format.day(day.date) : Number(day.date.slice(8))}
                </text>
              ) : null}
              <rect
                x={x(index) - bar / 2}
                y={TOP + PLOT + 26}
                width={bar}
                height={9}
                rx={2.5}
                fill={day.state === "moving" ? `url(#${hatch})` : fills[day.state]}
                stroke={day.state === "missing" ? "var(--ctl)" : "none"}
              />
              {day.state === "partial" ? (
                <rect
                  x={x(index) - bar / 2}
                  y={TOP + PLOT + 26}
                  width={bar}
                  height={4.5}
                  fill="var(--panel)"
                  opacity={0.65}
                />
              ) : null}
              <rect
                x={LEFT + slot * index}
                y={0}
                width={slot}
                height={HEIGHT}
                fill="transparent"
                onPointerEnter={() => setHovered(index)}
              />
            </g>
          );
        })}
        <text className={classes.axis} x={LEFT - 8} y={TOP + PLOT + 34} textAnchor="end">
          {t("completeness")}
        </text>
        <path
          d={path(0, turn)}
          fill="none"
          stroke="var(--c3)"
          strokeWidth={2}
          strokeLinejoin="round"
          pointerEvents="none"
        />
        <path
          d={path(turn, days.length - 1)}
          fill="none"
          stroke="var(--c3)"
          strokeWidth={2}
          strokeDasharray="2 4"
          strokeLinecap="round"
          pointerEvents="none"
        />
      </svg>
      {shown && hovered !== null ? (
        <div className={classes.tip} style={{ left: Math.min(Math.max(x(hovered), 110), (width || 1_000) - 110) }}>
          <b>{shared("day_title", { day: format.dayLong(shown.date), state: shared(`day.${shown.state}`) })}</b>
          {shared(`metric.${props.bars}`)} {print(metricOf(shown, props.bars), props.bars)}
          <br />
          {shared(`metric.${props.line}`)} {print(metricOf(shown, props.line), props.line)}
        </div>
      ) : null}
    </div>
  );
}

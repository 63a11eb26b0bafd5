/**
 * A chart over time, as a picture or as a table. The picture is one stop of the keyboard: arrows, Home and End walk over its points
 * and what each of them says is said aloud; the pointer shows the same. ECharts only draws.
 */
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, lazy, type PointerEvent, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Grain, Metric, StatsPoint } from "@/gen/contract";
import { microsOf, units } from "@/shared/format/metrics";
import { useFormat } from "@/shared/format/useFormat";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { DayMark } from "@/shared/ui/Days";
import { Figure } from "@/shared/ui/Figures";
import classes from "./chart.module.css";
import { type ChartPoint, type ChartWords, drawingOf, firstSoft, HEIGHT, LEFT, PLOT, RIGHT, TOP } from "./drawing";

const Canvas = lazy(() => import("./Canvas"));

/** What a chart shows. */
export interface TimeChartProps {
  /** Its points. */
  points: StatsPoint[];
  /** Points of the comparison period, the first under the first. */
  before: StatsPoint[];
  /** Metric of the bars. */
  bars: Metric;
  /** Metric of the line. */
  line: Metric;
  /** Currency of money. */
  currency: string;
  /** How long a point is. */
  grain: Grain;
  /** Draws the table instead. */
  asTable: boolean;
}

/** The chart. */
export function TimeChart(props: TimeChartProps) {
  const points = useMemo(
    () =>
      props.points.map(
        (point, index): ChartPoint => ({
          from: point.from,
          to: point.to,
          state: point.state,
          bars: microsOf(point.sums, props.bars),
          line: microsOf(point.sums, props.line),
          before: props.before[index] ? microsOf(props.before[index].sums, props.bars) : null,
        }),
      ),
    [props.points, props.before, props.bars, props.line],
  );
  return props.asTable ? <AsTable {...props} rows={points} /> : <AsPicture {...props} rows={points} />;
}

/** The name of a point: a day, the days of a week, a month. */
function usePointName(grain: Grain): (point: ChartPoint) => string {
  const format = useFormat();
  return (point) =>
    grain === "day"
      ? format.dayLong(point.from)
      : grain === "week"
        ? format.range(point.from, point.to)
        : format.month(point.from);
}

function AsPicture(props: TimeChartProps & { rows: ChartPoint[] }) {
  const { t } = useTranslation("shared");
  const format = useFormat();
  const { ref, width } = useElementSize();
  const [active, setActive] = useState<number | null>(null);
  const name = usePointName(props.grain);
  const { rows, bars, line, currency, grain } = props;
  const option = useMemo(() => {
    const short = (metric: Metric) => (value: number) => {
      if (value === 0) return "0";
      const unit = units[metric];
      if (unit === "money" || unit === "count") return format.short(value);
      const printed = format.metric(value, unit, currency);
      return printed.unit ? `${printed.value}\u202f${printed.unit}` : printed.value;
    };
    const words: ChartWords = {
      bars: short(bars),
      line: short(line),
      point: (point, first) => {
        if (grain === "month") return format.monthShort(point.from);
        return first || grain === "week" || point.from.endsWith("-01")
          ? format.day(point.from)
          : String(Number(point.from.slice(8)));
      },
    };
    return width > 0 ? drawingOf(rows, width, words) : null;
  }, [rows, width, bars, line, currency, grain, format]);
  const print = (value: number | null, metric: Metric) => {
    if (value === null) return "–";
    const printed = format.metric(value, units[metric], currency);
    return printed.unit ? `${printed.value}\u00a0${printed.unit}` : printed.value;
  };
  const said = (point: ChartPoint) => ({
    title: t("day_title", { day: name(point), state: t(`day.${point.state}`) }),
    lines: [
      t("chart.value", { metric: t(`metric.${bars}`), value: print(point.bars, bars) }),
      ...(props.before.length > 0 ? [t("chart.before", { value: print(point.before, bars) })] : []),
      t("chart.value", { metric: t(`metric.${line}`), value: print(point.line, line) }),
    ],
  });
  const known = rows.map((point) => point.bars).filter((value) => value !== null);
  const soft = rows.filter((point) => point.state !== "final").length;
  const summary = t("chart.text", {
    bars: t(`metric.${bars}`),
    line: t(`metric.${line}`),
    grain: t(`chart.by.${grain}`),
    min: print(known.length > 0 ? Math.min(...known) : null, bars),
    max: print(known.length > 0 ? Math.max(...known) : null, bars),
    soft: t("chart.soft", { count: soft }),
  });
  const plot = width - LEFT - RIGHT;
  const slot = plot / Math.max(1, rows.length);
  const zone = firstSoft(rows);
  const shown = active === null ? undefined : rows[active];
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT;
    setActive(x < 0 || x >= plot ? null : Math.floor(x / slot));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const last = rows.length - 1;
    const steps: Record<string, number | null> = {
      ArrowLeft: Math.max(0, (active ?? rows.length) - 1),
      ArrowRight: Math.min(last, (active ?? -1) + 1),
      Home: 0,
      End: last,
      Escape: null,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setActive(step);
  };
  const words = shown ? said(shown) : null;
  const middle = LEFT + slot * ((active ?? 0) + 0.5);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a picture that can be walked over is no form's group of fields
    <div
      ref={ref}
      className={classes.chart}
      style={{ height: HEIGHT }}
      role="group"
      aria-roledescription={t("chart.role")}
      aria-label={summary}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows walk over the points
      tabIndex={0}
      data-testid="chart"
      onKeyDown={onKeyDown}
      onBlur={() => setActive(null)}
      onPointerMove={onPointerMove}
      onPointerLeave={() => setActive(null)}
    >
      {option && zone >= 0 ? (
        <span
          className={classes.moving}
          style={{ left: LEFT + slot * zone, width: slot * (rows.length - zone), height: TOP + PLOT - 2 }}
        >
          {slot * (rows.length - zone) > 92 ? t("chart.still_moving") : null}
        </span>
      ) : null}
      {option ? (
        <Suspense fallback={null}>
          <Canvas option={option} width={width} height={HEIGHT} />
        </Suspense>
      ) : null}
      <span className={classes.cells} style={{ width: LEFT - 8 }}>
        {t("chart.completeness")}
      </span>
      {words ? (
        <>
          <span className={classes.band} style={{ left: middle - slot / 2, width: slot }} />
          <div className={classes.tip} style={{ left: Math.min(Math.max(middle, 120), width - 120) }}>
            <b>{words.title}</b>
            {words.lines.map((text) => (
              <span key={text}>{text}</span>
            ))}
          </div>
        </>
      ) : null}
      <span className={classes.said} aria-live="polite">
        {words ? [words.title, ...words.lines].join(", ") : ""}
      </span>
    </div>
  );
}

function AsTable(props: TimeChartProps & { rows: ChartPoint[] }) {
  const { t } = useTranslation("shared");
  const name = usePointName(props.grain);
  const { bars, line, currency, grain } = props;
  const compared = props.before.length > 0;
  const figure = (value: number | null, metric: Metric) => (
    <Figure micros={value} unit={units[metric]} currency={currency} />
  );
  const columns: Column<ChartPoint>[] = [
    {
      id: "point",
      title: t(`chart.head.${grain}`),
      width: "minmax(160px, 1fr)",
      sort: (row) => row.from,
      cell: (row) => <time dateTime={row.from}>{name(row)}</time>,
    },
    {
      id: "state",
      title: t("chart.state"),
      width: "150px",
      cell: (row) => (
        <span className={classes.state}>
          <DayMark state={row.state} />
          {t(`day.${row.state}`)}
        </span>
      ),
    },
    {
      id: "bars",
      title: t(`metric.${bars}`),
      width: "minmax(110px, 1fr)",
      align: "right",
      sort: (row) => row.bars,
      cell: (row) => figure(row.bars, bars),
    },
    ...(compared
      ? [
          {
            id: "before",
            title: t("chart.before_head"),
            width: "minmax(110px, 1fr)",
            align: "right" as const,
            sort: (row: ChartPoint) => row.before,
            cell: (row: ChartPoint) => figure(row.before, bars),
          },
        ]
      : []),
    {
      id: "line",
      title: t(`metric.${line}`),
      width: "minmax(110px, 1fr)",
      align: "right",
      sort: (row) => row.line,
      cell: (row) => figure(row.line, line),
    },
  ];
  return (
    <div className={classes.table} style={{ height: HEIGHT }}>
      <DataGrid id="chart" label={t("chart.table")} rows={props.rows} columns={columns} rowId={(row) => row.from} />
    </div>
  );
}

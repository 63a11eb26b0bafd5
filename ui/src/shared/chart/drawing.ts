/**
 * What ECharts is told of a chart over time: bars of one metric, a line of another, ticks of the comparison period, and under the
 * axis the same completeness cells as on Syncs. Colours are names of our tokens: the picture is SVG, so a change of theme needs no
 * new drawing. Still-moving bars are hatched, their line is dotted.
 */
import type { EChartsCoreOption } from "echarts/core";
import type { DayState } from "@/gen/contract";
import { axis, labelEvery, top } from "./scale";

/** A point of the chart, its values in millionths. */
export interface ChartPoint {
  /** Its first day. */
  from: string;
  /** Its last day. */
  to: string;
  /** How far it can be trusted. */
  state: DayState;
  /** Value of the bars. */
  bars: number | null;
  /** Value of the line. */
  line: number | null;
  /** Value of the bars in the comparison period. */
  before: number | null;
}

/** Words of a chart, printed in one language. */
export interface ChartWords {
  /** A value of the bars' axis, short. */
  bars: (value: number) => string;
  /** A value of the line's axis, short. */
  line: (value: number) => string;
  /** The label of a point; `first` asks for the one that names its month. */
  point: (point: ChartPoint, first: boolean) => string;
}

/** Places in pixels. */
export const LEFT = 66;
/** Right of the plot. */
export const RIGHT = 56;
/** Above the plot. */
export const TOP = 20;
/** Height of the plot. */
export const PLOT = 160;
const HALO = 4;
/** Of the whole picture. */
export const HEIGHT = 236;

const font = { fontFamily: "inherit", fontSize: 11, color: "var(--tx3)" };
/** Stripes of 45 degrees, a little more colour than ground. */
const hatch = {
  symbol: "rect",
  dashArrayX: [1, 0],
  dashArrayY: [2, 2.6],
  rotation: -Math.PI / 4,
  color: "color-mix(in srgb, var(--panel) 74%, transparent)",
};
const bare = { decal: { symbol: "none" } };

const cells: Record<DayState, object> = {
  final: { ...bare, color: "var(--good-f)" },
  moving: { color: "var(--move-f)", decal: { ...hatch, dashArrayY: [1.6, 2] } },
  partial: {
    ...bare,
    color: {
      type: "linear",
      x: 0,
      y: 0,
      x2: 0,
      y2: 1,
      colorStops: [
        { offset: 0.5, color: "var(--watch-s)" },
        { offset: 0.5, color: "var(--watch-f)" },
      ],
    },
    borderColor: "var(--watch-f)",
    borderWidth: 0.5,
  },
  failed: { ...bare, color: "var(--act-f)" },
  missing: { ...bare, color: "transparent", borderColor: "var(--ctl)", borderWidth: 1 },
};

/** Whether the point may still change. */
export function isSoft(state: DayState): boolean {
  return state === "moving" || state === "partial";
}

/** From which point on nothing is final; -1 when the end is. */
export function firstSoft(points: ChartPoint[]): number {
  let at = points.length;
  while (at > 0 && points[at - 1]?.state !== "final") at -= 1;
  const found = points.findIndex((point, index) => index >= at && isSoft(point.state));
  return found;
}

/** The option of ECharts for these points in this width. */
export function drawingOf(points: ChartPoint[], width: number, words: ChartWords): EChartsCoreOption {
  const left = axis(Math.max(top(points.map((point) => point.bars)), top(points.map((point) => point.before))));
  const right = axis(top(points.map((point) => point.line)));
  const soft = firstSoft(points);
  const turn = soft < 0 ? points.length - 1 : Math.max(0, soft - 1);
  const every = labelEvery(points.length, width - LEFT - RIGHT);
  const labelled = (index: number) => (points.length - 1 - index) % every === 0;
  const slot = (width - LEFT - RIGHT) / Math.max(1, points.length);
  // Few points may be wide, many keep their distance.
  const thickest = points.length > 14 ? 22 : 48;
  const names = points.map((point) => point.from);
  const band = { type: "category", data: names, axisTick: { show: false }, axisLine: { show: false } };
  const still = { silent: true, animation: false, emphasis: { disabled: true } };
  const line = {
    ...still,
    type: "line",
    yAxisIndex: 1,
    showSymbol: points.length === 1,
    symbol: "circle",
    symbolSize: 5,
    itemStyle: { color: "var(--c3)", ...bare },
    z: 4,
  };
  return {
    animation: false,
    // Decals are drawn for a picture that is described; what describes ours stands in the page, in the language of the screen.
    aria: { enabled: true, label: { enabled: false }, decal: { show: true } },
    textStyle: { fontFamily: "inherit" },
    grid: [
      { left: LEFT, right: RIGHT, top: TOP, height: PLOT },
      { left: LEFT, right: RIGHT, top: TOP + PLOT + 26, height: 9 },
    ],
    xAxis: [
      {
        ...band,
        axisLabel: {
          ...font,
          margin: 8,
          interval: (index: number) => labelled(index),
          formatter: (_: string, index: number) => {
            const point = points[index];
            return point ? words.point(point, index < every) : "";
          },
        },
      },
      { ...band, gridIndex: 1, axisLabel: { show: false } },
    ],
    yAxis: [
      {
        type: "value",
        min: 0,
        max: left.at(-1),
        interval: left[1],
        splitLine: { lineStyle: { color: "var(--line)" } },
        axisLabel: { ...font, formatter: (value: number) => words.bars(value) },
      },
      {
        type: "value",
        min: 0,
        max: right.at(-1),
        interval: right[1],
        splitLine: { show: false },
        axisLabel: { ...font, formatter: (value: number) => words.line(value) },
      },
      { gridIndex: 1, type: "value", max: 1, show: false },
    ],
    series: [
      {
        ...still,
        type: "bar",
        barWidth: "62%",
        barMaxWidth: thickest,
        z: 2,
        data: points.map((point) => ({
          value: point.bars,
          itemStyle: isSoft(point.state)
            ? { color: "var(--c1)", borderColor: "var(--c1)", borderWidth: 1, borderRadius: [3, 3, 0, 0], decal: hatch }
            : { color: "var(--c1)", borderRadius: [3, 3, 0, 0], ...bare },
        })),
      },
      ...[HALO, 2].map((height) => ({
        // A tick of the comparison period, and under it its halo.
        ...still,
        type: "pictorialBar",
        symbol: "rect",
        symbolPosition: "end",
        symbolSize: [Math.min(thickest + 6, Math.max(4, slot * 0.8)), height],
        symbolOffset: [0, height === HALO ? -1 : 0],
        barGap: "-100%",
        itemStyle: { color: height === HALO ? "var(--panel)" : "var(--tx2)", ...bare },
        z: 3,
        data: points.map((point) => point.before),
      })),
      {
        ...line,
        lineStyle: { color: "var(--c3)", width: 2 },
        data: points.map((point, index) => (index <= turn ? point.line : null)),
      },
      {
        ...line,
        lineStyle: { color: "var(--c3)", width: 2, type: [2, 4], cap: "round" },
        data: points.map((point, index) => (index >= turn ? point.line : null)),
      },
      {
        ...still,
        type: "bar",
        xAxisIndex: 1,
        yAxisIndex: 2,
        barWidth: "62%",
        barMaxWidth: thickest,
        data: points.map((point) => ({ value: 1, itemStyle: { ...cells[point.state], borderRadius: 2.5 } })),
      },
    ],
  };
}

/** The drawing itself. It and ECharts, of which only what is used is named, are a part of the program that is loaded when a chart is. */
import { BarChart, LineChart, PictorialBarChart } from "echarts/charts";
import { AriaComponent, GridComponent } from "echarts/components";
import { type ECharts, type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

use([AriaComponent, BarChart, GridComponent, LineChart, PictorialBarChart, SVGRenderer]);

/** Draws what ECharts is told, in a box of these pixels. */
export default function Canvas(props: { option: EChartsCoreOption; width: number; height: number }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(null);
  const { option, width, height } = props;
  useEffect(() => {
    if (!box.current) return;
    const drawn = init(box.current, null, { renderer: "svg" });
    chart.current = drawn;
    return () => {
      chart.current = null;
      drawn.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.resize({ width, height, silent: true });
    chart.current?.setOption(option, { notMerge: true });
  }, [option, width, height]);
  return <div ref={box} style={{ width, height }} aria-hidden />;
}

/** The chart of a client: two metrics over the period, by day, week or month, as a picture or as a table. */
import { ActionIcon, SegmentedControl, Select, Tooltip } from "@mantine/core";
import { IconChartBar, IconTable } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientStats, Grain, Metric } from "@/gen/contract";
import { TimeChart } from "@/shared/chart/TimeChart";
import { microsOf, units } from "@/shared/format/metrics";
import { DayMark } from "@/shared/ui/Days";
import { Change, Figure } from "@/shared/ui/Figures";
import kit from "@/shared/ui/kit.module.css";
import { Panel } from "@/shared/ui/Layout";
import { change, verdictOf } from "../logic/change";
import classes from "../screens/clients.module.css";

/** Pieces of time, the shortest first. */
export const grains: Grain[] = ["day", "week", "month"];
const barMetrics: Metric[] = ["spend", "impressions", "clicks", "conversions", "revenue"];
const lineMetrics: Metric[] = ["cpa", "cpc", "ctr", "roas", "drr", "conversions", "clicks"];

/** The panel. */
export function ChartPanel(props: { data: ClientStats; grain: Grain; onGrain: (grain: Grain) => void }) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const { data } = props;
  const [bars, setBars] = useState<Metric>("spend");
  const [line, setLine] = useState<Metric>("cpa");
  const [asTable, setAsTable] = useState(false);
  const choose = (metrics: Metric[]) => metrics.map((metric) => ({ value: metric, label: shared(`metric.${metric}`) }));
  const figure = (metric: Metric, swatch: string | undefined) => {
    const now = microsOf(data.total, metric);
    const then = data.compare_total ? microsOf(data.compare_total, metric) : null;
    return (
      <span className={classes.figure}>
        <i className={swatch} />
        <Figure micros={now} unit={units[metric]} currency={data.currency} />
        <Change micros={change(now, then)} verdict={verdictOf(metric, now, then)} />
      </span>
    );
  };
  const view = asTable ? t("as_chart") : t("as_table");
  return (
    <Panel>
      <div className={classes.chartHead}>
        <Select
          className={`${kit.filter} ${classes.pick}`}
          aria-label={t("bars")}
          data={choose(barMetrics)}
          value={bars}
          onChange={(value) => setBars(barMetrics.find((metric) => metric === value) ?? "spend")}
        />
        {figure(bars, classes.swatchBars)}
        <Select
          className={`${kit.filter} ${classes.pick}`}
          aria-label={t("line")}
          data={choose(lineMetrics)}
          value={line}
          onChange={(value) => setLine(lineMetrics.find((metric) => metric === value) ?? "cpa")}
        />
        {figure(line, classes.swatchLine)}
        <div className={classes.legend}>
          {asTable ? null : (
            <>
              {data.compare_points.length > 0 ? (
                <span>
                  <i className={classes.tick} />
                  {t("compare_key")}
                </span>
              ) : null}
              <span>
                <DayMark state="moving" />
                {t("moving_key")}
              </span>
              <span>
                <DayMark state="partial" />
                {t("partial_key")}
              </span>
            </>
          )}
        </div>
        <SegmentedControl
          aria-label={t("grain.label")}
          data={grains.map((value) => ({ value, label: t(`grain.${value}`) }))}
          value={props.grain}
          onChange={(value) => props.onGrain(grains.find((known) => known === value) ?? "day")}
        />
        <Tooltip label={view}>
          <ActionIcon variant="default" aria-label={view} data-testid="chart-view" onClick={() => setAsTable(!asTable)}>
            {asTable ? <IconChartBar size={15} /> : <IconTable size={15} />}
          </ActionIcon>
        </Tooltip>
      </div>
      <TimeChart
        points={data.points}
        before={data.compare_points}
        bars={bars}
        line={line}
        currency={data.currency}
        grain={props.grain}
        asTable={asTable}
      />
    </Panel>
  );
}

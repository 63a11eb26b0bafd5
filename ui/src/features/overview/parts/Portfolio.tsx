/** The portfolio: a row per client, health left, money in the middle, freshness right, the total pinned below. */
import { Button, TextInput } from "@mantine/core";
import { IconAlertTriangleFilled, IconChartDots, IconCheck, IconFilter } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Health, Overview, PortfolioRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { type Column, ColumnChooser, DataGrid } from "@/shared/ui/DataGrid";
import { Change, Count, DateText, Figure, InstantText, Money, Percent, Ratio } from "@/shared/ui/Figures";
import kit from "@/shared/ui/kit.module.css";
import { Chips, Panel } from "@/shared/ui/Layout";
import { Banner } from "@/shared/ui/Notices";
import { Forecast, ForecastCell, Pacing, PacingBar } from "@/shared/ui/Pacing";
import { Sparkline } from "@/shared/ui/Sparkline";
import { HealthBadge } from "@/shared/ui/States";
import { ClientTile } from "@/shared/ui/Tiles";
import { type HealthFilter, newestDay, type PortfolioTotal, pick, total } from "../logic/portfolio";
import classes from "../screens/overview.module.css";
import { AnomalyCell } from "./AnomalyCell";

const GRID = "portfolio";
/** Rows of the first drawing: what stands above leaves room for few more. */
const FIRST = 8;
const order: Record<Health, number> = { act: 0, watch: 1, good: 2, off: 3 };

/** The panel. */
export function Portfolio(props: { data: Overview }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const go = useGo();
  const { data } = props;
  const [health, setHealth] = useState<HealthFilter>("all");
  const [query, setQuery] = useState("");
  const rows = useMemo(() => pick(data.rows, health, query), [data.rows, health, query]);
  const sums = useMemo(() => total(rows), [rows]);
  const planned = data.rows.some((row) => row.pace !== null);
  const columns = useColumns(
    useMemo(() => newestDay(data.rows), [data.rows]),
    planned,
  );
  const counts = data.health;
  const { t: told } = useTranslation("anomalies");
  const [, showAnomalies] = useQueryWord("anomalies");
  const anomalies = useMemo(() => data.rows.reduce((sum, row) => sum + row.anomalies, 0), [data.rows]);
  return (
    <Panel
      title={t("portfolio")}
      grow
      head={
        <Chips
          label={t("column.health")}
          active={health}
          onChange={setHealth}
          options={[
            { id: "all", label: t("all"), count: format.count(data.rows.length) },
            ...(["act", "watch", "good", "off"] as const)
              .filter((id) => counts[id] > 0)
              .map((id) => ({ id, label: <HealthBadge health={id} />, count: format.count(counts[id]) })),
          ]}
        />
      }
      tools={
        <>
          <TextInput
            className={`${kit.filter} ${classes.find}`}
            aria-label={t("find")}
            placeholder={t("find")}
            leftSection={<IconFilter size={14} />}
            value={query}
            onChange={(event) => setQuery(event.currentTarget.value)}
          />
          {anomalies > 0 ? (
            <Button variant="default" leftSection={<IconChartDots size={14} />} onClick={() => showAnomalies("all")}>
              {told("everything", { count: anomalies })}
            </Button>
          ) : null}
          <ColumnChooser id={GRID} columns={columns} />
        </>
      }
    >
      {data.partial ? (
        <Banner
          tone="watch"
          flat
          fact={t("partial_fact")}
          action={
            <Button variant="default" data-size="sm" onClick={() => setHealth("act")}>
              {t("partial_action")}
            </Button>
          }
        >
          {t("partial_rest")}
        </Banner>
      ) : null}
      <DataGrid
        id={GRID}
        label={t("portfolio")}
        rows={rows}
        first={FIRST}
        columns={columns}
        rowId={(row) => row.client_id}
        onOpen={(row) => go(links.client(row.client_id))}
        totals={{
          at: "bottom",
          cells: totalCells(sums, sums.currency ?? data.currency, data.partial, {
            all: t("total", { count: rows.length }),
            mixed: t("mixed"),
            plans: t("plans"),
          }),
        }}
      />
    </Panel>
  );
}

/** The row under the portfolio. Sums of several currencies do not exist. */
function totalCells(
  sums: PortfolioTotal,
  currency: string,
  partial: boolean,
  words: { all: string; mixed: string; plans: string },
) {
  const money = (micros: number | null) => <Money micros={micros} currency={currency} atLeast={partial} />;
  const pair = (cell: ReactNode) => <span className={classes.pair}>{cell}</span>;
  return {
    health: <span style={{ overflow: "visible", whiteSpace: "nowrap" }}>{words.all}</span>,
    spend: sums.currency ? (
      sums.pace ? (
        money(sums.spend)
      ) : (
        pair(money(sums.spend))
      )
    ) : (
      <span className={classes.muted}>{words.mixed}</span>
    ),
    plan: sums.pace ? <PacingBar pace={{ ...sums.pace, course: null, stale: false }} title={words.plans} /> : null,
    forecast: sums.pace ? (
      <ForecastCell forecast={sums.pace.forecast} share={sums.pace.forecast_share} outcome={null} currency={currency} />
    ) : null,
    conversions: <Figure micros={sums.conversions} unit="count" currency="" atLeast={partial} />,
    cpa: pair(<Money micros={sums.cpa} currency={currency} />),
    roas: <Ratio micros={sums.roas} />,
    impressions: <Count value={sums.impressions} atLeast={partial} />,
    clicks: <Count value={sums.clicks} atLeast={partial} />,
    revenue: money(sums.revenue),
    drr: <Percent micros={sums.drr} />,
  };
}

/** The columns. They stay the same while numbers change, so that only rows that changed are drawn again. */
function useColumns(newest: string, planned: boolean): Column<PortfolioRow>[] {
  const { t } = useTranslation("overview");
  const { t: shared } = useTranslation("shared");
  const [, showAnomalies] = useQueryWord("anomalies");
  return useMemo(() => {
    const late = (row: PortfolioRow) => row.data_through !== null && row.data_through < newest;
    const money = (metric: "cpc" | "revenue", hidden: boolean): Column<PortfolioRow> => ({
      id: metric,
      title: shared(`metric.${metric}`),
      width: "100px",
      align: "right",
      hidden,
      sort: (row) => row[metric],
      cell: (row) => <Money micros={row[metric]} currency={row.currency} />,
    });
    return [
      {
        id: "health",
        title: t("column.health"),
        width: "84px",
        sort: (row) => order[row.health],
        cell: (row) => <HealthBadge health={row.health} />,
        hideable: false,
      },
      {
        id: "client",
        title: t("column.client"),
        width: "minmax(140px, 1.2fr)",
        sort: (row) => row.client_name,
        cell: (row) => (
          <span className={classes.name} title={row.client_name}>
            <ClientTile name={row.client_name} />
            <span>{row.client_name}</span>
          </span>
        ),
        hideable: false,
      },
      {
        id: "spend",
        title: t("column.spend"),
        width: planned ? "minmax(104px, 1fr)" : "minmax(176px, 1fr)",
        align: "right",
        sort: (row) => row.spend,
        cell: (row) => {
          const spend = <Money micros={row.spend} currency={row.currency} atLeast={row.problems > 0} />;
          // Beside a plan the plan is what spend is compared with.
          return planned ? (
            spend
          ) : (
            <span className={classes.pair}>
              {spend}
              <Change micros={row.spend_change} verdict="neutral" />
            </span>
          );
        },
        hideable: false,
      },
      {
        id: "plan",
        title: shared("pacing.column"),
        width: "116px",
        hidden: !planned,
        sort: (row) => row.pace?.pacing ?? null,
        sortDown: true,
        cell: (row) => (row.pace ? <Pacing pace={row.pace} currency={row.currency} /> : null),
      },
      {
        id: "forecast",
        title: shared("pacing.forecast"),
        width: "minmax(126px, 0.8fr)",
        align: "right",
        hidden: !planned,
        sort: (row) => row.pace?.forecast_share ?? null,
        cell: (row) => (row.pace ? <Forecast pace={row.pace} currency={row.currency} /> : null),
      },
      {
        id: "conversions",
        title: shared("metric.conversions"),
        width: "84px",
        align: "right",
        hidden: planned,
        sort: (row) => row.conversions,
        cell: (row) => <Figure micros={row.conversions} unit="count" currency="" />,
      },
      {
        id: "cpa",
        title: shared("metric.cpa"),
        width: planned ? "minmax(126px, 0.8fr)" : "minmax(146px, 0.8fr)",
        align: "right",
        sort: (row) => row.cpa,
        cell: (row) => (
          <span className={classes.pair}>
            <Money micros={row.cpa} currency={row.currency} />
            <Change
              micros={row.cpa_change}
              verdict={
                row.cpa_change === null || row.cpa_change === 0 ? "neutral" : row.cpa_change > 0 ? "worse" : "better"
              }
            />
          </span>
        ),
      },
      {
        id: "roas",
        title: shared("metric.roas"),
        width: "56px",
        align: "right",
        sort: (row) => row.roas,
        cell: (row) => <Ratio micros={row.roas} />,
      },
      {
        id: "daily",
        title: t("column.daily"),
        width: planned ? "160px" : "184px",
        sort: (row) => row.anomalies,
        sortDown: true,
        cell: (row) => (
          <span className={classes.daily}>
            <Sparkline series={row.daily_spend} width={46} height={20} quiet />
            <AnomalyCell row={row} onOpen={showAnomalies} />
          </span>
        ),
      },
      {
        id: "through",
        title: t("column.through"),
        width: "90px",
        sort: (row) => row.data_through,
        sortDown: true,
        cell: (row) =>
          row.data_through === null ? null : (
            <span
              className={classes.through}
              data-late={late(row)}
              title={row.moving_days > 0 ? t("moving_hint") : undefined}
            >
              {late(row) ? <IconAlertTriangleFilled size={13} aria-hidden /> : <IconCheck size={13} aria-hidden />}
              <DateText day={row.data_through} />
            </span>
          ),
      },
      {
        id: "synced",
        title: t("column.synced"),
        width: "68px",
        align: "right",
        // Where there are plans, how far the data reach says enough.
        hidden: planned,
        sort: (row) => row.synced_at,
        cell: (row) => (
          <span style={{ color: "var(--tx2)" }}>
            <InstantText at={row.synced_at} />
          </span>
        ),
      },
      {
        id: "impressions",
        title: shared("metric.impressions"),
        width: "100px",
        align: "right",
        hidden: true,
        sort: (row) => row.impressions,
        cell: (row) => <Count value={row.impressions} />,
      },
      {
        id: "clicks",
        title: shared("metric.clicks"),
        width: "84px",
        align: "right",
        hidden: true,
        sort: (row) => row.clicks,
        cell: (row) => <Count value={row.clicks} />,
      },
      {
        id: "ctr",
        title: shared("metric.ctr"),
        width: "72px",
        align: "right",
        hidden: true,
        sort: (row) => row.ctr,
        cell: (row) => <Percent micros={row.ctr} />,
      },
      money("cpc", true),
      money("revenue", true),
      {
        id: "drr",
        title: shared("metric.drr"),
        width: "72px",
        align: "right",
        hidden: true,
        sort: (row) => row.drr,
        cell: (row) => <Percent micros={row.drr} />,
      },
      {
        id: "problems",
        title: t("column.problems"),
        width: "84px",
        align: "right",
        hidden: true,
        sort: (row) => row.problems,
        cell: (row) => (row.problems > 0 ? <Count value={row.problems} /> : null),
      },
    ];
  }, [newest, planned, t, shared, showAnomalies]);
}

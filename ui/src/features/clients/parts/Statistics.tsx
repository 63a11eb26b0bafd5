/** Statistics of a client: one period for the chart and the table under it. */
import { Button, Menu, SegmentedControl, Select } from "@mantine/core";
import { IconChartBarOff, IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type {
  ClientRow,
  ClientStats,
  ConnectionRow,
  FileKind,
  Level,
  Metric,
  StatsRow,
  StatsSums,
} from "@/gen/contract";
import { currentHost } from "@/host/current";
import { toCallError } from "@/host/host";
import { usePeriod } from "@/shared/period/usePeriod";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { type Column, ColumnChooser, DataGrid } from "@/shared/ui/DataGrid";
import { DayMark } from "@/shared/ui/Days";
import { Change, Figure } from "@/shared/ui/Figures";
import kit from "@/shared/ui/kit.module.css";
import { Panel } from "@/shared/ui/Layout";
import { Bone, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { SystemTile } from "@/shared/ui/Tiles";
import { change, verdictOf } from "../logic/change";
import classes from "../screens/clients.module.css";
import { counts, DayChart, units } from "./DayChart";

const GRID = "client-statistics";
const levels: Level[] = ["account", "campaign", "ad_group", "ad"];
const barMetrics: Metric[] = ["spend", "impressions", "clicks", "conversions", "revenue"];
const lineMetrics: Metric[] = ["cpa", "cpc", "ctr", "roas", "drr", "conversions", "clicks"];

/** The tab. */
export function Statistics(props: { client: ClientRow; connections: ConnectionRow[] }) {
  const { t } = useTranslation("clients");
  const go = useGo();
  const period = usePeriod();
  const [level, setLevel] = useState<Level>("campaign");
  const request = { client_id: props.client.id, period: period.range, compare: period.compare, level };
  const stats = useRead("client_stats", request, { keep: true });
  const before = useRead(
    "client_stats",
    { ...request, period: period.compare ?? period.range, compare: null },
    { enabled: period.compare !== null, keep: true },
  );
  if (stats.isError && !stats.data) return <ErrorPanel error={stats.error} onAction={() => stats.refetch()} />;
  if (!stats.data)
    return (
      <>
        <Panel>
          <div style={{ padding: 12, height: 256, display: "flex", alignItems: "flex-end", gap: 12 }}>
            {[120, 96, 140, 150, 88, 104, 160, 132, 110, 148, 126, 138].map((height) => (
              <Bone key={height} width="100%" height={height} />
            ))}
          </div>
        </Panel>
        <Panel title={t("table")}>
          <BoneRows rows={10} />
        </Panel>
      </>
    );
  const data = stats.data;
  const blank = data.connections.length === 0;
  if (blank)
    return (
      <Panel>
        <EmptyState
          icon={IconChartBarOff}
          title={t("no_stats_title")}
          action={<Button onClick={() => go(links.syncs(props.client.id))}>{t("sync")}</Button>}
        >
          {t("no_stats_body")}
        </EmptyState>
      </Panel>
    );
  return (
    <>
      <ChartPanel data={data} before={period.compare ? (before.data ?? null) : null} />
      <TablePanel data={data} level={level} onLevel={setLevel} request={request} />
    </>
  );
}

function ChartPanel(props: { data: ClientStats; before: ClientStats | null }) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const { data } = props;
  const [bars, setBars] = useState<Metric>("spend");
  const [line, setLine] = useState<Metric>("cpa");
  const choose = (metrics: Metric[]) => metrics.map((metric) => ({ value: metric, label: shared(`metric.${metric}`) }));
  const figure = (metric: Metric, colour: string) => {
    const scale = counts.has(metric) ? 1_000_000 : 1;
    const now = data.total[metric];
    const then = data.compare_total?.[metric] ?? null;
    return (
      <span className={classes.figure}>
        <i className={classes.swatch} style={{ background: colour }} />
        <Figure micros={now === null ? null : now * scale} unit={units[metric]} currency={data.currency} />
        <Change micros={change(now, then)} verdict={verdictOf(metric, now, then)} />
      </span>
    );
  };
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
        {figure(bars, "var(--c1)")}
        <Select
          className={`${kit.filter} ${classes.pick}`}
          aria-label={t("line")}
          data={choose(lineMetrics)}
          value={line}
          onChange={(value) => setLine(lineMetrics.find((metric) => metric === value) ?? "cpa")}
        />
        {figure(line, "var(--c3)")}
        <div className={classes.legend}>
          {props.before ? (
            <span>
              <i style={{ width: 12, height: 2, background: "var(--tx2)" }} />
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
        </div>
      </div>
      <DayChart
        days={data.days}
        compare={props.before?.days ?? null}
        bars={bars}
        line={line}
        currency={data.currency}
      />
    </Panel>
  );
}

function TablePanel(props: {
  data: ClientStats;
  level: Level;
  onLevel: (level: Level) => void;
  request: Parameters<typeof useRead<"client_stats">>[1];
}) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const { data, level } = props;
  const names = useParentNames(props.request, level);
  const rows = level === "account" ? data.connections : data.objects;
  const columns = useColumns(
    data.currency,
    names,
    data.connections.some((row) => row.sums.visits !== null),
    level,
  );
  const totals = {
    object: shared("total"),
    ...Object.fromEntries(
      metricColumns.map(({ id }) => [id, <Sum key={id} of={data.total} id={id} currency={data.currency} />]),
    ),
  };
  const save = (kind: FileKind) =>
    currentHost()
      .call("stats_export", { stats: props.request, kind })
      .then((file) => currentHost().saveFile(file))
      .catch((cause: unknown) => say(toCallError(cause)));
  return (
    <Panel
      title={t("table")}
      head={
        <SegmentedControl
          aria-label={t("level")}
          data={levels.map((value) => ({ value, label: shared(`level.${value}`) }))}
          value={level}
          onChange={(value) => props.onLevel(levels.find((known) => known === value) ?? "campaign")}
        />
      }
      tools={
        <>
          <ColumnChooser id={GRID} columns={columns} />
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" leftSection={<IconDownload size={14} />}>
                {t("export")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => save("csv")}>{t("export_csv")}</Menu.Item>
              <Menu.Item onClick={() => save("json")}>{t("export_json")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <div style={{ height: Math.min(rows.length + 2, 21) * 32 + 4, display: "flex", flexDirection: "column" }}>
        <DataGrid
          id={GRID}
          label={t("table")}
          rows={rows}
          columns={columns}
          rowId={(row) => `${row.connection_id}:${row.external_id}`}
          totals={{ at: "top", cells: totals }}
        />
      </div>
    </Panel>
  );
}

/** Names of what stands above the rows of a level: the answers of the higher levels are cached, so this costs one read each. */
function useParentNames(
  request: Parameters<typeof useRead<"client_stats">>[1],
  level: Level,
): Map<string, { name: string; parent: string | null }> {
  const campaigns = useRead(
    "client_stats",
    { ...request, level: "campaign" },
    { enabled: level === "ad_group" || level === "ad", keep: true },
  );
  const groups = useRead("client_stats", { ...request, level: "ad_group" }, { enabled: level === "ad", keep: true });
  return useMemo(() => {
    const names = new Map<string, { name: string; parent: string | null }>();
    for (const row of [...(campaigns.data?.objects ?? []), ...(groups.data?.objects ?? [])])
      names.set(`${row.connection_id}:${row.level}:${row.external_id}`, {
        name: row.name,
        parent: row.parent_external_id,
      });
    return names;
  }, [campaigns.data, groups.data]);
}

const above: Record<Level, Level | null> = { account: null, campaign: null, ad_group: "campaign", ad: "ad_group" };

function pathOf(row: StatsRow, names: Map<string, { name: string; parent: string | null }>): string[] {
  const path: string[] = [];
  let level = above[row.level];
  let id = row.parent_external_id;
  while (level && id) {
    const parent = names.get(`${row.connection_id}:${level}:${id}`);
    if (!parent) break;
    path.unshift(parent.name);
    id = parent.parent;
    level = above[level];
  }
  return path;
}

type SumId = keyof StatsSums & Metric;

/** `counter`: what only a counter on a site says, shown of itself where one is connected. */
const metricColumns: { id: SumId; width: string; hidden?: boolean; counter?: boolean }[] = [
  { id: "spend", width: "minmax(104px, 1fr)" },
  { id: "impressions", width: "96px" },
  { id: "clicks", width: "76px" },
  { id: "ctr", width: "68px" },
  { id: "cpc", width: "76px" },
  { id: "conversions", width: "84px" },
  { id: "cpa", width: "80px" },
  { id: "revenue", width: "110px", hidden: true },
  { id: "roas", width: "60px" },
  { id: "drr", width: "72px" },
  { id: "visits", width: "84px", counter: true },
  { id: "page_views", width: "110px", hidden: true, counter: true },
  { id: "bounce_rate", width: "84px", counter: true },
];

/** A text that may be longer than its cell. */
function Clipped(props: { text: string | null }) {
  return (
    <span className={classes.clipped} title={props.text ?? undefined}>
      {props.text}
    </span>
  );
}

/** One of the sums of a row, by the metric's unit. */
function Sum(props: { of: StatsSums; id: SumId; currency: string }) {
  const value = props.of[props.id];
  const scale = counts.has(props.id) ? 1_000_000 : 1;
  return <Figure micros={value === null ? null : value * scale} unit={units[props.id]} currency={props.currency} />;
}

/** What an ad's address says of it; hidden until somebody asks. */
const tagColumns = ["source", "medium", "campaign", "content", "term"] as const;

function useColumns(
  currency: string,
  names: Map<string, { name: string; parent: string | null }>,
  counted: boolean,
  level: Level,
): Column<StatsRow>[] {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  return useMemo(() => {
    return [
      {
        id: "object",
        title: t("column.object"),
        width: "minmax(240px, 2fr)",
        sort: (row) => row.name,
        hideable: false,
        cell: (row) => {
          const path = pathOf(row, names);
          return (
            <span className={classes.name} title={[...path, row.name].join(" › ")}>
              <SystemTile connector={row.connector} />
              <span>
                {row.name}
                {path.length > 0 ? <small>{path.join(" › ")}</small> : null}
                {row.in_totals === "apart" ? <small>{t("apart")}</small> : null}
              </span>
            </span>
          );
        },
      },
      ...metricColumns.map(
        ({ id, width, hidden, counter }): Column<StatsRow> => ({
          id,
          title: shared(`metric.${id}`),
          width,
          align: "right",
          sort: (row) => row.sums[id],
          cell: (row) => <Sum of={row.sums} id={id} currency={currency} />,
          ...(hidden || (counter && !counted) ? { hidden: true } : {}),
        }),
      ),
      ...(level === "ad"
        ? [
            ...tagColumns.map(
              (tag): Column<StatsRow> => ({
                id: `utm_${tag}`,
                title: `utm_${tag}`,
                width: "120px",
                hidden: true,
                sort: (row) => row.utm?.[tag] ?? null,
                cell: (row) => <Clipped text={row.utm?.[tag] ?? null} />,
              }),
            ),
            {
              id: "landing_url",
              title: t("column.landing_url"),
              width: "minmax(160px, 1fr)",
              hidden: true,
              sort: (row: StatsRow) => row.landing_url,
              cell: (row: StatsRow) => <Clipped text={row.landing_url} />,
            },
          ]
        : []),
      {
        id: "external",
        title: t("column.external"),
        width: "110px",
        hidden: true,
        cell: (row) => <span style={{ font: "11.5px var(--mono)", color: "var(--tx2)" }}>{row.external_id}</span>,
      },
    ];
  }, [currency, names, counted, level, t, shared]);
}

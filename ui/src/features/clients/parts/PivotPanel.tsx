/** The table of a client's statistics: a tree of the chosen dimensions, its sums, and what of them still moves. */
import { Button, Menu } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DateRange, FileKind, Metric, PivotDimension, StatsPivot, StatsSums } from "@/gen/contract";
import { currentHost } from "@/host/current";
import { toCallError } from "@/host/host";
import { microsOf, units } from "@/shared/format/metrics";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { useQueryWord } from "@/shared/ui/address";
import { type Column, ColumnChooser, DataGrid, type TreeOf, type TreePlace } from "@/shared/ui/DataGrid";
import { DayMark } from "@/shared/ui/Days";
import { Figure } from "@/shared/ui/Figures";
import { Panel } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import {
  byValue,
  dimensionsOf,
  exportLevel,
  openedFirst,
  type PivotRow,
  shownOf,
  treeOf,
  wordOf,
} from "../logic/pivot";
import classes from "../screens/clients.module.css";
import { Dimensions, FoldAll, useDimensionName, usual } from "./Dimensions";

const GRID = "client-statistics";
/** Rows that are opened of themselves. */
const FIT = 24;
/** Rows in sight; a longer table scrolls. */
const TALL = 24;

type SumId = keyof StatsSums & Metric;

/** `counter`: what only a counter on a site says, shown of itself where one is connected. */
const metricColumns: { id: SumId; width: string; hidden?: boolean; counter?: boolean }[] = [
  { id: "spend", width: "minmax(104px, 1fr)" },
  { id: "spend_with_vat", width: "116px", hidden: true },
  { id: "spend_without_vat", width: "116px", hidden: true },
  { id: "impressions", width: "96px" },
  { id: "cpm", width: "76px", hidden: true },
  { id: "clicks", width: "76px" },
  { id: "ctr", width: "68px" },
  { id: "cpc", width: "76px" },
  { id: "conversions", width: "84px" },
  { id: "cr", width: "68px", hidden: true },
  { id: "cpa", width: "80px" },
  { id: "revenue", width: "110px", hidden: true },
  { id: "roas", width: "60px" },
  { id: "drr", width: "72px" },
  { id: "roi", width: "68px", hidden: true },
  { id: "romi", width: "68px", hidden: true },
  { id: "visits", width: "84px", counter: true },
  { id: "page_views", width: "110px", hidden: true, counter: true },
  { id: "bounce_rate", width: "84px", counter: true },
];

/** What the address of an ad says of it; hidden until somebody asks. */
const tags = ["source", "medium", "campaign", "content", "term"] as const;

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
  return <Figure micros={microsOf(props.of, props.id)} unit={units[props.id]} currency={props.currency} />;
}

/** The panel. `counted` says whether a counter on a site is among the connections. */
export function PivotPanel(props: { clientId: string; period: DateRange; counted: boolean }) {
  const { t } = useTranslation("clients");
  const [words, setWords] = useQueryWord("rows");
  const dimensions = dimensionsOf(words) ?? usual;
  const request = { client_id: props.clientId, period: props.period, dimensions };
  const pivot = useRead("stats_pivot", request, { keep: true });
  const choose = (next: PivotDimension[]) => setWords(next.map(wordOf).join(), { replace: true });
  const head = <Dimensions clientId={props.clientId} period={props.period} chosen={dimensions} onChange={choose} />;
  if (pivot.isError && !pivot.data) return <ErrorPanel error={pivot.error} onAction={() => pivot.refetch()} />;
  if (!pivot.data)
    return (
      <Panel head={head}>
        <BoneRows rows={10} />
      </Panel>
    );
  const save = (kind: FileKind) =>
    currentHost()
      .call("stats_export", {
        stats: {
          client_id: props.clientId,
          period: props.period,
          compare: null,
          level: exportLevel(dimensions),
          grain: "day",
        },
        kind,
      })
      .then((file) => currentHost().saveFile(file))
      .catch((cause: unknown) => say(toCallError(cause)));
  return (
    <Table
      key={pivot.data.dimensions.map(wordOf).join()}
      pivot={pivot.data}
      cut={pivot.data.dimensions.length < dimensions.length && !pivot.isPlaceholderData}
      counted={props.counted}
      head={head}
      tools={
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
      }
    />
  );
}

/** What a person opened and closed, beside what is open of itself. */
type Folds = { all: boolean | null; paths: ReadonlyMap<string, boolean> };

function Table(props: {
  pivot: StatsPivot;
  cut: boolean;
  counted: boolean;
  head: React.ReactNode;
  tools: React.ReactNode;
}) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const { pivot } = props;
  const [sorting, setSorting] = useState<TreeOf<PivotRow>["sorting"]>([]);
  const [folds, setFolds] = useState<Folds>({ all: null, paths: new Map() });
  const columns = useColumns(pivot, props.counted);
  const first = useMemo(() => treeOf(pivot), [pivot]);
  const { rows, places } = useMemo(() => {
    const opened = openedFirst(first, FIT);
    const isOpen = (row: PivotRow) => folds.paths.get(row.path) ?? folds.all ?? opened.has(row.path);
    const by = sorting[0];
    const value = columns.find((column) => column.id === by?.id)?.sort;
    return shownOf(first, isOpen, by && value ? byValue(value, by.desc, format.collator) : undefined);
  }, [first, folds, sorting, columns, format]);
  const branches = first.some((row) => row.below.length > 0);
  const anyOpen = rows.some((row) => row.depth > 0);
  const alone: TreePlace = { depth: 0, open: null, at: 1, of: 1, flat: true };
  const totals = {
    object: shared("total"),
    ...Object.fromEntries(
      metricColumns.map(({ id }) => [id, <Sum key={id} of={pivot.total} id={id} currency={pivot.currency} />]),
    ),
  };
  return (
    <Panel
      head={props.head}
      tools={
        <>
          {branches ? <FoldAll open={anyOpen} onFold={() => setFolds({ all: !anyOpen, paths: new Map() })} /> : null}
          <ColumnChooser id={GRID} columns={columns} />
          {props.tools}
        </>
      }
    >
      {props.cut ? <p className={classes.cut}>{t("cut")}</p> : null}
      <div style={{ height: Math.min(rows.length + 2, TALL) * 32 + 4, display: "flex", flexDirection: "column" }}>
        <DataGrid
          id={GRID}
          label={t("table")}
          testId="pivot"
          rows={rows}
          columns={columns}
          rowId={(row) => row.path}
          rowData={(row) => ({ "data-kind": row.kind })}
          totals={{ at: "top", cells: totals }}
          tree={{
            of: (row) => places.get(row) ?? alone,
            onFold: (row, open) => setFolds({ ...folds, paths: new Map(folds.paths).set(row.path, open) }),
            sorting,
            onSorting: setSorting,
          }}
        />
      </div>
    </Panel>
  );
}

/** The name of a row: of a system, of an object with what stands above it, of a piece of time, or what the row is. */
function RowName(props: { row: PivotRow; timed: boolean }) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const systems = useSystems();
  const format = useFormat();
  const { row } = props;
  const name = (() => {
    switch (row.kind) {
      case "channel":
        return systems.name(row.label);
      case "day":
        return row.from ? format.weekday(row.from) : row.label;
      case "week":
        return row.from && row.to ? format.range(row.from, row.to) : row.label;
      case "month":
        return format.month(row.label);
      case "not_split":
        return t("not_split");
      case "apart":
        return t("apart_group");
      default:
        return row.label;
    }
  })();
  const tile = row.connector !== null && (row.kind === "channel" || row.depth === 0 || row.kind === "account");
  return (
    <span
      className={classes.name}
      data-kind={row.kind}
      title={row.kind === "not_split" ? t("not_split_hint") : [...row.above, name].join(" › ")}
    >
      {tile && row.connector ? <SystemTile connector={row.connector} /> : null}
      <span>
        {name}
        {row.above.length > 0 ? <small>{row.above.join(" › ")}</small> : null}
        {row.kind === "breakdown" ? <small>{t("of_which")}</small> : null}
      </span>
      {row.moving && (props.timed ? row.from !== null : row.depth === 0) ? (
        <span className={classes.mark} role="img" aria-label={shared("day.moving")} title={t("moving_hint")}>
          <DayMark state="moving" />
        </span>
      ) : null}
    </span>
  );
}

function useColumns(pivot: StatsPivot, counted: boolean): Column<PivotRow>[] {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const systems = useSystems();
  const dimension = useDimensionName();
  const { currency } = pivot;
  const title = pivot.dimensions.map((each, at) => (at === 0 ? dimension(each) : dimension(each).toLocaleLowerCase()));
  const heading = title.join(", ");
  const timed = pivot.dimensions.some((each) => each === "day" || each === "week" || each === "month");
  const withAds = pivot.dimensions.includes("ad");
  return useMemo(() => {
    return [
      {
        id: "object",
        title: heading,
        width: "minmax(280px, 2fr)",
        sort: (row) => row.from ?? (row.kind === "channel" ? systems.name(row.label) : row.label),
        hideable: false,
        cell: (row) => <RowName row={row} timed={timed} />,
      },
      ...metricColumns.map(
        ({ id, width, hidden, counter }): Column<PivotRow> => ({
          id,
          title: shared(`metric.${id}`),
          width,
          align: "right",
          sort: (row) => row.sums[id],
          cell: (row) => <Sum of={row.sums} id={id} currency={currency} />,
          ...(hidden || (counter && !counted) ? { hidden: true } : {}),
        }),
      ),
      ...(withAds
        ? [
            ...tags.map(
              (tag): Column<PivotRow> => ({
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
              sort: (row: PivotRow) => row.landing_url,
              cell: (row: PivotRow) => <Clipped text={row.landing_url} />,
            },
          ]
        : []),
      {
        id: "external",
        title: t("column.external"),
        width: "110px",
        hidden: true,
        cell: (row) => <span className={classes.external}>{row.external_id}</span>,
      },
    ];
  }, [currency, counted, heading, timed, withAds, systems, t, shared]);
}

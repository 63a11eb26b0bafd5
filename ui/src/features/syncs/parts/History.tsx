/** What has run, newest first. Older pages are read when asked for, and the table draws only the rows in sight. */
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconHistory } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { RunFilter, RunPage, RunRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import type { Pages } from "@/shared/query/query";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { Count, InstantText } from "@/shared/ui/Figures";
import { Chips } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { RunWord } from "@/shared/ui/States";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import { tookMillis } from "../logic/history";
import classes from "../syncs.module.css";

const filters: RunFilter[] = ["all", "failed", "remarks"];

/** The history table. `runs` are the ones of the pages read so far. */
export function History(props: {
  runs: RunRow[];
  pages: Pages<RunPage>;
  filter: RunFilter;
  openId: string | null;
  narrow: boolean;
  /** Rows of the first drawing: as many as are in sight below what is going on. */
  first: number;
  onFilter: (filter: RunFilter) => void;
  onOpen: (run: RunRow) => void;
  onEscape: () => void;
}) {
  const { t } = useTranslation("syncs");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const systems = useSystems();
  const small = useMediaQuery("(max-width: 1280px)") ?? false;
  const folded = props.narrow && small;

  const columns = useMemo((): Column<RunRow>[] => {
    const all: Column<RunRow>[] = [
      {
        id: "state",
        title: t("column.state"),
        width: "144px",
        cell: (run) => <RunWord state={run.state} />,
        hideable: false,
      },
      { id: "started", title: t("column.started"), width: "64px", cell: (run) => <InstantText at={run.started_at} /> },
      {
        id: "connection",
        title: t("column.connection"),
        width: "minmax(150px, 1fr)",
        cell: (run) => (
          <span className={classes.who} title={run.account_name}>
            <SystemTile connector={run.connector} size={18} />
            <span className={classes.name}>
              {systems.name(run.connector)} <span>· {run.client_name}</span>
            </span>
          </span>
        ),
      },
      {
        id: "trigger",
        title: t("column.trigger"),
        width: "112px",
        cell: (run) => <span className={classes.dim}>{shared(`trigger.${run.trigger}`)}</span>,
      },
      {
        id: "rows",
        title: t("column.rows"),
        width: "76px",
        align: "right",
        cell: (run) => <Count value={run.progress.rows} />,
      },
      {
        id: "quarantined",
        title: t("column.quarantined"),
        width: "84px",
        align: "right",
        cell: (run) => (
          <span className={run.progress.quarantined > 0 ? classes.watch : classes.dim}>
            <Count value={run.progress.quarantined} />
          </span>
        ),
      },
      {
        id: "took",
        title: t("column.took"),
        width: "84px",
        align: "right",
        cell: (run) => {
          const millis = tookMillis(run);
          return millis === null ? null : <span className={classes.dim}>{format.about(millis / 1_000)}</span>;
        },
      },
    ];
    return all.filter(
      (column) =>
        !(props.narrow && column.id === "trigger") &&
        !(folded && (column.id === "quarantined" || column.id === "took")),
    );
  }, [t, shared, systems, format, folded, props.narrow]);

  return (
    <section className={classes.history} aria-label={t("history")}>
      <header className={classes.stripsHead}>
        <h2>{t("history")}</h2>
        <Chips
          label={t("filter")}
          active={props.filter}
          onChange={props.onFilter}
          options={filters.map((id) => ({ id, label: t(`filters.${id}`) }))}
        />
      </header>
      <div className={classes.historyFrame}>
        {props.pages.error && !props.pages.pages ? (
          <ErrorPanel error={props.pages.error} onAction={props.pages.again} />
        ) : !props.pages.pages ? (
          <BoneRows rows={8} />
        ) : props.runs.length === 0 ? (
          <EmptyState icon={IconHistory} title={t(`history_none.${props.filter}`)} />
        ) : (
          <>
            <DataGrid
              id="runs"
              testId="history"
              label={t("history")}
              rows={props.runs}
              first={props.first}
              columns={columns}
              rowId={(run) => run.id}
              rowData={(run) => ({ "data-testid": `run-${run.id}`, "data-state": run.state })}
              openId={props.openId}
              onOpen={props.onOpen}
              onEscape={props.onEscape}
            />
            {props.pages.more ? (
              <div className={classes.older}>
                <Button variant="default" loading={props.pages.pending} onClick={props.pages.more}>
                  {t("older")}
                </Button>
                <span>{t("shown", { count: props.runs.length, printed: format.count(props.runs.length) })}</span>
              </div>
            ) : null}
          </>
        )}
      </div>
    </section>
  );
}

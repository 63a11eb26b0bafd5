/** Step 4: the first runs, live, a row per cabinet. Closing the wizard does not stop them, and it says so. */
import { IconCircleCheckFilled } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { RunRow } from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { useLiveRun } from "@/shared/query/progress";
import { useRead } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { ProgressBar, shareOf } from "@/shared/ui/Progress";
import { RunWord } from "@/shared/ui/States";
import { useSystems } from "@/shared/ui/systems";
import classes from "../integrations.module.css";

/** The started runs. */
export function FirstSyncStep(props: { runIds: string[] }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const systems = useSystems();
  const runs = useRead("runs_list", {
    client_id: null,
    connection_id: null,
    filter: "all",
    before: null,
    limit: Math.min(500, props.runIds.length + 50),
  });
  if (runs.isError) return <ErrorPanel error={runs.error} onAction={() => runs.refetch()} />;
  const mine = props.runIds
    .map((id) => runs.data?.runs.find((run) => run.id === id))
    .filter((run) => run !== undefined);
  if (!runs.data) return <BoneRows rows={Math.min(8, props.runIds.length)} />;
  const rows = mine.reduce((sum, run) => sum + run.progress.rows, 0);
  const over = mine.filter((run) => run.state === "done" || run.state === "done_with_remarks").length;
  return (
    <>
      <ul className={classes.firstRuns}>
        {mine.map((run) => (
          <FirstRun key={run.id} run={run} />
        ))}
      </ul>
      <p className={classes.info} role="status">
        {mine.length > 0 && over === mine.length ? (
          <>
            <IconCircleCheckFilled size={16} color="var(--good)" aria-hidden />
            <span>
              {t(mine.every((run) => systems.onlyRecords(run.connector)) ? "done.records" : "done.all", {
                rows: t("rows_written", { count: rows, printed: format.count(rows) }),
              })}
            </span>
          </>
        ) : (
          <span>{t("done.goes_on")}</span>
        )}
      </p>
    </>
  );
}

function FirstRun(props: { run: RunRow }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const words = useErrorWords();
  const { run } = props;
  const live = useLiveRun(run.id, run);
  const { progress } = live;
  const over = live.state === "done" || live.state === "done_with_remarks";
  return (
    <li data-testid={`run-${run.id}`} data-state={live.state}>
      <div>
        <b>{run.client_name}</b>
        <span>{run.account_name}</span>
      </div>
      <div className={classes.firstBar}>
        <span>
          {progress.slices_total > 0
            ? t("done.slices", { done: format.count(progress.slices_done), count: progress.slices_total })
            : t("done.planning")}
        </span>
        <ProgressBar
          share={over ? 1 : shareOf(progress)}
          state={live.state}
          label={t("done.progress", { account: run.account_name })}
        />
      </div>
      <div className={classes.firstEnd}>
        <RunWord state={live.state} />
        <span>
          {live.state === "failed" && run.failure ? (
            <AppLink to={links.run(run.id)}>
              {words(run.failure, { connector: run.connector, account: run.account_name }).title}
            </AppLink>
          ) : (
            t("rows_written", { count: progress.rows, printed: format.count(progress.rows) })
          )}
        </span>
      </div>
    </li>
  );
}

/** The sign-in was renewed and nothing had to be collected. */
export function SignedInAgain() {
  const { t } = useTranslation("integrations");
  return (
    <EmptyState icon={IconCircleCheckFilled} title={t("done.signed_in")}>
      {t("done.signed_in_body")}
    </EmptyState>
  );
}

/**
 * What is going on now: progress, rate, remaining, pause, cancel. A wait is hatched, says until when and is not an error. Each row
 * listens to its own run, so a thousand events a second redraw one bar.
 */
import { ActionIcon } from "@mantine/core";
import { IconClockPause, IconPlayerPause, IconPlayerPlay, IconX } from "@tabler/icons-react";
import { memo, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RunRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useLiveRun } from "@/shared/query/progress";
import { useChange, useRefresh } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { ProgressBar, shareOf } from "@/shared/ui/Progress";
import { RunWord } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../syncs.module.css";

/** Runs under way, and below them those that wait for a worker. */
export function Running(props: { running: RunRow[]; queued: RunRow[]; openId: string | null }) {
  const { t } = useTranslation("syncs");
  const [all, setAll] = useState(false);
  const queued = all ? props.queued : [];
  const names = [...new Set(props.queued.map((run) => run.client_name))];
  return (
    <section className={classes.running} aria-label={t("now")}>
      <ul>
        {[...props.running, ...queued].map((run) => (
          <RunningRow key={run.id} run={run} open={run.id === props.openId} />
        ))}
      </ul>
      {props.queued.length > 0 ? (
        <button type="button" className={classes.more} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t("queue_fold") : t("queue", { count: props.queued.length, names: names.join(", ") })}
        </button>
      ) : null}
    </section>
  );
}

const RunningRow = memo(function RunningRow(props: { run: RunRow; open: boolean }) {
  const { t } = useTranslation("syncs");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const systems = useSystems();
  const cancel = useChange("run_cancel");
  const pause = useChange("run_pause");
  const resume = useChange("run_resume");
  const { run } = props;
  const { state, progress } = useLiveRun(run.id, run);
  const share = shareOf(progress);
  // The moving numbers say that it waits, the list says until when.
  const refresh = useRefresh();
  const untold = state === "waiting" && run.waiting_until === null;
  useEffect(() => {
    if (untold) refresh(["runs"]);
  }, [untold, refresh]);
  const trigger = shared(`trigger.${run.trigger}`);
  return (
    <li className={classes.runRow} data-testid={`run-${run.id}`} data-state={state} data-open={props.open}>
      <SystemTile connector={run.connector} size={24} />
      <div className={classes.runWho}>
        <AppLink className={classes.cover} to={links.run(run.id)}>
          <b>{systems.name(run.connector)}</b> <span>· {run.client_name}</span>
        </AppLink>
        <small title={run.account_name}>
          {run.range
            ? t("run_about", { trigger, days: format.range(run.range.from, run.range.to, { year: false }) })
            : trigger}
        </small>
      </div>
      {state === "queued" ? (
        <div className={classes.runBar}>
          <RunWord state="queued" />
        </div>
      ) : (
        <div className={classes.runBar}>
          <div>
            <span>
              {progress.slices_total > 0
                ? t("slices", { done: format.count(progress.slices_done), count: progress.slices_total })
                : t("planning")}
            </span>
            <b>{share === null ? null : format.share(share)}</b>
          </div>
          <ProgressBar share={share} state={state} label={t("progress_of", { account: run.account_name })} />
        </div>
      )}
      <div className={classes.runRate}>
        {state === "waiting" ? (
          <>
            <span className={classes.waits}>
              <IconClockPause size={14} aria-hidden />
              {t("waits")}
            </span>
            <small>{run.waiting_until ? t("until", { at: format.soon(run.waiting_until) }) : t("by_itself")}</small>
          </>
        ) : state === "running" ? (
          <>
            <span>
              {progress.rows_per_sec === null
                ? t("rows", { count: progress.rows, printed: format.count(progress.rows) })
                : t("rate", { rate: format.count(progress.rows_per_sec) })}
            </span>
            <small>
              {progress.remaining_secs === null
                ? null
                : t("remaining", { time: format.about(progress.remaining_secs) })}
            </small>
          </>
        ) : state === "paused" ? (
          <>
            <RunWord state="paused" />
            <small>{t("paused_note")}</small>
          </>
        ) : null}
      </div>
      {state === "paused" ? (
        <ActionIcon
          className={classes.above}
          aria-label={t("resume_run", { account: run.account_name })}
          loading={resume.isPending}
          onClick={() => resume.mutate({ id: run.id }, { onError: (error) => say(error) })}
        >
          <IconPlayerPlay size={16} />
        </ActionIcon>
      ) : (
        <ActionIcon
          className={classes.above}
          aria-label={t("pause_run", { account: run.account_name })}
          loading={pause.isPending}
          onClick={() => pause.mutate({ id: run.id }, { onError: (error) => say(error) })}
        >
          <IconPlayerPause size={16} />
        </ActionIcon>
      )}
      <ActionIcon
        className={classes.above}
        aria-label={t("cancel_run", { account: run.account_name })}
        loading={cancel.isPending}
        onClick={() => cancel.mutate({ id: run.id }, { onError: (error) => say(error) })}
      >
        <IconX size={16} />
      </ActionIcon>
    </li>
  );
});

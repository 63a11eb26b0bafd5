/**
 * One run, from "is it moving?" to "why not?": head with progress, then slices, waits with their reasons, quarantined rows,
 * requests and the log. A run under way is redrawn from the live store; its lists follow when the backend says they changed.
 */
import { Button, Popover, TextInput } from "@mantine/core";
import {
  IconCalendarRepeat,
  IconDatabase,
  IconFileImport,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DateRange, RunDetail, RunRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { addDays } from "@/shared/period/period";
import { useLiveRun } from "@/shared/query/progress";
import { useChange, useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { links, useGo } from "@/shared/ui/AppLink";
import { Drawer, type Tab, Tabs } from "@/shared/ui/Layout";
import { Banner, BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { ProgressBar, shareOf } from "@/shared/ui/Progress";
import { RunWord } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import { isOver, tookMillis } from "../logic/history";
import classes from "../syncs.module.css";
import { CollectPlan } from "./CollectPlan";
import { useFollow } from "./follow";
import { LogLines, Quarantine, Requests, Slices, Waits } from "./RunLists";

type Part = "slices" | "waits" | "quarantine" | "requests" | "log";

/** The drawer of a run. */
export function RunDrawer(props: {
  id: string;
  onClose: () => void;
  onPrevious?: (() => void) | undefined;
  onNext?: (() => void) | undefined;
  onCollect: (connectionId: string, range: DateRange, streams: string[] | null) => void;
  collecting: boolean;
}) {
  const { t } = useTranslation("syncs");
  const read = useRead("run_get", { id: props.id });
  const frame = { onClose: props.onClose, onPrevious: props.onPrevious, onNext: props.onNext };
  if (read.isError) {
    return (
      <Drawer title={t("run")} {...frame}>
        <div className={classes.drawerTop}>
          <ErrorPanel
            error={read.error}
            onAction={() => (read.error.api.code === "not_found" ? props.onClose() : read.refetch())}
          />
        </div>
      </Drawer>
    );
  }
  if (!read.data) {
    return (
      <Drawer title={t("run")} {...frame}>
        <BoneRows rows={10} />
      </Drawer>
    );
  }
  return (
    <Run
      detail={read.data}
      read={read.refetch}
      frame={frame}
      onCollect={props.onCollect}
      collecting={props.collecting}
    />
  );
}

function Run(props: {
  detail: RunDetail;
  read: () => void;
  frame: { onClose: () => void; onPrevious: (() => void) | undefined; onNext: (() => void) | undefined };
  onCollect: (connectionId: string, range: DateRange, streams: string[] | null) => void;
  collecting: boolean;
}) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const systems = useSystems();
  const go = useGo();
  const cancel = useChange("run_cancel");
  const pause = useChange("run_pause");
  const resume = useChange("run_resume");
  const start = useChange("run_start");
  const [part, setPart] = useState<Part>("slices");
  const { detail } = props;
  const { run } = detail;
  const live = useLiveRun(run.id, run);
  const { state, progress } = live;
  useFollow(live, props.read);
  const over = isOver(state);
  const failure = over ? run.failure : null;
  const isFile = run.trigger === "import";
  const took = tookMillis(run);
  const tabs: Tab<Part>[] = [
    {
      id: "slices",
      label: t("part.slices"),
      mark: detail.slices.length > 0 ? format.count(detail.slices.length) : undefined,
    },
    {
      id: "waits",
      label: t("part.waits"),
      mark: detail.waits.length > 0 ? format.count(detail.waits.length) : undefined,
    },
    {
      id: "quarantine",
      label: t("part.quarantine"),
      mark: progress.quarantined > 0 ? format.count(progress.quarantined) : undefined,
    },
    {
      id: "requests",
      label: t("part.requests"),
      mark: progress.requests > 0 ? format.count(progress.requests) : undefined,
    },
    { id: "log", label: t("part.log") },
  ];
  const again = () =>
    start.mutate(
      {
        connection_id: run.connection_id,
        client_id: null,
        range: run.trigger === "recollect" ? run.range : null,
        streams: run.streams,
      },
      {
        onSuccess: ({ run_ids }) => {
          const first = run_ids[0];
          if (first) go(links.run(first));
        },
        onError: (error) => say(error),
      },
    );

  return (
    <Drawer
      {...props.frame}
      title={t("run_of", { system: systems.name(run.connector), client: run.client_name })}
      subtitle={
        <span className={classes.sub} title={`${run.account_name}, ${run.id}`}>
          {run.account_name} <code>{run.id.slice(0, 8)}</code>
        </span>
      }
      before={<SystemTile connector={run.connector} size={30} />}
      tabs={
        <>
          <div className={classes.drawerTop} data-testid="run-drawer" data-state={state}>
            <div className={classes.line}>
              <RunWord state={state} />
              <span>
                {state === "running" && progress.remaining_secs !== null
                  ? t("remaining", { time: format.about(progress.remaining_secs) })
                  : state === "waiting" && run.waiting_until
                    ? t("until", { at: format.soon(run.waiting_until) })
                    : took !== null
                      ? t("took", { at: format.instant(run.started_at), time: format.about(took / 1_000) })
                      : format.instant(run.started_at)}
              </span>
            </div>
            <ProgressBar
              share={over && !failure && state !== "stopped" ? 1 : shareOf(progress)}
              state={state}
              label={t("progress_of", { account: run.account_name })}
            />
            <dl className={classes.four}>
              <Tally
                label={t("number.slices")}
                value={`${format.count(progress.slices_done)} / ${format.count(progress.slices_total)}`}
              />
              <Tally label={t("number.rows")} value={format.count(progress.rows)} />
              <Tally label={t("number.requests")} value={format.count(progress.requests)} />
              <Tally label={t("number.retries")} value={format.count(progress.retries)} />
            </dl>
            {state === "waiting" ? (
              <Banner
                tone="wait"
                fact={run.waiting_until ? t("waits_until", { at: format.soon(run.waiting_until) }) : t("waits")}
              >
                {t("waits_rest")}
              </Banner>
            ) : null}
            {failure ? (
              <ErrorPanel
                error={failure}
                context={{ connector: run.connector, account: run.account_name }}
                {...(failure.kind === "sign_in_again"
                  ? { onAction: () => go(links.signIn(run.connection_id)) }
                  : failure.kind === "fix_settings"
                    ? { onAction: () => go(links.connection(run.connection_id)) }
                    : failure.kind === "our_fault" || isFile
                      ? {}
                      : failure.kind === "retry"
                        ? { onAction: again }
                        : { onAction: again, actionLabel: t("again") })}
              />
            ) : null}
          </div>
          <Tabs inset tabs={tabs} active={part} onChange={setPart} label={t("parts")} />
        </>
      }
      footLeft={
        over ? null : (
          <>
            <Button
              variant="outline"
              mr={8}
              leftSection={<IconPlayerStop size={14} />}
              loading={cancel.isPending}
              onClick={() => cancel.mutate({ id: run.id }, { onError: (error) => say(error) })}
            >
              {t("stop")}
            </Button>
            {state === "paused" ? (
              <Button
                variant="default"
                leftSection={<IconPlayerPlay size={14} />}
                loading={resume.isPending}
                onClick={() => resume.mutate({ id: run.id }, { onError: (error) => say(error) })}
              >
                {t("resume")}
              </Button>
            ) : (
              <Button
                variant="default"
                leftSection={<IconPlayerPause size={14} />}
                loading={pause.isPending}
                onClick={() => pause.mutate({ id: run.id }, { onError: (error) => say(error) })}
              >
                {t("pause")}
              </Button>
            )}
          </>
        )
      }
      footRight={
        <>
          {systems.keepsRecords(run.connector) ? (
            <Button
              variant="default"
              mr={8}
              leftSection={<IconDatabase size={14} />}
              onClick={() => go(links.records(run.connection_id))}
            >
              {t("records")}
            </Button>
          ) : null}
          {isFile ? (
            <Button
              variant="default"
              leftSection={<IconFileImport size={14} />}
              onClick={() => go(links.importFile(run.client_id, run.connector))}
            >
              {t("import_again")}
            </Button>
          ) : (
            <CollectAgain
              run={run}
              pending={props.collecting}
              onCollect={(range, streams) => props.onCollect(run.connection_id, range, streams)}
            />
          )}
        </>
      }
    >
      {part === "slices" ? <Slices run={run} slices={detail.slices} /> : null}
      {part === "waits" ? <Waits run={run} waits={detail.waits} /> : null}
      {part === "quarantine" ? <Quarantine runId={run.id} groups={detail.quarantine} /> : null}
      {part === "requests" ? <Requests requests={detail.requests} /> : null}
      {part === "log" ? <LogLines run={run} log={detail.log} /> : null}
    </Drawer>
  );
}

function Tally(props: { label: string; value: string }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

const LAST_DAYS = 7;

/** The way to other dates than the strip's: two fields, the streams and one button. */
function CollectAgain(props: {
  run: RunRow;
  pending: boolean;
  onCollect: (range: DateRange, streams: string[] | null) => void;
}) {
  const { t } = useTranslation("syncs");
  const { today } = useStatus();
  const [opened, setOpened] = useState(false);
  const { run } = props;
  const [streams, setStreams] = useState<string[] | null>(null);
  const [from, setFrom] = useState(run.range?.from ?? addDays(today, -LAST_DAYS));
  const [to, setTo] = useState(run.range?.to ?? addDays(today, -1));
  const fits = from !== "" && to !== "" && from <= to && to <= today;
  return (
    <Popover opened={opened} onChange={setOpened} position="top-end" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconCalendarRepeat size={14} />}
          aria-expanded={opened}
          onClick={() => setOpened(!opened)}
        >
          {t("collect_dates")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          className={classes.ask}
          onSubmit={(event) => {
            event.preventDefault();
            if (!fits) return;
            props.onCollect({ from, to }, streams);
            setOpened(false);
          }}
        >
          <div className={classes.dates}>
            <TextInput
              type="date"
              label={t("from")}
              value={from}
              max={today}
              onChange={(event) => setFrom(event.currentTarget.value)}
            />
            <TextInput
              type="date"
              label={t("to")}
              value={to}
              max={today}
              onChange={(event) => setTo(event.currentTarget.value)}
            />
          </div>
          {fits ? (
            <CollectPlan
              connectionId={run.connection_id}
              connector={run.connector}
              range={{ from, to }}
              streams={streams}
              onStreams={setStreams}
            />
          ) : null}
          <div>
            <Button type="submit" disabled={!fits} loading={props.pending}>
              {t("ask_yes")}
            </Button>
          </div>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

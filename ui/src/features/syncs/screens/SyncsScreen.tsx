/**
 * The board that can be left open. Three layers of time: now (progress, rate, remaining), the month (strips), the past
 * (history); the drawer of a run opens beside them and pushes.
 */
import { Button } from "@mantine/core";
import { IconPlugConnected, IconPlus, IconRefresh } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DateRange, RunFilter, RunRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead, useReadPages } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { usePathPart, useQueryWord } from "@/shared/ui/address";
import { PageHead, Screen } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { useScreenSync, useSyncHere } from "@/shared/ui/screenSync";
import { boardOrder, neighbours, pastRuns } from "../logic/history";
import { History } from "../parts/History";
import { RunDrawer } from "../parts/RunDrawer";
import { Running } from "../parts/Running";
import { Strips } from "../parts/Strips";
import { Waiting } from "../parts/Waiting";
import classes from "../syncs.module.css";

const DAYS = 30;
const PAGE = 100;

/** The screen. */
export function SyncsScreen() {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const go = useGo();
  const runId = usePathPart("runId") || null;
  const [clientId] = useQueryWord("client");
  const [filter, setFilter] = useState<RunFilter>("all");
  const board = useRead("syncs_board", { client_id: clientId, days: DAYS }, { keep: true });
  const pages = useReadPages(
    "runs_list",
    { client_id: clientId, connection_id: null, filter, before: null, limit: PAGE },
    (last) => {
      const oldest = last.runs.at(-1);
      return last.more && oldest
        ? { client_id: clientId, connection_id: null, filter, before: oldest.id, limit: PAGE }
        : null;
    },
  );
  const start = useChange("run_start");
  const sync = useSyncHere();
  useScreenSync(clientId);

  const address = (id: string | null) => `${id ? links.run(id) : "/syncs"}${clientId ? `?client=${clientId}` : ""}`;
  const open = (id: string | undefined) => id && go(address(id), { replace: runId !== null });
  const close = () => go(address(null));
  const past = useMemo(() => pastRuns(pages.pages ?? []), [pages.pages]);
  const strips = useMemo(() => boardOrder(board.data?.strips ?? [], format.collator), [board.data, format]);
  const running = board.data?.running ?? [];
  const queued = board.data?.queued ?? [];
  const active = useMemo(() => [...(board.data?.running ?? []), ...(board.data?.queued ?? [])], [board.data]);
  const near = runId
    ? neighbours(
        [...active, ...past].map((run) => run.id),
        runId,
      )
    : null;
  const openRun = runId ? [...active, ...past].find((run) => run.id === runId) : undefined;

  const collect = (connectionId: string, range: DateRange, streams: string[] | null) =>
    start.mutate(
      { connection_id: connectionId, client_id: null, range, streams },
      {
        onSuccess: ({ run_ids }) => {
          const first = run_ids[0];
          if (first) go(address(first));
        },
        onError: (error) => say(error),
      },
    );

  const nothing = board.data && strips.length === 0;
  const count = (state: RunRow["state"]) => active.filter((run) => run.state === state).length;
  const doing = [
    { said: "answer_running", count: count("running") },
    { said: "answer_queued", count: count("queued") },
    { said: "answer_waiting", count: count("waiting") },
  ] as const;
  const answer = !board.data
    ? undefined
    : doing
        .filter((part) => part.count > 0)
        .map((part) => t(part.said, { count: part.count }))
        .join(", ") || t("answer_idle");

  return (
    <Screen
      drawer={
        runId ? (
          <RunDrawer
            key={runId}
            id={runId}
            onClose={close}
            onPrevious={near?.previous ? () => open(near.previous) : undefined}
            onNext={near?.next ? () => open(near.next) : undefined}
            onCollect={collect}
            collecting={start.isPending}
          />
        ) : undefined
      }
    >
      <PageHead title={t("title")} answer={nothing ? undefined : answer}>
        <Button
          variant="default"
          leftSection={<IconRefresh size={14} />}
          loading={sync.pending}
          disabled={!board.data || strips.length === 0}
          onClick={() => sync.start()}
        >
          {clientId ? t("sync_client") : t("sync_all")}
        </Button>
      </PageHead>
      {board.isError && !board.data ? (
        <ErrorPanel error={board.error} onAction={() => board.refetch()} />
      ) : !board.data ? (
        <div className={classes.historyFrame}>
          <BoneRows rows={12} />
        </div>
      ) : nothing ? (
        <EmptyState
          icon={IconPlugConnected}
          title={t("nothing")}
          action={
            <Button
              leftSection={<IconPlus size={15} />}
              onClick={() => go(links.connect(undefined, clientId ?? undefined))}
            >
              {t("connect")}
            </Button>
          }
        >
          {t("nothing_body")}
        </EmptyState>
      ) : (
        <>
          {board.data.waiting ? <Waiting waiting={board.data.waiting} /> : null}
          {active.length > 0 ? <Running running={running} queued={queued} openId={runId} /> : null}
          <Strips
            strips={strips}
            days={board.data.days}
            runs={active}
            openConnection={openRun?.connection_id ?? null}
            onCollect={collect}
            pending={start.isPending}
          />
        </>
      )}
      {nothing && past.length === 0 ? null : (
        <History
          runs={past}
          pages={pages}
          filter={filter}
          openId={runId}
          narrow={runId !== null}
          first={active.length > 0 ? 0 : 5}
          onFilter={setFilter}
          onOpen={(run) => open(run.id)}
          onEscape={() => runId && close()}
        />
      )}
    </Screen>
  );
}

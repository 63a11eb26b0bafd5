/** The five lists of a run's drawer. Each says in words why it is empty, because "nothing" is news here. */
import { Button } from "@mantine/core";
import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconClock,
  IconClockPause,
  IconHistory,
  IconListDetails,
  IconSend,
  IconShieldCheck,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  allCode,
  allRunState,
  type LogRow,
  type QuarantineGroup,
  type QuarantineRow,
  type RequestRow,
  type RunRow,
  type SliceRow,
  type WaitRow,
} from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { useRead, useReadPages } from "@/shared/query/query";
import { Chips } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { byStream, isOver } from "../logic/history";
import { knownWord, placeOf, plainLine, windowOf } from "../logic/log";
import classes from "../syncs.module.css";

/** Titles of a connector's streams, by name. */
function useStreamTitle(connector: string): (stream: string) => string {
  const language = useLanguage();
  const connectors = useRead("connectors_list", {});
  const streams = connectors.data?.find((one) => one.id === connector)?.streams ?? [];
  return (name) => streams.find((stream) => stream.name === name)?.title[language] ?? name;
}

/** Slices by stream. */
export function Slices(props: { run: RunRow; slices: SliceRow[] }) {
  const { t } = useTranslation("syncs");
  const title = useStreamTitle(props.run.connector);
  if (props.slices.length === 0) {
    return (
      <EmptyState icon={IconListDetails} title={t("none.slices")}>
        {t("none.slices_body")}
      </EmptyState>
    );
  }
  return (
    <div className={classes.list}>
      {byStream(props.slices).map((group, index) => (
        <section key={`${group.stream}-${String(index)}`} aria-label={title(group.stream)}>
          <h3>{title(group.stream)}</h3>
          <ul>
            {group.slices.map((slice) => (
              <Slice key={`${slice.stream} ${slice.window?.from}`} slice={slice} run={props.run} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Slice(props: { slice: SliceRow; run: RunRow }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const words = useErrorWords();
  const { slice, run } = props;
  const remarks = slice.state === "done" && slice.quarantined > 0;
  const waiting = slice.state === "running" && run.state === "waiting";
  return (
    <li className={classes.slice} data-state={slice.state}>
      <span
        className={classes.sliceMark}
        data-state={remarks ? "remarks" : slice.state}
        role="img"
        aria-label={t(`slice_state.${slice.state}`)}
      >
        {remarks || slice.state === "failed" ? (
          <IconAlertTriangleFilled size={14} aria-hidden />
        ) : slice.state === "done" ? (
          <IconCircleCheckFilled size={14} aria-hidden />
        ) : waiting ? (
          <IconClockPause size={14} aria-hidden />
        ) : slice.state === "running" ? (
          <i />
        ) : (
          <IconClock size={14} aria-hidden />
        )}
      </span>
      <b>{slice.window ? format.range(slice.window.from, slice.window.to, { year: false }) : t("whole")}</b>
      <span className={classes.sliceRows}>
        {slice.state === "pending" || slice.state === "failed"
          ? null
          : t("rows", { count: slice.rows, printed: format.count(slice.rows) })}
      </span>
      <span
        className={classes.sliceNote}
        data-tone={remarks ? "watch" : slice.state === "failed" ? "act" : waiting ? "move" : undefined}
      >
        {slice.state === "failed" && slice.failure
          ? words(slice.failure, { connector: run.connector, account: run.account_name }).title
          : remarks
            ? t("in_quarantine", { count: slice.quarantined, printed: format.count(slice.quarantined) })
            : waiting
              ? run.waiting_until
                ? t("until", { at: format.soon(run.waiting_until) })
                : t("waits")
              : slice.state === "pending"
                ? t(isOver(run.state) ? "slice_state.left" : "slice_state.pending")
                : slice.state === "running" && slice.requests === 0
                  ? t("slice_state.running")
                  : t("requests", { count: slice.requests, printed: format.count(slice.requests) })}
      </span>
      <span className={classes.dim}>{slice.millis === null ? null : format.duration(slice.millis)}</span>
    </li>
  );
}

/** Pauses with their reasons. */
export function Waits(props: { run: RunRow; waits: WaitRow[] }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const words = useErrorWords();
  if (props.waits.length === 0) return <EmptyState icon={IconClockPause} title={t("none.waits")} />;
  return (
    <ul className={classes.waitsList}>
      {props.waits.map((wait) => {
        const said = words(wait.reason, { connector: props.run.connector, account: props.run.account_name });
        return (
          <li key={`${wait.at} ${wait.reason.code}`}>
            <StateWord tone="move" icon={IconClockPause} word={said.title} />
            <span className={wait.until ? classes.move : classes.dim}>
              {wait.until ? t("still_waits") : t("passed", { time: format.duration(wait.millis) })}
            </span>
            <p>{said.body}</p>
            <small>{format.instant(wait.at)}</small>
          </li>
        );
      })}
    </ul>
  );
}

const PAGE = 50;

/** Quarantined rows: first grouped by day and reason, then one by one with what came. */
export function Quarantine(props: { runId: string; groups: QuarantineGroup[] }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const [rows, setRows] = useState(false);
  if (props.groups.length === 0) return <EmptyState icon={IconShieldCheck} title={t("none.quarantine")} />;
  return (
    <div className={classes.list}>
      <ul>
        {props.groups.map((group) => (
          <li key={`${group.date} ${group.reason} ${group.field}`} className={classes.group}>
            <span>{group.date ? format.day(group.date) : t("no_day")}</span>
            <span title={group.value}>{t(`reject.${group.reason}`, { field: group.field, value: group.value })}</span>
            <b>{format.count(group.count)}</b>
          </li>
        ))}
      </ul>
      <p className={classes.note}>{t("quarantine_note")}</p>
      {rows ? (
        <QuarantineRows runId={props.runId} />
      ) : (
        <div className={classes.note}>
          <Button variant="default" onClick={() => setRows(true)}>
            {t("show_rows")}
          </Button>
        </div>
      )}
    </div>
  );
}

function QuarantineRows(props: { runId: string }) {
  const { t } = useTranslation("syncs");
  const pages = useReadPages("quarantine_list", { run_id: props.runId, offset: 0, limit: PAGE }, (last, read) =>
    read * PAGE < last.total ? { run_id: props.runId, offset: read * PAGE, limit: PAGE } : null,
  );
  if (pages.error && !pages.pages) return <ErrorPanel error={pages.error} onAction={pages.again} />;
  if (!pages.pages) return <BoneRows rows={4} />;
  const rows: QuarantineRow[] = pages.pages.flatMap((page) => page.rows);
  return (
    <>
      <ul className={classes.rawRows} aria-label={t("part.quarantine")}>
        {rows.map((row, index) => (
          <li key={String(index)}>
            <span>
              {row.line === null ? null : <b>{t("line", { line: row.line })} </b>}
              {t(`reject.${row.reason}`, { field: row.field, value: row.value })}
            </span>
            <code>{row.raw}</code>
          </li>
        ))}
      </ul>
      {pages.more ? (
        <div className={classes.note}>
          <Button variant="default" loading={pages.pending} onClick={pages.more}>
            {t("more_rows")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

type Shown = "all" | "failed";

/** Requests, newest first; secrets were masked before they were kept. */
export function Requests(props: { requests: RequestRow[] }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const [shown, setShown] = useState<Shown>("all");
  if (props.requests.length === 0) return <EmptyState icon={IconSend} title={t("none.requests")} />;
  const failed = props.requests.filter(bad);
  const requests = shown === "failed" ? failed : props.requests;
  return (
    <>
      <div className={classes.note}>
        <Chips
          label={t("requests_shown")}
          active={shown}
          onChange={setShown}
          options={[
            { id: "all", label: t("requests_all"), count: format.count(props.requests.length) },
            { id: "failed", label: t("requests_failed"), count: format.count(failed.length) },
          ]}
        />
      </div>
      {requests.length === 0 ? <EmptyState icon={IconSend} title={t("none_failed")} /> : null}
      <ul className={classes.requests}>
        {requests.map((request, index) => {
          const [path, query] = placeOf(request.url);
          return (
            <li key={`${request.at} ${String(index)}`} title={request.url}>
              <span className={classes.dim}>{format.timeExact(request.at)}</span>
              <code>
                {request.method} {path}
              </code>
              <b data-bad={bad(request)}>{request.status ?? t("no_answer")}</b>
              <span className={classes.dim}>{format.duration(request.millis)}</span>
              <code data-quiet="true">{query}</code>
              <small>
                {request.attempt > 1 ? t("attempt", { count: request.attempt }) : format.bytes(request.bytes)}
              </small>
              {request.failure ? <p className={classes.requestMore}>{request.failure}</p> : null}
              {request.limits.length > 0 ? (
                <details className={classes.requestMore}>
                  <summary>{t("requests_limits")}</summary>
                  <dl>
                    {request.limits.map((said) => (
                      <div key={said.name}>
                        <dt>{said.name}</dt>
                        <dd>{said.value}</dd>
                      </div>
                    ))}
                  </dl>
                </details>
              ) : null}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** Whether a request brought no usable answer. */
function bad(request: RequestRow): boolean {
  return request.status === null || request.status >= 400 || request.failure !== null;
}

/** The log in words. */
export function LogLines(props: { run: RunRow; log: LogRow[] }) {
  const { t } = useTranslation("syncs");
  const { t: shared } = useTranslation("shared");
  const words = useErrorWords();
  const format = useFormat();
  const title = useStreamTitle(props.run.connector);
  if (props.log.length === 0) return <EmptyState icon={IconHistory} title={t("none.log")} />;
  const code = (params: Record<string, string>) => {
    const known = allCode.find((one) => one === params.code);
    return known
      ? words({ code: known, kind: "retry", params, detail: null, retry_at: null }, { connector: props.run.connector })
          .title
      : (params.code ?? "");
  };
  const state = (word: string | undefined) => {
    const known = allRunState.find((one) => one === word);
    return known ? shared(`run.${known}`).toLocaleLowerCase() : (word ?? "");
  };
  const sentence = (line: LogRow) => {
    const word = knownWord(line);
    if (!word) return plainLine(line);
    const { params } = line;
    const days = windowOf(params.window);
    const where = days
      ? t("log.where", { stream: title(params.stream ?? ""), days: format.range(days.from, days.to, { year: false }) })
      : title(params.stream ?? "");
    const rows = Number(params.rows ?? 0);
    const held = Number(params.quarantined ?? 0);
    return t(word === "slice_committed" && held > 0 ? "log.slice_committed_held" : `log.${word}`, {
      where,
      rows: t("rows", { count: rows, printed: format.count(rows) }),
      attempt: params.attempt ?? "",
      code: code(params),
      held: t("in_quarantine", { count: held, printed: format.count(held) }),
      state: state(params.state),
      more: params.more ?? "",
      changes: params.changes ?? "",
      date: params.date ? format.day(params.date) : "",
    });
  };
  return (
    <ol className={classes.log}>
      {props.log.map((line, index) => (
        <li key={`${line.at} ${String(index)}`}>
          <time dateTime={line.at}>{format.timeExact(line.at)}</time> {sentence(line)}
        </li>
      ))}
    </ol>
  );
}

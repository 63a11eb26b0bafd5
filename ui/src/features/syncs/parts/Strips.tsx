/**
 * Thirty days of every connection, a cell per day. The board is one ARIA grid with one tab stop: arrows move over days and
 * connections, Shift widens the choice, Enter offers to collect the chosen days again; with the mouse the same is a drag.
 * The tooltip and the question exist once, for the cell in question, so hundreds of strips stay cheap.
 */
import { Button, Popover, Tooltip } from "@mantine/core";
import { IconCalendarRepeat } from "@tabler/icons-react";
import {
  type KeyboardEvent,
  memo,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import type { DateRange, RunRow, Strip } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { eachDay } from "@/shared/period/period";
import { useLiveRun } from "@/shared/query/progress";
import { AppLink, links } from "@/shared/ui/AppLink";
import { DayLegend, useDayText } from "@/shared/ui/Days";
import kit from "@/shared/ui/kit.module.css";
import { ConnectionFailure } from "@/shared/ui/Notices";
import { shareOf } from "@/shared/ui/Progress";
import { RunWord, StateWord } from "@/shared/ui/States";
import { useSettled } from "@/shared/ui/settled";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import { chosenRange, doubtful, headDays, holes, moveSelection, reach, type Selection } from "../logic/strip";
import classes from "../syncs.module.css";
import { CollectPlan } from "./CollectPlan";

const SHOWN = 9;
/** Strips of the first drawing. */
const FIRST = 6;

/** The strips of the board. `runs` are those under way. */
export function Strips(props: {
  strips: Strip[];
  days: DateRange;
  runs: RunRow[];
  openConnection: string | null;
  onCollect: (connectionId: string, range: DateRange, streams: string[] | null) => void;
  pending: boolean;
}) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const gridId = useId();
  const grid = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  const [at, setAt] = useState<Selection | null>(null);
  const [dragging, setDragging] = useState(false);
  const [asking, setAsking] = useState(false);
  const [streams, setStreams] = useState<string[] | null>(null);
  const most = useSettled() ? (all ? props.strips.length : SHOWN) : FIRST;
  const shown = props.strips.slice(0, most);
  const days = eachDay(props.days);
  const size = { rows: shown.length, days: days.length };
  const active = at && at.row < shown.length ? at : null;
  const chosenStrip = active ? shown[active.row] : undefined;
  // Days of a file come with the file; there is nowhere to read them again.
  const systems = useSystems();
  const collectable =
    chosenStrip !== undefined &&
    !systems.byFile(chosenStrip.connection.connector) &&
    !systems.onlyRecords(chosenStrip.connection.connector);
  const range = active && chosenStrip && collectable ? chosenRange(chosenStrip.cells, active) : null;

  // A drag may end anywhere on the page.
  useEffect(() => {
    if (!dragging) return;
    const end = () => {
      setDragging(false);
      setAsking(true);
    };
    window.addEventListener("pointerup", end, { once: true });
    return () => window.removeEventListener("pointerup", end);
  }, [dragging]);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget) return;
    const from = active ?? { row: 0, anchor: days.length - 1, day: days.length - 1 };
    if (event.key === "Enter" && active) setAsking(true);
    else if (event.key === "Escape" && active) setAt({ ...active, anchor: active.day });
    else {
      const next = moveSelection(from, event.key, event.shiftKey, size);
      if (!next) return;
      setAt(next);
    }
    event.preventDefault();
  };
  // Kept the same between renders, so that a drag over one strip does not redraw the others.
  const held = useRef(false);
  held.current = dragging;
  const point = useCallback((row: number, day: number, phase: "start" | "move") => {
    if (phase === "start") {
      setStreams(null);
      setAt({ row, anchor: day, day });
      setAsking(false);
      setDragging(true);
    } else if (held.current) setAt((old) => (old && old.row === row ? { ...old, day } : old));
  }, []);
  const close = () => {
    setAsking(false);
    grid.current?.focus();
  };

  return (
    <section className={classes.strips} aria-label={t("strips_title")}>
      <header className={classes.stripsHead}>
        <h2>
          {t("strips_title")} <span>{format.count(props.strips.length)}</span>
        </h2>
        <DayLegend />
      </header>
      <div className={classes.stripFrame}>
        <div className={`${classes.stripRow} ${classes.stripTop}`} aria-hidden>
          <span>{t("connection")}</span>
          <span className={classes.stripDays}>
            {headDays(days).map((index) => (
              <i
                key={index}
                style={index === days.length - 1 ? { right: 0 } : { left: `${(index / days.length) * 100}%` }}
              >
                {format.day(days[index] ?? "")}
              </i>
            ))}
          </span>
          <span>{t("state")}</span>
        </div>
        <div
          ref={grid}
          role="grid"
          tabIndex={0}
          className={classes.stripGrid}
          aria-label={t("strips_label")}
          aria-rowcount={shown.length}
          aria-multiselectable
          aria-activedescendant={active ? `${gridId}-${active.row}-${active.day}` : undefined}
          onKeyDown={onKeyDown}
          onFocus={(event) => {
            if (event.target === event.currentTarget && !at)
              setAt({ row: 0, anchor: days.length - 1, day: days.length - 1 });
          }}
        >
          {shown.map((strip, row) => (
            <StripRow
              key={strip.connection.id}
              strip={strip}
              row={row}
              gridId={gridId}
              run={props.runs.find((run) => run.connection_id === strip.connection.id)}
              open={strip.connection.id === props.openConnection}
              first={active?.row === row ? reach(active)[0] : -1}
              last={active?.row === row ? reach(active)[1] : -1}
              active={active?.row === row ? active.day : -1}
              still={dragging || asking}
              question={
                asking && active?.row === row && range ? (
                  <Popover
                    opened
                    withRoles={false}
                    onChange={(opened) => !opened && close()}
                    position="bottom"
                    withArrow
                    trapFocus
                    onDismiss={close}
                  >
                    <Popover.Target>
                      <i className={classes.askAt} style={spanOf(reach(active), days.length)} />
                    </Popover.Target>
                    <Popover.Dropdown onPointerDown={(event) => event.stopPropagation()}>
                      <div
                        className={classes.ask}
                        role="dialog"
                        aria-label={t("ask_again", { days: format.range(range.from, range.to, { year: false }) })}
                      >
                        <p>{t("ask_again", { days: format.range(range.from, range.to, { year: false }) })}</p>
                        <CollectPlan
                          connectionId={strip.connection.id}
                          connector={strip.connection.connector}
                          range={range}
                          streams={streams}
                          onStreams={setStreams}
                        />
                        <div>
                          <Button variant="default" onClick={close}>
                            {t("ask_no")}
                          </Button>
                          <Button
                            data-autofocus
                            loading={props.pending}
                            leftSection={<IconCalendarRepeat size={14} />}
                            onClick={() => {
                              props.onCollect(strip.connection.id, range, streams);
                              close();
                            }}
                          >
                            {t("ask_yes")}
                          </Button>
                        </div>
                      </div>
                    </Popover.Dropdown>
                  </Popover>
                ) : null
              }
              onPoint={point}
            />
          ))}
        </div>
        {props.strips.length > SHOWN ? (
          <button type="button" className={classes.more} aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t("show_fewer") : t("show_all", { count: props.strips.length })}
          </button>
        ) : null}
      </div>
    </section>
  );
}

function spanOf([first, last]: [number, number], days: number): { left: string; width: string } {
  return { left: `${(first / days) * 100}%`, width: `${((last - first + 1) / days) * 100}%` };
}

interface RowProps {
  strip: Strip;
  row: number;
  gridId: string;
  run: RunRow | undefined;
  open: boolean;
  first: number;
  last: number;
  active: number;
  still: boolean;
  question: ReactNode;
  onPoint: (row: number, day: number, phase: "start" | "move") => void;
}

/** A strip is drawn again only when its own cells, its own part of the choice or its own question change. */
const StripRow = memo(
  function StripRow(props: RowProps) {
    const { t } = useTranslation("syncs");
    const systems = useSystems();
    const text = useDayText();
    const [hover, setHover] = useState<number | null>(null);
    const { strip, row } = props;
    const { connection, cells } = strip;
    const dayAt = (event: PointerEvent) => {
      const index = event.target instanceof HTMLElement ? event.target.dataset.index : undefined;
      return index === undefined ? null : Number(index);
    };
    const hovered = hover === null || props.still ? undefined : cells[hover];
    const words = hovered ? text(hovered) : null;
    return (
      <div role="row" className={classes.stripRow} data-open={props.open} data-testid={`strip-${connection.id}`}>
        <span role="rowheader" className={classes.stripWho}>
          <SystemTile connector={connection.connector} size={18} />
          <AppLink to={links.connection(connection.id)} className={classes.name} title={connection.account_name}>
            <b>{systems.name(connection.connector)}</b>
            <i> · </i>
            <span>{connection.client_name}</span>
          </AppLink>
        </span>
        {systems.onlyRecords(connection.connector) ? (
          <span
            id={`${props.gridId}-${row}-${Math.max(props.active, 0)}`}
            role="gridcell"
            aria-selected={props.active >= 0}
            className={classes.noDays}
            data-active={props.active >= 0}
          >
            {t("keeps_records")}
          </span>
        ) : (
          <span
            className={classes.cells}
            role="none"
            onPointerDown={(event) => {
              const day = dayAt(event);
              if (day === null || event.button !== 0) return;
              event.preventDefault();
              props.onPoint(row, day, "start");
            }}
            onPointerOver={(event) => {
              const day = dayAt(event);
              setHover(day);
              if (day !== null) props.onPoint(row, day, "move");
            }}
            onPointerLeave={() => setHover(null)}
          >
            {cells.map((cell, index) => {
              const said = text(cell);
              return (
                <span
                  key={cell.date}
                  id={`${props.gridId}-${row}-${index}`}
                  role="gridcell"
                  aria-label={`${said.title}. ${said.body}`}
                  aria-selected={index >= props.first && index <= props.last}
                  className={`${kit.day} ${classes.cell}`}
                  data-state={cell.state}
                  data-index={index}
                  data-active={index === props.active}
                />
              );
            })}
            {words && hover !== null ? (
              <Tooltip
                opened
                multiline
                maw={250}
                label={
                  <>
                    <span className={kit.tipTitle}>{words.title}</span>
                    {words.body}
                    {systems.byFile(connection.connector) ? null : (
                      <span className={classes.tipHint}>{t("drag_hint")}</span>
                    )}
                  </>
                }
              >
                <i className={classes.tipAt} style={spanOf([hover, hover], cells.length)} />
              </Tooltip>
            ) : null}
            {props.question}
          </span>
        )}
        <span role="gridcell" className={classes.stripState}>
          <StripState strip={strip} run={props.run} />
        </span>
      </div>
    );
  },
  (a, b) =>
    a.strip === b.strip &&
    a.run === b.run &&
    a.open === b.open &&
    a.first === b.first &&
    a.last === b.last &&
    a.active === b.active &&
    a.still === b.still &&
    a.question === null &&
    b.question === null &&
    a.row === b.row &&
    a.onPoint === b.onPoint,
);

function StripState(props: { strip: Strip; run: RunRow | undefined }) {
  const { t } = useTranslation("syncs");
  const { t: shared } = useTranslation("shared");
  const { connection, cells } = props.strip;
  if (props.run) return <LiveState run={props.run} />;
  if (connection.state === "paused") return <StateWord tone="off" word={shared("connection.paused")} />;
  if (connection.failure) {
    const word = <ConnectionFailure connection={connection} failure={connection.failure} />;
    return connection.state === "sign_in_needed" ? <AppLink to={links.signIn(connection.id)}>{word}</AppLink> : word;
  }
  const missing = holes(cells);
  if (missing > 0) return <StateWord tone="watch" word={t("holes", { count: missing })} />;
  const { differ, lacking } = doubtful(cells);
  if (differ > 0) return <StateWord tone="watch" word={t("differ", { count: differ })} />;
  if (lacking > 0) {
    return (
      <AppLink to={links.quarantine(connection.id)}>
        <StateWord tone="watch" word={t("lacking", { count: lacking })} />
      </AppLink>
    );
  }
  if (connection.health === "off") return <StateWord tone="off" word={t("not_read")} />;
  return (
    <StateWord
      tone={connection.health}
      word={connection.health === "good" ? t("fine") : shared(`health.${connection.health}`)}
    />
  );
}

function LiveState(props: { run: RunRow }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const { state, progress } = useLiveRun(props.run.id, props.run);
  const share = shareOf(progress);
  return (
    <AppLink to={links.run(props.run.id)}>
      {state === "running" && share !== null ? (
        <StateWord tone="move" word={t("running_share", { share: format.share(share) })} />
      ) : (
        <RunWord state={state} />
      )}
    </AppLink>
  );
}

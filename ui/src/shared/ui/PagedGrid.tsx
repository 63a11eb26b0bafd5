/**
 * The table for lists that are longer than what a page should hold: it knows only how many rows there are and asks for
 * those in sight. The same markup, keys and look as `DataGrid`; it neither sorts nor selects, because the backend has the
 * rows.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Column, leastWidth, useHidden } from "./DataGrid";
import classes from "./grid.module.css";
import { Bone } from "./Notices";

const ROW = 32;
/** The tallest body that web views lay out: a million rows. What lies beyond is reached by narrowing the list. */
const TALLEST = 32_000_000;

/** The table. */
export function PagedGrid<Row>(props: {
  /** Name under which hidden columns are remembered. */
  id: string;
  /** Accessible name. */
  label: string;
  /** How many rows there are. */
  total: number;
  /** Columns. Must be stable between renders. */
  columns: Column<Row>[];
  /** A row that has been read. */
  rowAt: (index: number) => Row | undefined;
  /** Told which rows are in sight. Must be stable between renders. */
  onSight: (first: number, last: number) => void;
  /** Enter or a click. */
  onOpen: (index: number) => void;
  /** The row whose drawer is open. */
  openAt: number | null;
  /** Words when there are no rows. */
  empty: ReactNode;
  /** A name for tests. */
  testId?: string;
}) {
  const gridId = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<number | null>(null);
  const hidden = useHidden(props.id, props.columns);
  const { total, onSight } = props;
  const virtual = useVirtualizer({
    count: Math.min(total, Math.floor(TALLEST / ROW)),
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    scrollPaddingStart: 30 + ROW,
    scrollPaddingEnd: 40,
    initialRect: { width: 1_000, height: 600 },
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => onSight(first, last), [first, last, onSight]);

  const visible = props.columns.filter((column) => !hidden.has(column.id));
  const min = visible.reduce((sum, column) => sum + leastWidth(column.width) + 16, 8);
  const domId = (index: number) => `${gridId}-${String(index)}`;
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 600) / ROW) - 3);
    const at = active ?? -1;
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      Home: 0,
      End: total - 1,
      PageDown: at + page,
      PageUp: at - page,
    };
    const target = steps[event.key];
    if (target !== undefined && total > 0) {
      const index = Math.min(total - 1, Math.max(0, target));
      setActive(index);
      virtual.scrollToIndex(index);
    } else if (event.key === "Enter" && active !== null) props.onOpen(active);
    else if (event.key === "Escape") setActive(null);
    else return;
    event.preventDefault();
  };

  return (
    <div
      className={classes.frame}
      style={{
        ["--cols" as string]: visible.map((column) => column.width).join(" "),
        ["--min" as string]: `${String(min)}px`,
      }}
    >
      <div
        ref={scroller}
        className={classes.scroll}
        role="grid"
        data-testid={props.testId}
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={total + 1}
        aria-colcount={visible.length}
        aria-activedescendant={active !== null && active >= first && active <= last ? domId(active) : undefined}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          if (event.target === event.currentTarget && active === null && total > 0) setActive(props.openAt ?? first);
        }}
      >
        <div className={`${classes.row} ${classes.head}`} role="row" aria-rowindex={1}>
          {visible.map((column) => (
            <div
              key={column.id}
              role="columnheader"
              className={classes.headCell}
              data-align={column.align ?? "left"}
              title={column.title}
            >
              {column.title}
            </div>
          ))}
        </div>
        {total === 0 ? (
          <div role="row">
            <div className={classes.none} role="gridcell">
              {props.empty}
            </div>
          </div>
        ) : (
          <div className={classes.body} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = props.rowAt(item.index);
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself hears Enter for its active row
                <div
                  key={item.key}
                  id={domId(item.index)}
                  role="row"
                  className={`${classes.row} ${classes.dataRow}`}
                  style={{ transform: `translateY(${String(item.start)}px)` }}
                  aria-rowindex={item.index + 2}
                  aria-selected={props.openAt === item.index}
                  aria-busy={row === undefined}
                  data-active={item.index === active}
                  data-selected={props.openAt === item.index}
                  data-link={row !== undefined}
                  data-row={item.index}
                  onClick={() => {
                    setActive(item.index);
                    if (row !== undefined) props.onOpen(item.index);
                  }}
                >
                  {visible.map((column) => (
                    <div key={column.id} className={classes.cell} data-align={column.align ?? "left"} role="gridcell">
                      {row === undefined ? <Bone width="60%" /> : column.cell(row)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

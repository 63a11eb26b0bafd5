/**
 * The one table of the product, for five rows or a hundred thousand. TanStack Table keeps sorting and visibility, TanStack
 * Virtual draws only the rows in sight, and the markup is an ARIA grid with one tab stop: arrows move the active row, Enter
 * opens it, Space selects it, Esc lets go. Rows may be those of a tree: right and left then open and close them, or go in and out.
 * Features describe columns and never touch those libraries.
 */
import { Button, Checkbox, Popover } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/shared/format/useFormat";
import { setPrefs, usePrefs } from "@/shared/prefs/prefs";
import { GridRow, type Hands } from "./GridRow";
import classes from "./grid.module.css";
import { useSettled } from "./settled";

/** What a row is sorted by. `null` is unknown and always sinks to the end. */
export type SortValue = string | number | null;

/** A column. */
export interface Column<Row> {
  /** Its id, for sorting and hiding. */
  id: string;
  /** Its head. */
  title: string;
  /** A CSS track: `120px`, `minmax(160px, 1fr)`. */
  width: string;
  /** Numbers stand right. */
  align?: "left" | "right";
  /** What the column sorts by; without it the head is plain text. */
  sort?: (row: Row) => SortValue;
  /** Whether the first click sorts downwards; numbers do. */
  sortDown?: boolean;
  /** The cell. */
  cell: (row: Row) => ReactNode;
  /** `false` keeps it out of the column chooser. */
  hideable?: boolean;
  /** Hidden until a person chooses it. */
  hidden?: boolean;
}

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
});

const ROW = 32;
/** Rows of the first drawing: from the first in sight on. */
const FIRST = 12;

/** How rows stand in a tree. They are handed over as they are shown: those of closed branches are not among them. */
export interface TreeOf<Row> {
  /** Where a row stands. Must be stable between renders unless a branch was opened or closed. */
  of: (row: Row) => TreePlace;
  /** Opens or closes the branch of a row. */
  onFold: (row: Row, open: boolean) => void;
  /** The order of siblings, which whoever hands the rows over keeps. */
  sorting: SortingState;
  /** Another order was asked for. */
  onSorting: (sorting: SortingState) => void;
}

/** Where a row stands in a tree. */
export interface TreePlace {
  /** From 0. */
  depth: number;
  /** Whether its branch is open; `null` when there is nothing below it. */
  open: boolean | null;
  /** Which of its siblings it is, from 1. */
  at: number;
  /** How many siblings there are. */
  of: number;
  /** Whether no row of the whole tree has anything below it, so that arrows need no room. */
  flat: boolean;
}

/** Everything a grid needs. */
export interface DataGridProps<Row> {
  /** Name under which hidden columns are remembered. */
  id: string;
  /** Accessible name. */
  label: string;
  /** Rows in their natural order, which is the order until a head is clicked. Must be stable between renders. */
  rows: Row[];
  /** Columns. Must be stable between renders. */
  columns: Column<Row>[];
  /** Identity of a row. */
  rowId: (row: Row) => string;
  /** Enter or a click. */
  onOpen?: (row: Row) => void;
  /** The row whose drawer is open. */
  openId?: string | null;
  /** Chosen rows; with it Space and a check column appear. */
  selected?: ReadonlySet<string>;
  /** Changes the choice. */
  onSelect?: (selected: ReadonlySet<string>) => void;
  /** Esc. */
  onEscape?: () => void;
  /** The row of totals: where it stands, and its cells by column. Not in the columns: those stay when the numbers change. */
  totals?: { at: "top" | "bottom"; cells: Readonly<Record<string, ReactNode>> };
  /** Words when there are no rows. */
  empty?: ReactNode;
  /** A name for tests of the whole table. */
  testId?: string;
  /** Further attributes of a row, such as its state, for styles and tests. */
  rowData?: (row: Row) => { [name: `data-${string}`]: string };
  /** Rows of the first drawing, where it stands so low that fewer are in sight. */
  first?: number;
  /** Makes the rows a tree. */
  tree?: TreeOf<Row>;
  /** As tall as its rows instead of filling its parent; for short tables that scroll with the page. */
  auto?: boolean;
}

/** The table. */
export function DataGrid<Row extends object>(props: DataGridProps<Row>) {
  const format = useFormat();
  const { t } = useTranslation("shared");
  const gridId = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [own, setOwn] = useState<SortingState>([]);
  const { tree } = props;
  const sorting = tree?.sorting ?? own;
  const setSorting = tree?.onSorting ?? setOwn;
  const [active, setActive] = useState<string | null>(null);
  const settled = useSettled();
  const hidden = useHidden(props.id, props.columns);

  const definitions = useMemo(
    () =>
      props.columns.map((column) => ({
        id: column.id,
        accessorFn: (row: Row) => column.sort?.(row) ?? undefined,
        enableSorting: column.sort !== undefined,
        sortDescFirst: column.sortDown ?? column.align === "right",
        sortUndefined: "last" as const,
        sortFn: (a: { original: Row }, b: { original: Row }) =>
          compare(column.sort?.(a.original) ?? null, column.sort?.(b.original) ?? null, format.collator),
      })),
    [props.columns, format],
  );
  const table = useTable({
    features,
    data: props.rows,
    columns: definitions,
    getRowId: props.rowId,
    state: {
      sorting,
      columnVisibility: Object.fromEntries(props.columns.map((column) => [column.id, !hidden.has(column.id)])),
    },
    manualSorting: tree !== undefined,
    onSortingChange: (change: SortingState | ((old: SortingState) => SortingState)) =>
      setSorting(typeof change === "function" ? change(sorting) : change),
  });
  const visible = useMemo(() => props.columns.filter((column) => !hidden.has(column.id)), [props.columns, hidden]);
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: props.auto ? rows.length : settled ? 6 : 0,
    scrollPaddingStart: 30 + ROW,
    scrollPaddingEnd: 40,
    initialRect: { width: 1_000, height: 600 },
  });
  const inSight = props.auto
    ? rows.map((_, index) => ({ index, start: index * ROW }))
    : virtual.getVirtualItems().map(({ index, start }) => ({ index, start }));
  const items = settled ? inSight : inSight.slice(0, props.first ?? FIRST);

  const selectable = props.selected !== undefined && props.onSelect !== undefined;
  const tracks = [...(selectable ? ["20px"] : []), ...visible.map((column) => column.width)].join(" ");
  const min = visible.reduce((sum, column) => sum + leastWidth(column.width) + 16, selectable ? 44 : 8);
  const activeIndex = active === null ? -1 : rows.findIndex((row) => row.id === active);
  const domId = (id: string) => `${gridId}-${id}`;
  const toggle = (id: string) => {
    if (!props.selected || !props.onSelect) return;
    const next = new Set(props.selected);
    if (!next.delete(id)) next.add(id);
    props.onSelect(next);
  };
  const newest: Hands<Row> = {
    open: (row, id) => {
      setActive(id);
      props.onOpen?.(row);
    },
    toggle,
    fold: (row, open) => tree?.onFold(row, open),
  };
  const hands = useRef(newest);
  hands.current = newest;
  const today = new Date().toDateString();

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (
      event.target !== event.currentTarget &&
      event.target instanceof HTMLElement &&
      event.target.closest("button, input, a")
    )
      return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 600) / ROW) - 3);
    const steps: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex < 0 ? 0 : activeIndex - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: activeIndex + page,
      PageUp: activeIndex - page,
    };
    const current = rows[activeIndex];
    const place = current ? tree?.of(current.original) : undefined;
    if (place && current && event.key === "ArrowRight") {
      if (place.open === false) tree?.onFold(current.original, true);
      else if (place.open) steps.ArrowRight = activeIndex + 1;
    } else if (place && current && event.key === "ArrowLeft") {
      if (place.open) tree?.onFold(current.original, false);
      else {
        let above = activeIndex - 1;
        while (above > 0 && (tree?.of(rows[above]?.original ?? current.original).depth ?? 0) >= place.depth) above -= 1;
        if (place.depth > 0) steps.ArrowLeft = above;
      }
    }
    const target = steps[event.key];
    if (target !== undefined) {
      const index = Math.min(rows.length - 1, Math.max(0, target));
      const row = rows[index];
      if (row) {
        setActive(row.id);
        if (!props.auto) virtual.scrollToIndex(index);
      }
    } else if (place && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      // A branch was opened or closed, or there is nowhere to go.
    } else if (event.key === "Enter" && current) {
      if (props.onOpen) props.onOpen(current.original);
      else if (place && place.open !== null) tree?.onFold(current.original, !place.open);
    } else if (event.key === " " && current) toggle(current.id);
    else if (event.key === "Escape") {
      if (props.onEscape) props.onEscape();
      else setActive(null);
    } else return;
    event.preventDefault();
  };

  const totals =
    props.totals && rows.length > 0 ? (
      <div
        className={`${classes.row} ${props.totals?.at === "top" ? classes.totalTop : classes.total}`}
        role="row"
        aria-rowindex={props.totals?.at === "top" ? 2 : rows.length + 2}
      >
        {selectable ? <span role="gridcell" /> : null}
        {visible.map((column) => (
          <div key={column.id} className={classes.cell} data-align={column.align ?? "left"} role="gridcell">
            {props.totals?.cells[column.id]}
          </div>
        ))}
      </div>
    ) : null;

  return (
    <div
      className={classes.frame}
      style={{ ["--cols" as string]: tracks, ["--min" as string]: `${min}px` }}
      data-auto={props.auto ?? false}
    >
      <div
        ref={scroller}
        className={classes.scroll}
        role="grid"
        {...(tree ? { role: "treegrid" } : {})}
        data-testid={props.testId}
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={rows.length + (totals ? 2 : 1)}
        aria-colcount={visible.length + (selectable ? 1 : 0)}
        aria-multiselectable={selectable || undefined}
        aria-activedescendant={activeIndex >= 0 && active !== null ? domId(active) : undefined}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          if (event.target === event.currentTarget && activeIndex < 0 && rows[0]) setActive(props.openId ?? rows[0].id);
        }}
      >
        <div className={`${classes.row} ${classes.head}`} role="row" aria-rowindex={1}>
          {selectable ? (
            <div role="columnheader" className={classes.headCell}>
              <Checkbox
                aria-label={t("select_all")}
                checked={rows.length > 0 && props.selected?.size === rows.length}
                indeterminate={(props.selected?.size ?? 0) > 0 && props.selected?.size !== rows.length}
                onChange={(event) =>
                  props.onSelect?.(event.currentTarget.checked ? new Set(rows.map((row) => row.id)) : new Set())
                }
              />
            </div>
          ) : null}
          {visible.map((column) => {
            const order = sorting.find((sort) => sort.id === column.id);
            return (
              <div
                key={column.id}
                role="columnheader"
                className={classes.headCell}
                data-align={column.align ?? "left"}
                aria-sort={order ? (order.desc ? "descending" : "ascending") : column.sort ? "none" : undefined}
              >
                {column.sort ? (
                  <button
                    type="button"
                    className={classes.sort}
                    onClick={() => table.getColumn(column.id)?.toggleSorting()}
                  >
                    {column.title}
                    {order ? (
                      order.desc ? (
                        <IconArrowDown size={12} aria-hidden />
                      ) : (
                        <IconArrowUp size={12} aria-hidden />
                      )
                    ) : null}
                  </button>
                ) : (
                  column.title
                )}
              </div>
            );
          })}
        </div>
        {props.totals?.at === "top" ? totals : null}
        {rows.length === 0 ? (
          <div role="row">
            <div className={classes.none} role="gridcell">
              {props.empty ?? t("nothing_found")}
            </div>
          </div>
        ) : (
          <div
            className={classes.body}
            role="rowgroup"
            style={{ height: props.auto ? rows.length * ROW : virtual.getTotalSize() }}
          >
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              const chosen = props.selected?.has(row.id) ?? props.openId === row.id;
              return (
                <GridRow
                  key={row.id}
                  row={row.original}
                  id={row.id}
                  domId={domId(row.id)}
                  columns={visible}
                  at={item.index + (props.totals?.at === "top" ? 3 : 2)}
                  start={item.start}
                  active={row.id === active}
                  chosen={chosen}
                  checks={selectable}
                  choosable={props.selected !== undefined || props.openId !== undefined}
                  link={props.onOpen !== undefined}
                  place={tree?.of(row.original)}
                  today={today}
                  data={props.rowData?.(row.original)}
                  hands={hands}
                />
              );
            })}
          </div>
        )}
        {props.totals?.at === "bottom" ? totals : null}
      </div>
    </div>
  );
}

/** The least pixels of a track: the first length in it. */
export function leastWidth(track: string): number {
  return Number(/(\d+)px/.exec(track)?.[1] ?? 80);
}

function compare(a: SortValue, b: SortValue, collator: Intl.Collator): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a ?? ""), String(b ?? ""));
}

/** Ids of the columns that are hidden: what a person chose, or what the columns say. */
export function useHidden<Row>(id: string, columns: Column<Row>[]): ReadonlySet<string> {
  const stored = usePrefs().hidden[id];
  return useMemo(
    () => new Set(stored ?? columns.filter((column) => column.hidden).map((column) => column.id)),
    [stored, columns],
  );
}

/** Chooses which columns of a grid are shown; stands in the head of its panel. */
export function ColumnChooser<Row>(props: { id: string; columns: Column<Row>[] }) {
  const { t } = useTranslation("shared");
  const hidden = useHidden(props.id, props.columns);
  const all = usePrefs().hidden;
  return (
    <Popover position="bottom-end" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns3 size={14} stroke={1.8} />}>
          {t("columns")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown style={{ display: "flex", flexDirection: "column", gap: 8, padding: 12 }}>
        {props.columns
          .filter((column) => column.hideable !== false)
          .map((column) => (
            <Checkbox
              key={column.id}
              label={column.title}
              checked={!hidden.has(column.id)}
              onChange={() => {
                const next = new Set(hidden);
                if (!next.delete(column.id)) next.add(column.id);
                setPrefs({ hidden: { ...all, [props.id]: [...next] } });
              }}
            />
          ))}
      </Popover.Dropdown>
    </Popover>
  );
}

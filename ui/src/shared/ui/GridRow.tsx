/**
 * A row of the one table. It is drawn again only when its own record, its own state or the columns change: while fifty connections
 * sync, a list is read again every second, and most of its rows are the same objects as before.
 */
import { Checkbox } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { memo, type RefObject } from "react";
import { useTranslation } from "react-i18next";
import type { Column, TreePlace } from "./DataGrid";
import classes from "./grid.module.css";

/** What a row asks of its table; the newest of it, so that a new function is no reason to draw the row again. */
export interface Hands<Row> {
  /** A click on the row. */
  open: (row: Row, id: string) => void;
  /** Its check box. */
  toggle: (id: string) => void;
  /** The arrow that opens or closes its branch. */
  fold: (row: Row, open: boolean) => void;
}

interface RowProps<Row> {
  row: Row;
  id: string;
  domId: string;
  columns: Column<Row>[];
  /** Its `aria-rowindex`. */
  at: number;
  /** Its place in pixels. */
  start: number;
  active: boolean;
  chosen: boolean;
  /** Whether it has a check box. */
  checks: boolean;
  /** Whether it can be chosen at all, by its box or by being open. */
  choosable: boolean;
  link: boolean;
  /** Where it stands, when the rows are a tree. */
  place: TreePlace | undefined;
  /** Today. A moment is told by its time today and by its day tomorrow, in a window that stays open over night, too. */
  today: string;
  data: { [name: `data-${string}`]: string } | undefined;
  hands: RefObject<Hands<Row>>;
}

function Drawn<Row>(props: RowProps<Row>) {
  const { t } = useTranslation("shared");
  const { row, id, hands, place } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself hears Enter and Space for its active row
    <div
      id={props.domId}
      role="row"
      className={`${classes.row} ${classes.dataRow}`}
      style={{ transform: `translateY(${props.start}px)` }}
      aria-rowindex={props.at}
      aria-level={place ? place.depth + 1 : undefined}
      aria-expanded={place?.open ?? undefined}
      aria-posinset={place?.at}
      aria-setsize={place?.of}
      aria-selected={props.choosable ? props.chosen : undefined}
      data-active={props.active}
      data-selected={props.chosen}
      data-link={props.link}
      data-row={id}
      {...props.data}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest("button, a, input, label")) return;
        hands.current.open(row, id);
      }}
    >
      {props.checks ? (
        <div role="gridcell">
          <Checkbox
            tabIndex={-1}
            aria-label={t("select_row")}
            checked={props.chosen}
            onChange={() => hands.current.toggle(id)}
          />
        </div>
      ) : null}
      {props.columns.map((column, at) => (
        <div key={column.id} className={classes.cell} data-align={column.align ?? "left"} role="gridcell">
          {place && !place.flat && at === 0 ? (
            <span className={classes.branch} style={{ paddingLeft: place.depth * 16 }}>
              {place.open === null ? (
                <i className={classes.leaf} />
              ) : (
                <button
                  type="button"
                  className={classes.fold}
                  tabIndex={-1}
                  aria-label={t(place.open ? "collapse_row" : "expand_row")}
                  data-open={place.open}
                  onClick={() => hands.current.fold(row, !place.open)}
                >
                  <IconChevronRight size={14} aria-hidden />
                </button>
              )}
              {column.cell(row)}
            </span>
          ) : (
            column.cell(row)
          )}
        </div>
      ))}
    </div>
  );
}

/** The row. */
export const GridRow = memo(Drawn, (a, b) =>
  (Object.keys(a) as (keyof typeof a)[]).every((name) =>
    name === "data" ? JSON.stringify(a.data) === JSON.stringify(b.data) : a[name] === b[name],
  ),
) as typeof Drawn;

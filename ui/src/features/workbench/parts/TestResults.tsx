/**
 * What a test read saw, as a builder of connectors needs it: slices at the left; of the chosen one its records, its
 * requests with both sides, and its state. A read that failed shows why, and everything that came before.
 */
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { FieldInfo, TestExchange, TestRead } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { JsonText } from "@/shared/ui/JsonText";
import { Tabs } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { recordColumns } from "@/shared/ui/recordCells";
import classes from "../workbench.module.css";
import { ExchangeView, StatusWord, shortUrl } from "./Exchange";

type Part = "records" | "requests" | "state";

interface Row {
  index: number;
  record: unknown;
}

/** The keys of a slice in one line. */
export function sliceWords(slice: unknown): string {
  if (typeof slice !== "object" || slice === null) return "";
  return Object.entries(slice)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
}

/** The results. */
export function TestResults(props: { of: TestRead; stream: string; connector: string }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  const { of } = props;
  const [chosen, setChosen] = useState(of.slices.length > 0 ? 0 : -1);
  const [part, setPart] = useState<Part>(of.slices.some((slice) => slice.records.length > 0) ? "records" : "requests");
  const slice = of.slices[chosen];
  const records = slice?.records ?? [];
  const exchanges = slice?.exchanges ?? of.before;
  const all = of.slices.reduce((sum, one) => sum + one.records.length, 0);
  return (
    <div className={classes.results} data-testid="test-results">
      {of.failure ? (
        <div className={classes.resultsFault}>
          <ErrorPanel error={of.failure} context={{ connector: props.connector }} />
        </div>
      ) : null}
      <div className={classes.resultsBody}>
        <nav className={classes.slices} aria-label={t("test.slices")}>
          <p>
            {t("test.sum", {
              records: t("records", { count: all, printed: format.count(all) }),
              time: format.duration(of.millis),
            })}
          </p>
          <ul>
            {of.before.length > 0 ? (
              <li>
                <button
                  type="button"
                  aria-current={chosen === -1}
                  onClick={() => {
                    setChosen(-1);
                    setPart("requests");
                  }}
                >
                  <b>{t("test.before")}</b>
                  <small>{t("requests", { count: of.before.length })}</small>
                </button>
              </li>
            ) : null}
            {of.slices.map((one, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: slices have no other identity than their order
              <li key={index}>
                <button type="button" aria-current={chosen === index} onClick={() => setChosen(index)}>
                  <b>{sliceWords(one.slice) || t("test.whole")}</b>
                  <small>
                    {t("records", { count: one.records.length, printed: format.count(one.records.length) })},{" "}
                    {t("requests", { count: one.exchanges.length })}
                  </small>
                </button>
              </li>
            ))}
          </ul>
        </nav>
        <div className={classes.detail}>
          <Tabs
            inset
            label={t("test.parts")}
            active={part}
            onChange={setPart}
            tabs={[
              { id: "records", label: t("test.records"), mark: format.count(records.length) },
              { id: "requests", label: t("test.requests"), mark: format.count(exchanges.length) },
              { id: "state", label: t("test.state") },
            ]}
          />
          {part === "records" ? (
            <Records key={chosen} records={records} fields={of.fields} stream={props.stream} />
          ) : part === "requests" ? (
            <Requests key={chosen} exchanges={exchanges} />
          ) : (
            <div className={classes.pad}>
              <p className={classes.quiet}>{t("test.state_body")}</p>
              <JsonText label={t("test.state")} value={slice?.state ?? of.state} fill />
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

function Records(props: { records: unknown[]; fields: FieldInfo[]; stream: string }) {
  const { t } = useTranslation("workbench");
  const [open, setOpen] = useState<number | null>(null);
  const rows = useMemo<Row[]>(() => props.records.map((record, index) => ({ index, record })), [props.records]);
  const columns = useMemo<Column<Row>[]>(
    () => [
      { id: "#", title: "", width: "34px", align: "right", hideable: false, cell: (row) => row.index + 1 },
      ...recordColumns<Row>(props.fields, (row) => row.record),
    ],
    [props.fields],
  );
  const shown = open === null ? undefined : rows[open];
  return (
    <div className={classes.stack}>
      <DataGrid
        id={`test-${props.stream}`}
        label={t("test.records")}
        rows={rows}
        columns={columns}
        rowId={(row) => String(row.index)}
        openId={open === null ? null : String(open)}
        onOpen={(row) => setOpen(row.index)}
        empty={t("test.no_records")}
        testId="test-records"
      />
      {shown ? (
        <div className={classes.below}>
          <JsonText label={t("test.record", { number: shown.index + 1 })} value={shown.record} fill />
        </div>
      ) : null}
    </div>
  );
}

function Requests(props: { exchanges: TestExchange[] }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  // What went wrong is what a person looks for: the first answer that was refused stands open.
  const [open, setOpen] = useState(() =>
    Math.max(
      0,
      props.exchanges.findIndex((one) => one.status === null || one.status >= 400),
    ),
  );
  const shown = props.exchanges[open];
  if (!shown) return <p className={classes.none}>{t("test.no_requests")}</p>;
  return (
    <div className={classes.requests}>
      <ol className={classes.pages}>
        {props.exchanges.map((one, index) => (
          <li key={`${one.at} ${one.url} ${String(index)}`}>
            <button type="button" aria-current={open === index} onClick={() => setOpen(index)}>
              <StatusWord of={one} />
              <span title={one.url}>
                {one.method} {shortUrl(one.url)}
              </span>
              <small>{format.duration(one.millis)}</small>
            </button>
          </li>
        ))}
      </ol>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className={classes.exchangeScroll} tabIndex={0} data-scrolls aria-label={t("test.exchange")}>
        <ExchangeView of={shown} />
      </section>
    </div>
  );
}

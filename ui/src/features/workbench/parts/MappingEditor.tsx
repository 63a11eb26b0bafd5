/**
 * Where the streams of a connector go: into one of our tables, field by field, or kept as records. What the fields become is
 * shown at once on the records of the last test read, made by the same code that a sync uses.
 */
import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconTestPipe } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type {
  MappingFieldInfo,
  MappingPreview,
  MappingTable,
  MappingTableInfo,
  ObjectStatus,
  PreviewObject,
  PreviewStat,
  QuarantineRow,
  StreamMapping,
  StreamReport,
  TestRead,
} from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { Count, DateText, Money } from "@/shared/ui/Figures";
import { Tabs } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { placed } from "../logic/inspection";
import {
  levels,
  mappingOf,
  mappingText,
  pathsOf,
  sentTo,
  statuses,
  valuesAt,
  withField,
  withMapping,
} from "../logic/mapping";
import classes from "../workbench.module.css";
import { CodeEditor, type Mark } from "./CodeEditor";
import { Problems } from "./Problems";

const RECORDS = "records";
const SAMPLES = 3;
const WORDS = 12;
const PREVIEWED = 200;
const PAUSE_MS = 250;

/** The editor. The text is the truth; `mappings` are what the backend reads in it. */
export function MappingEditor(props: {
  streams: StreamReport[];
  tables: MappingTableInfo[];
  mappings: StreamMapping[];
  text: string;
  marks: Mark[];
  stream: string | null;
  onStream: (stream: string) => void;
  onChange: (mappings: StreamMapping[]) => void;
  onText: (text: string) => void;
  results: ReadonlyMap<string, TestRead>;
  onTest: (stream: string) => void;
}) {
  const { t } = useTranslation("workbench");
  const { t: shared } = useTranslation("shared");
  const [asText, setAsText] = useState(false);
  const stream = props.streams.find((one) => one.name === props.stream) ?? props.streams[0];
  const mapping = stream ? mappingOf(props.mappings, stream.name) : null;
  const result = stream ? props.results.get(stream.name) : undefined;
  if (!stream) return <p className={classes.none}>{t("no_streams")}</p>;
  const change = (next: StreamMapping | null) => props.onChange(withMapping(props.mappings, stream.name, next));
  return (
    <div className={classes.mapping}>
      <nav className={classes.slices} aria-label={t("streams")}>
        <ul>
          {props.streams.map((one) => {
            const to = mappingOf(props.mappings, one.name);
            return (
              <li key={one.name}>
                <button
                  type="button"
                  aria-current={one.name === stream.name && !asText}
                  onClick={() => {
                    setAsText(false);
                    props.onStream(one.name);
                  }}
                >
                  <b title={one.name}>{one.name}</b>
                  <small>{to ? `${t(`table.${to.to}`)}, ${shared(`level.${to.level}`)}` : t("map.kept")}</small>
                </button>
              </li>
            );
          })}
        </ul>
        <button type="button" className={classes.asText} aria-current={asText} onClick={() => setAsText(true)}>
          {t("map.text")}
        </button>
      </nav>
      {asText ? (
        <div className={classes.detail}>
          <CodeEditor label={t("file.mapping")} value={props.text} marks={props.marks} onChange={props.onText} />
        </div>
      ) : (
        <>
          <section
            className={classes.fields}
            aria-label={t("map.fields", { stream: stream.name })}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
            tabIndex={0}
            data-scrolls
          >
            <Fields
              key={stream.name}
              stream={stream}
              tables={props.tables}
              mapping={mapping}
              result={result}
              onChange={change}
            />
          </section>
          <section className={classes.preview} aria-label={t("map.preview")}>
            {!mapping ? (
              <EmptyState icon={IconTestPipe} title={t("map.kept_title")}>
                {t("map.kept_body")}
              </EmptyState>
            ) : !result || result.slices.every((slice) => slice.records.length === 0) ? (
              <EmptyState
                icon={IconTestPipe}
                title={t("map.no_sample")}
                action={<Button onClick={() => props.onTest(stream.name)}>{t("map.test")}</Button>}
              >
                {t("map.no_sample_body")}
              </EmptyState>
            ) : (
              <Preview mapping={mapping} result={result} />
            )}
          </section>
        </>
      )}
    </div>
  );
}

function Fields(props: {
  stream: StreamReport;
  tables: MappingTableInfo[];
  mapping: StreamMapping | null;
  result: TestRead | undefined;
  onChange: (next: StreamMapping | null) => void;
}) {
  const { t } = useTranslation("workbench");
  const { t: shared } = useTranslation("shared");
  const { stream, tables, mapping, result, onChange } = props;
  const records = useMemo(() => (result?.slices ?? []).flatMap((slice) => slice.records), [result]);
  const paths = useMemo(() => pathsOf(result?.fields ?? [], stream.fields, mapping), [result, stream, mapping]);
  const table = tables.find((one) => one.table === mapping?.to);
  const send = (to: MappingTable) => {
    const names = new Set(tables.find((one) => one.table === to)?.fields.map((field) => field.name) ?? []);
    onChange(sentTo(mapping, stream.name, to, names));
  };
  return (
    <div className={classes.form}>
      <div className={classes.pair}>
        <Select
          label={t("map.to")}
          data={[
            { value: RECORDS, label: t("map.keep") },
            ...tables.map((one) => ({ value: one.table, label: t(`table.${one.table}`) })),
          ]}
          value={mapping?.to ?? RECORDS}
          onChange={(value) => {
            const to = tables.find((one) => one.table === value)?.table;
            if (to) send(to);
            else onChange(null);
          }}
          allowDeselect={false}
        />
        {mapping ? (
          <Select
            label={t("map.level")}
            data={levels.map((level) => ({ value: level, label: shared(`level.${level}`) }))}
            value={mapping.level}
            onChange={(value) => {
              const level = levels.find((one) => one === value);
              if (level) onChange({ ...mapping, level });
            }}
            allowDeselect={false}
          />
        ) : null}
      </div>
      {mapping && table ? (
        <>
          {table.fields.map((field) => (
            <FieldRow
              key={field.name}
              field={field}
              mapping={mapping}
              paths={paths}
              records={records}
              onChange={onChange}
            />
          ))}
          {mapping.to === "ad_objects" ? (
            <Status mapping={mapping} paths={paths} records={records} onChange={onChange} />
          ) : (
            <Breakdown mapping={mapping} paths={paths} onChange={onChange} />
          )}
        </>
      ) : null}
    </div>
  );
}

/** A choice of a path, with a way to type one that no record had. */
function PathSelect(props: {
  label: string;
  required?: boolean;
  paths: string[];
  value: string | null;
  description?: string | undefined;
  onChange: (path: string | null) => void;
}) {
  const { t } = useTranslation("workbench");
  const [typed, setTyped] = useState("");
  const data = typed !== "" && !props.paths.includes(typed) ? [...props.paths, typed] : props.paths;
  return (
    <Select
      label={props.label}
      description={props.description}
      inputWrapperOrder={["label", "input", "description", "error"]}
      withAsterisk={props.required ?? false}
      placeholder={t("map.nothing")}
      searchable
      clearable={!props.required}
      nothingFoundMessage={t("map.no_path")}
      data={data}
      value={props.value}
      classNames={{ input: classes.path }}
      onSearchChange={(text) => setTyped(text.trim())}
      onChange={props.onChange}
    />
  );
}

function FieldRow(props: {
  field: MappingFieldInfo;
  mapping: StreamMapping;
  paths: string[];
  records: unknown[];
  onChange: (next: StreamMapping) => void;
}) {
  const { t } = useTranslation("workbench");
  const { field, mapping } = props;
  const path = mapping.fields[field.name] ?? null;
  const samples = path ? valuesAt(props.records, path, SAMPLES) : [];
  return (
    <PathSelect
      label={t(`field.${field.field}`)}
      required={field.required}
      paths={props.paths}
      value={path}
      description={
        samples.length > 0 ? samples.join("  ·  ") : path && props.records.length > 0 ? t("map.empty_path") : undefined
      }
      onChange={(next) => props.onChange(withField(mapping, field.name, next))}
    />
  );
}

/** Where the state of an ad object stands, and what each word seen there means. */
function Status(props: {
  mapping: StreamMapping;
  paths: string[];
  records: unknown[];
  onChange: (next: StreamMapping) => void;
}) {
  const { t } = useTranslation("workbench");
  const { mapping, onChange } = props;
  const { status } = mapping;
  const words = status
    ? [...new Set([...Object.keys(status.words), ...valuesAt(props.records, status.from, WORDS)])]
    : [];
  const mean = (word: string, meaning: ObjectStatus | null) => {
    if (!status) return;
    const { [word]: _, ...rest } = status.words;
    onChange({ ...mapping, status: { ...status, words: meaning ? { ...status.words, [word]: meaning } : rest } });
  };
  return (
    <>
      <PathSelect
        label={t("map.status")}
        paths={props.paths}
        value={status?.from ?? null}
        onChange={(from) => onChange({ ...mapping, status: from ? { from, words: status?.words ?? {} } : null })}
      />
      {words.length > 0 ? (
        <fieldset className={classes.words}>
          <legend>{t("map.words")}</legend>
          {words.map((word) => (
            <Select
              key={word}
              label={word}
              size="xs"
              clearable
              placeholder={t("status.unknown")}
              data={statuses.map((one) => ({ value: one, label: t(`status.${one}`) }))}
              value={status?.words[word] ?? null}
              onChange={(value) => mean(word, statuses.find((one) => one === value) ?? null)}
            />
          ))}
        </fieldset>
      ) : null}
    </>
  );
}

/** By what rows are split, if they are. */
function Breakdown(props: { mapping: StreamMapping; paths: string[]; onChange: (next: StreamMapping) => void }) {
  const { t } = useTranslation("workbench");
  const { mapping, onChange } = props;
  const { breakdown } = mapping;
  return (
    <>
      <PathSelect
        label={t("map.breakdown")}
        paths={props.paths}
        value={breakdown?.from ?? null}
        onChange={(from) =>
          onChange({
            ...mapping,
            breakdown: from ? { from, kind: breakdown?.kind ?? from.replaceAll(".", "_") } : null,
          })
        }
      />
      {breakdown ? (
        <TextInput
          label={t("map.breakdown_kind")}
          value={breakdown.kind}
          onChange={(event) => onChange({ ...mapping, breakdown: { ...breakdown, kind: event.currentTarget.value } })}
        />
      ) : null}
    </>
  );
}

/** What the mapping makes of the records that were read. */
function Preview(props: { mapping: StreamMapping; result: TestRead }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  const { currency } = useStatus();
  const [part, setPart] = useState<"rows" | "rejected">("rows");
  const records = useMemo(
    () => props.result.slices.flatMap((slice) => slice.records).slice(0, PREVIEWED),
    [props.result],
  );
  const [mapping] = useDebouncedValue(mappingText([props.mapping]), PAUSE_MS);
  const read = useRead(
    "mapping_preview",
    { mapping, stream: props.mapping.stream, records, currency, vat: "unknown" },
    { keep: true },
  );
  if (read.isError) return <ErrorPanel error={read.error} onAction={() => read.refetch()} />;
  if (!read.data) return <BoneRows rows={8} />;
  const { stats, objects, rejected, problems } = read.data;
  const rows = stats.length + objects.length;
  return (
    <div className={classes.stack} data-testid="mapping-preview">
      {problems.length > 0 ? (
        <Problems of={placed(problems, "", mapping).map((one) => ({ ...one, line: null }))} />
      ) : (
        <>
          <Tabs
            inset
            label={t("map.preview")}
            active={part}
            onChange={setPart}
            tabs={[
              { id: "rows", label: t("map.rows"), mark: format.count(rows) },
              { id: "rejected", label: t("map.rejected"), mark: format.count(rejected.length) },
            ]}
          />
          <p className={classes.note}>
            {t("map.of_records", { count: records.length, printed: format.count(records.length) })}
          </p>
          {part === "rows" ? <Rows of={read.data} table={props.mapping.to} /> : <Rejected rows={rejected} />}
        </>
      )}
    </div>
  );
}

type Numbered<T> = T & { index: number };
const numbered = <T extends object>(rows: T[]): Numbered<T>[] => rows.map((row, index) => ({ ...row, index }));

function Rows(props: { of: MappingPreview; table: MappingTable }) {
  const { t } = useTranslation("workbench");
  const stats = useMemo(() => numbered(props.of.stats), [props.of]);
  const objects = useMemo(() => numbered(props.of.objects), [props.of]);
  const statColumns = useMemo<Column<Numbered<PreviewStat>>[]>(() => {
    const split = props.of.stats.some((row) => row.breakdown !== "");
    return [
      { id: "date", title: t("field.date"), width: "86px", cell: (row) => <DateText day={row.date} /> },
      {
        id: "id",
        title: t("field.external_id"),
        width: "minmax(96px, 1fr)",
        cell: (row) => <code>{row.external_id}</code>,
      },
      ...(split
        ? [
            {
              id: "split",
              title: t("map.breakdown"),
              width: "minmax(90px, 1fr)",
              cell: (row: PreviewStat) => row.breakdown,
            },
          ]
        : []),
      {
        id: "shows",
        title: t("field.impressions"),
        width: "78px",
        align: "right",
        cell: (row) => <Count value={row.impressions} />,
      },
      {
        id: "clicks",
        title: t("field.clicks"),
        width: "64px",
        align: "right",
        cell: (row) => <Count value={row.clicks} />,
      },
      {
        id: "cost",
        title: t("field.cost"),
        width: "104px",
        align: "right",
        cell: (row) => <Money micros={row.cost} currency={row.currency} />,
      },
      {
        id: "goals",
        title: t("field.conversions"),
        width: "84px",
        align: "right",
        cell: (row) => <Micros value={row.conversions} />,
      },
      {
        id: "revenue",
        title: t("field.revenue"),
        width: "104px",
        align: "right",
        cell: (row) => <Money micros={row.revenue} currency={row.currency} />,
      },
    ];
  }, [t, props.of]);
  const objectColumns = useMemo<Column<Numbered<PreviewObject>>[]>(
    () => [
      {
        id: "id",
        title: t("field.external_id"),
        width: "minmax(90px, 0.6fr)",
        cell: (row) => <code>{row.external_id}</code>,
      },
      { id: "name", title: t("field.name"), width: "minmax(140px, 1.4fr)", cell: (row) => row.name },
      {
        id: "parent",
        title: t("field.parent"),
        width: "minmax(90px, 0.6fr)",
        cell: (row) => <code>{row.parent_external_id}</code>,
      },
      { id: "status", title: t("map.status"), width: "110px", cell: (row) => t(`status.${row.status}`) },
    ],
    [t],
  );
  return props.table === "campaign_stats" ? (
    <DataGrid
      id="preview-stats"
      label={t("map.rows")}
      rows={stats}
      columns={statColumns}
      rowId={(row) => String(row.index)}
      empty={t("map.no_rows")}
    />
  ) : (
    <DataGrid
      id="preview-objects"
      label={t("map.rows")}
      rows={objects}
      columns={objectColumns}
      rowId={(row) => String(row.index)}
      empty={t("map.no_rows")}
    />
  );
}

function Micros(props: { value: number | null }) {
  const format = useFormat();
  return props.value === null ? null : <data value={props.value}>{format.countMicros(props.value)}</data>;
}

function Rejected(props: { rows: QuarantineRow[] }) {
  const { t } = useTranslation("workbench");
  const rows = useMemo(() => numbered(props.rows), [props.rows]);
  const columns = useMemo<Column<Numbered<QuarantineRow>>[]>(
    () => [
      {
        id: "reason",
        title: t("map.reason"),
        width: "minmax(190px, 1.2fr)",
        cell: (row) => t(`reject.${row.reason}`, { field: row.field }),
      },
      { id: "value", title: t("map.value"), width: "minmax(90px, 0.8fr)", cell: (row) => <code>{row.value}</code> },
      {
        id: "raw",
        title: t("map.record"),
        width: "minmax(140px, 1.4fr)",
        cell: (row) => <code title={row.raw}>{row.raw}</code>,
      },
    ],
    [t],
  );
  return (
    <DataGrid
      id="preview-rejected"
      label={t("map.rejected")}
      rows={rows}
      columns={columns}
      rowId={(row) => String(row.index)}
      empty={t("map.none_rejected")}
    />
  );
}

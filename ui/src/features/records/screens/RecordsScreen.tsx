/**
 * Records that a connection keeps as they come: its streams at the left, the records of one as a table of any length, a
 * search in all fields or in one, a record in full at the right, and the way out as CSV or JSON.
 */
import { ActionIcon, Button, Menu, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowLeft, IconDatabase, IconDownload, IconRefresh, IconSearch } from "@tabler/icons-react";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionRow, RecordFilter, RecordRow, RecordStream } from "@/gen/contract";
import { currentHost } from "@/host/current";
import { toCallError } from "@/host/host";
import { useFormat } from "@/shared/format/useFormat";
import { useRead, useReadWindow } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { usePathPart, useQueryWord } from "@/shared/ui/address";
import { type Column, ColumnChooser } from "@/shared/ui/DataGrid";
import { JsonText } from "@/shared/ui/JsonText";
import { Drawer, PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { PagedGrid } from "@/shared/ui/PagedGrid";
import { recordColumns, topFields } from "@/shared/ui/recordCells";
import { say } from "@/shared/ui/saying";
import { useScreenSync, useSyncHere } from "@/shared/ui/screenSync";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../records.module.css";

const PAGE = 100;
const PAUSE_MS = 250;
const ANY = "";

/** The screen. */
export function RecordsScreen() {
  const { t } = useTranslation("records");
  const go = useGo();
  const id = usePathPart("connection");
  const [word, setWord] = useQueryWord("stream");
  const connection = useRead("connection_get", { id });
  const streams = useRead("record_streams", { id });
  useScreenSync(null, id);
  const error = connection.error ?? streams.error;
  const head = (
    <ActionIcon aria-label={t("back")} onClick={() => go(links.connection(id))}>
      <IconArrowLeft size={17} />
    </ActionIcon>
  );
  if (error || !connection.data || !streams.data) {
    return (
      <Screen>
        <PageHead title={t("title")} before={head} />
        {error ? (
          <ErrorPanel
            error={error}
            onAction={() => {
              if (error.api.code === "not_found") go(links.integrations());
              else {
                connection.refetch();
                streams.refetch();
              }
            }}
          />
        ) : (
          <Panel>
            <BoneRows rows={12} />
          </Panel>
        )}
      </Screen>
    );
  }
  const row = connection.data.connection;
  const stream =
    streams.data.find((one) => one.stream === word) ?? streams.data.find((one) => one.count > 0) ?? streams.data[0];
  if (!stream) {
    return (
      <Screen>
        <Head connection={row} before={head} />
        <Panel>
          <EmptyState icon={IconDatabase} title={t("no_streams")}>
            {t("no_streams_body")}
          </EmptyState>
        </Panel>
      </Screen>
    );
  }
  return (
    <Stream
      key={stream.stream}
      connection={row}
      streams={streams.data}
      stream={stream}
      before={head}
      onStream={(name) => setWord(name, { replace: true })}
    />
  );
}

function Head(props: { connection: ConnectionRow; before: ReactNode; children?: ReactNode }) {
  const { t } = useTranslation("records");
  const systems = useSystems();
  const { connection } = props;
  return (
    <PageHead
      title={t("title")}
      answer={t("answer", {
        system: systems.name(connection.connector),
        client: connection.client_name,
        account: connection.account_name,
      })}
      before={
        <>
          {props.before}
          <SystemTile connector={connection.connector} size={24} />
        </>
      }
    >
      {props.children}
    </PageHead>
  );
}

function Stream(props: {
  connection: ConnectionRow;
  streams: RecordStream[];
  stream: RecordStream;
  before: ReactNode;
  onStream: (name: string) => void;
}) {
  const { t } = useTranslation("records");
  const format = useFormat();
  const sync = useSyncHere();
  const { connection, stream } = props;
  const [typed, setTyped] = useState("");
  const [field, setField] = useState(ANY);
  const [open, setOpen] = useState<number | null>(null);
  const [text] = useDebouncedValue(typed.trim(), PAUSE_MS);
  const filter = useMemo<RecordFilter>(
    () => ({
      connection_id: connection.id,
      stream: stream.stream,
      text: text === "" ? null : text,
      field: text === "" || field === ANY ? null : field,
    }),
    [connection.id, stream.stream, text, field],
  );
  const request = useCallback((page: number) => ({ filter, after: null, skip: page * PAGE, limit: PAGE }), [filter]);
  const list = useReadWindow("records_list", request, PAGE);
  const total = list.head?.total ?? 0;
  const rowAt = (index: number): RecordRow | undefined => list.pageOf(index)?.records[index % PAGE];
  const known = list.head?.fields;
  const fields = useMemo(() => topFields(stream.fields.length > 0 ? stream.fields : (known ?? [])), [stream, known]);
  const columns = useMemo<Column<RecordRow>[]>(
    () => [
      {
        id: "#",
        title: t("number"),
        width: "64px",
        align: "right",
        hideable: false,
        cell: (row) => <data value={row.number}>{format.count(row.number)}</data>,
      },
      ...recordColumns<RecordRow>(fields, (row) => row.data),
    ],
    [fields, format, t],
  );
  const grid = `records-${connection.connector}-${stream.stream}`;
  const shown = open === null ? undefined : rowAt(open);
  const error = list.error;
  const save = (kind: "csv" | "json") =>
    currentHost()
      .call("records_export", { filter, kind })
      .then((file) => {
        currentHost().saveFile(file);
        say(t("exported", { name: file.name }));
      })
      .catch((cause: unknown) => say(toCallError(cause)));

  return (
    <Screen
      fill
      drawer={
        shown && open !== null ? (
          <Drawer
            title={t("record", { number: format.count(shown.number) })}
            subtitle={t("read_at", { at: format.instant(shown.read_at) })}
            onClose={() => setOpen(null)}
            onPrevious={open > 0 && rowAt(open - 1) ? () => setOpen(open - 1) : undefined}
            onNext={open < total - 1 && rowAt(open + 1) ? () => setOpen(open + 1) : undefined}
          >
            <div className={classes.record}>
              <JsonText label={t("record", { number: format.count(shown.number) })} value={shown.data} fill />
            </div>
          </Drawer>
        ) : undefined
      }
    >
      <Head connection={connection} before={props.before}>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<IconDownload size={14} />} disabled={total === 0}>
              {t("export")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => save("csv")}>{t("export_csv")}</Menu.Item>
            <Menu.Item onClick={() => save("json")}>{t("export_json")}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Head>
      <div className={classes.split}>
        <nav className={classes.streams} aria-label={t("streams")}>
          <ul>
            {props.streams.map((one) => (
              <li key={one.stream}>
                <button
                  type="button"
                  aria-current={one.stream === stream.stream}
                  title={one.stream}
                  onClick={() => props.onStream(one.stream)}
                >
                  <b>{one.stream}</b>
                  <data value={one.count}>{format.count(one.count)}</data>
                </button>
              </li>
            ))}
          </ul>
        </nav>
        <Panel
          grow
          title={stream.stream}
          count={
            list.head
              ? text === ""
                ? t("count", { count: total, printed: format.count(total) })
                : t("found", { count: total, printed: format.count(total) })
              : ""
          }
          tools={
            <>
              <TextInput
                size="xs"
                w={190}
                placeholder={t("find")}
                aria-label={t("find")}
                leftSection={<IconSearch size={13} />}
                value={typed}
                onChange={(event) => {
                  setTyped(event.currentTarget.value);
                  setOpen(null);
                }}
              />
              <Select
                size="xs"
                w={150}
                aria-label={t("field")}
                searchable={fields.length > 8}
                data={[
                  { value: ANY, label: t("any_field") },
                  ...(stream.fields.length > 0 ? stream.fields : (known ?? [])).map((one) => ({
                    value: one.path,
                    label: one.path,
                  })),
                ]}
                value={field}
                onChange={(value) => setField(value ?? ANY)}
                allowDeselect={false}
              />
              <ColumnChooser id={grid} columns={columns} />
            </>
          }
        >
          {error ? (
            <div className={classes.fault}>
              <ErrorPanel
                error={error}
                onAction={() => {
                  list.again();
                }}
              />
            </div>
          ) : !list.head ? (
            <BoneRows rows={12} />
          ) : total === 0 && text === "" ? (
            <EmptyState
              icon={IconDatabase}
              title={t("none")}
              action={
                connection.state === "active" && connection.running === null ? (
                  <Button
                    variant="default"
                    leftSection={<IconRefresh size={14} />}
                    loading={sync.pending}
                    onClick={() =>
                      sync.start({ connection_id: connection.id, client_id: null, range: null, streams: null })
                    }
                  >
                    {t("sync")}
                  </Button>
                ) : null
              }
            >
              {t("none_body")}
            </EmptyState>
          ) : (
            <PagedGrid
              key={`${text} ${field}`}
              id={grid}
              label={stream.stream}
              total={total}
              columns={columns}
              rowAt={rowAt}
              onSight={list.onSight}
              onOpen={setOpen}
              openAt={open}
              empty={t("not_found")}
              testId="records"
            />
          )}
        </Panel>
      </div>
    </Screen>
  );
}

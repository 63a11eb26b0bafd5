/**
 * Rows of a connection that could not be understood and whose days were not read well since: by reason, of any number, each
 * as it came, the way out as a file, and one button that collects their days again.
 */
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconArrowLeft, IconDownload, IconRefresh, IconShieldCheck } from "@tabler/icons-react";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { OpenQuarantineRow, RejectReason } from "@/gen/contract";
import { currentHost } from "@/host/current";
import { toCallError } from "@/host/host";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead, useReadWindow } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { usePathPart } from "@/shared/ui/address";
import type { Column } from "@/shared/ui/DataGrid";
import { Chips, Drawer, Facts, PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { Banner, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { PagedGrid } from "@/shared/ui/PagedGrid";
import { say } from "@/shared/ui/saying";
import { useScreenSync } from "@/shared/ui/screenSync";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../answers.module.css";

const PAGE = 100;

/** The screen. */
export function QuarantineScreen() {
  const { t } = useTranslation("answers");
  const go = useGo();
  const format = useFormat();
  const systems = useSystems();
  const id = usePathPart("connection");
  useScreenSync(null, id);
  const [reason, setReason] = useState<RejectReason | "all">("all");
  const [open, setOpen] = useState<number | null>(null);
  const retry = useChange("quarantine_retry");
  const connection = useRead("connection_get", { id });
  const wanted = reason === "all" ? null : reason;
  const request = useCallback(
    (page: number) => ({ connection_id: id, reason: wanted, skip: page * PAGE, limit: PAGE }),
    [id, wanted],
  );
  const list = useReadWindow("quarantine_open", request, PAGE);
  const rowAt = (index: number): OpenQuarantineRow | undefined => list.pageOf(index)?.rows[index % PAGE];
  const columns = useMemo<Column<OpenQuarantineRow>[]>(
    () => [
      {
        id: "date",
        title: t("column.date"),
        width: "96px",
        cell: ({ row }) => (row.date ? format.day(row.date) : t("no_day")),
      },
      {
        id: "reason",
        title: t("column.reason"),
        width: "minmax(200px, 2fr)",
        cell: ({ row }) => t(`reject.${row.reason}`, { field: row.field }),
      },
      {
        id: "value",
        title: t("column.value"),
        width: "minmax(120px, 1fr)",
        cell: ({ row }) => <code>{row.value}</code>,
      },
      { id: "stream", title: t("column.stream"), width: "150px", cell: ({ row }) => row.stream },
      { id: "found", title: t("column.found"), width: "150px", cell: (open) => format.moment(open.found_at) },
    ],
    [format, t],
  );
  const row = connection.data?.connection;
  const total = list.head?.total ?? 0;
  const everything = (list.head?.reasons ?? []).reduce((sum, one) => sum + one.count, 0);
  const shown = open === null ? undefined : rowAt(open);
  const error = connection.error ?? list.error;
  const save = (kind: "csv" | "json") =>
    currentHost()
      .call("quarantine_export", { connection_id: id, reason: wanted, kind })
      .then((file) => {
        currentHost().saveFile(file);
        say(t("exported", { name: file.name }));
      })
      .catch((cause: unknown) => say(toCallError(cause)));
  const canRetry =
    row !== undefined && !systems.byFile(row.connector) && row.state === "active" && row.running === null;
  return (
    <Screen
      fill
      drawer={
        shown && open !== null ? (
          <Drawer
            title={t(`reject.${shown.row.reason}`, { field: shown.row.field })}
            subtitle={shown.row.date ? format.dayLong(shown.row.date) : t("no_day")}
            onClose={() => setOpen(null)}
            onPrevious={open > 0 && rowAt(open - 1) ? () => setOpen(open - 1) : undefined}
            onNext={open < total - 1 && rowAt(open + 1) ? () => setOpen(open + 1) : undefined}
          >
            <div className={classes.record}>
              <Facts
                facts={[
                  [t("column.value"), <code key="value">{shown.row.value || t("nothing")}</code>],
                  [t("column.stream"), shown.row.stream],
                  [
                    t("column.found"),
                    <AppLink key="run" to={links.run(shown.run_id)}>
                      {format.instant(shown.found_at)}
                    </AppLink>,
                  ],
                ]}
              />
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
              <section tabIndex={0} aria-label={t("as_it_came")}>
                <pre>{shown.row.raw || t("nothing")}</pre>
              </section>
            </div>
          </Drawer>
        ) : undefined
      }
    >
      <PageHead
        title={t("quarantine")}
        answer={
          row
            ? t("whose_system", {
                system: systems.name(row.connector),
                client: row.client_name,
                account: row.account_name,
              })
            : undefined
        }
        before={
          <>
            <ActionIcon aria-label={t("back")} onClick={() => go(links.connection(id))}>
              <IconArrowLeft size={17} />
            </ActionIcon>
            {row ? <SystemTile connector={row.connector} size={24} /> : null}
          </>
        }
      >
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<IconDownload size={14} />} disabled={total === 0}>
              {t("export")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => save("csv")}>{t("export_csv")}</Menu.Item>
            <Menu.Item onClick={() => save("json")}>{t("export_jsonl")}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button
          leftSection={<IconRefresh size={14} />}
          disabled={!canRetry || everything === 0}
          loading={retry.isPending}
          onClick={() => retry.mutate({ id }, { onSuccess: () => say(t("retrying")) })}
        >
          {t("retry")}
        </Button>
      </PageHead>
      {retry.error ? <ErrorPanel error={retry.error} /> : null}
      {everything > 0 ? (
        <Banner tone="watch" fact={t("lacking")}>
          {t("lacking_body")}
        </Banner>
      ) : null}
      <Panel
        grow
        title={t("rows")}
        count={list.head ? t("count", { count: total, printed: format.count(total) }) : ""}
        tools={
          (list.head?.reasons.length ?? 0) > 1 ? (
            <Chips
              label={t("by_reason")}
              active={reason}
              onChange={(next) => {
                setReason(next);
                setOpen(null);
              }}
              options={[
                { id: "all" as const, label: t("all"), count: format.count(everything) },
                ...(list.head?.reasons ?? []).map((one) => ({
                  id: one.reason,
                  label: t(`reason.${one.reason}`),
                  count: format.count(one.count),
                })),
              ]}
            />
          ) : null
        }
      >
        {error ? (
          <div className={classes.fault}>
            <ErrorPanel
              error={error}
              onAction={() => {
                if (error.api.code === "not_found") go(links.integrations());
                else {
                  connection.refetch();
                  list.again();
                }
              }}
            />
          </div>
        ) : !list.head ? (
          <BoneRows rows={12} />
        ) : everything === 0 ? (
          <EmptyState icon={IconShieldCheck} title={t("clean")}>
            {t("clean_body")}
          </EmptyState>
        ) : (
          <PagedGrid
            key={reason}
            id="quarantine"
            label={t("rows")}
            total={total}
            columns={columns}
            rowAt={rowAt}
            onSight={list.onSight}
            onOpen={setOpen}
            openAt={open}
            empty={t("clean")}
            testId="quarantine"
          />
        )}
      </Panel>
    </Screen>
  );
}

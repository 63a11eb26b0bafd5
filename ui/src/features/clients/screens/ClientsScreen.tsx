/** All clients: what they spend, what is connected, whether a person is needed. */
import { Button, TextInput } from "@mantine/core";
import { IconFilter, IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow, Health } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { type Column, ColumnChooser, DataGrid } from "@/shared/ui/DataGrid";
import { Count, DateText, InstantText, Money } from "@/shared/ui/Figures";
import kit from "@/shared/ui/kit.module.css";
import { PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { HealthBadge } from "@/shared/ui/States";
import { ClientTile, SystemTile } from "@/shared/ui/Tiles";
import { ClientForm } from "../parts/ClientForm";
import classes from "./clients.module.css";

const GRID = "clients";
const order: Record<Health, number> = { act: 0, watch: 1, good: 2, off: 3 };

/** The list. */
export function ClientsScreen() {
  const { t } = useTranslation("clients");
  const format = useFormat();
  const go = useGo();
  const clients = useRead("clients_list", {});
  const [adding, setAdding] = useQueryWord("new");
  const [query, setQuery] = useState("");
  const columns = useColumns();
  const rows = useMemo(() => {
    const needle = query.trim().toLocaleLowerCase();
    return [...(clients.data ?? [])]
      .filter((client) => client.name.toLocaleLowerCase().includes(needle))
      .sort((a, b) => order[a.health] - order[b.health] || format.collator.compare(a.name, b.name));
  }, [clients.data, query, format]);
  const count = clients.data?.length ?? 0;
  const act = clients.data?.filter((client) => client.health === "act").length ?? 0;
  const need = t("need_person", { count: act });
  const add = (
    <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding("1")}>
      {t("add")}
    </Button>
  );
  return (
    <Screen fill>
      <PageHead
        title={t("title")}
        answer={count > 0 ? (act > 0 ? t("answer", { count, need }) : t("answer_good", { count })) : null}
      >
        {count > 0 ? add : null}
      </PageHead>
      {clients.isError && !clients.data ? (
        <ErrorPanel error={clients.error} onAction={() => clients.refetch()} />
      ) : !clients.data ? (
        <Panel grow>
          <BoneRows rows={14} />
        </Panel>
      ) : count === 0 ? (
        <Panel grow>
          <EmptyState icon={IconUsersGroup} title={t("empty_title")} action={add}>
            {t("empty_body")}
          </EmptyState>
        </Panel>
      ) : (
        <Panel
          grow
          head={
            <TextInput
              className={`${kit.filter} ${classes.find}`}
              aria-label={t("find")}
              placeholder={t("find")}
              leftSection={<IconFilter size={14} />}
              value={query}
              onChange={(event) => setQuery(event.currentTarget.value)}
            />
          }
          tools={<ColumnChooser id={GRID} columns={columns} />}
        >
          <DataGrid
            id={GRID}
            label={t("list")}
            rows={rows}
            columns={columns}
            rowId={(row) => row.id}
            onOpen={(row) => go(links.client(row.id))}
          />
        </Panel>
      )}
      {adding ? (
        <ClientForm
          onClose={() => setAdding(null, { replace: true })}
          onDone={(client) => go(links.client(client.id, "connections"), { replace: true })}
        />
      ) : null}
    </Screen>
  );
}

function useColumns(): Column<ClientRow>[] {
  const { t } = useTranslation("clients");
  return useMemo(
    () => [
      {
        id: "health",
        title: t("column.health"),
        width: "92px",
        sort: (row) => order[row.health],
        cell: (row) => <HealthBadge health={row.health} />,
        hideable: false,
      },
      {
        id: "name",
        title: t("column.name"),
        width: "minmax(180px, 1.4fr)",
        sort: (row) => row.name,
        hideable: false,
        cell: (row) => (
          <span className={classes.name} title={row.name}>
            <ClientTile name={row.name} />
            <span>{row.name}</span>
          </span>
        ),
      },
      {
        id: "systems",
        title: t("column.systems"),
        width: "minmax(90px, 1fr)",
        cell: (row) => (
          <span className={classes.tiles}>
            {row.connectors.map((connector) => (
              <SystemTile key={connector} connector={connector} />
            ))}
          </span>
        ),
      },
      {
        id: "connections",
        title: t("column.connections"),
        width: "96px",
        align: "right",
        sort: (row) => row.connections,
        cell: (row) => (row.connections > 0 ? <Count value={row.connections} /> : null),
      },
      {
        id: "spend",
        title: t("column.spend"),
        width: "minmax(130px, 0.8fr)",
        align: "right",
        sort: (row) => row.spend_30d,
        cell: (row) => <Money micros={row.spend_30d} currency={row.currency} />,
        hideable: false,
      },
      {
        id: "currency",
        title: t("column.currency"),
        width: "64px",
        sort: (row) => row.currency,
        cell: (row) => <span className={classes.soft}>{row.currency}</span>,
        hidden: true,
      },
      {
        id: "zone",
        title: t("column.zone"),
        width: "140px",
        sort: (row) => row.time_zone,
        cell: (row) => <span className={classes.soft}>{row.time_zone}</span>,
        hidden: true,
      },
      {
        id: "through",
        title: t("column.through"),
        width: "96px",
        sort: (row) => row.data_through,
        sortDown: true,
        cell: (row) =>
          row.data_through ? <DateText day={row.data_through} /> : <span className={classes.soft}>{t("never")}</span>,
      },
      {
        id: "synced",
        title: t("column.synced"),
        width: "80px",
        align: "right",
        sort: (row) => row.synced_at,
        cell: (row) => (
          <span className={classes.soft}>
            <InstantText at={row.synced_at} />
          </span>
        ),
      },
      {
        id: "created",
        title: t("column.created"),
        width: "96px",
        align: "right",
        sort: (row) => row.created_at,
        cell: (row) => (
          <span className={classes.soft}>
            <InstantText at={row.created_at} />
          </span>
        ),
        hidden: true,
      },
    ],
    [t],
  );
}

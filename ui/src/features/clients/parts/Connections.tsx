/** Connections of one client. */
import { Button } from "@mantine/core";
import { IconFileImport, IconPlug, IconPlus } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow, ConnectionRow } from "@/gen/contract";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { DateText, InstantText } from "@/shared/ui/Figures";
import { Panel } from "@/shared/ui/Layout";
import { ConnectionFailure, EmptyState } from "@/shared/ui/Notices";
import { HealthBadge, StateWord } from "@/shared/ui/States";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../screens/clients.module.css";

/** The tab. */
export function Connections(props: { client: ClientRow; connections: ConnectionRow[] }) {
  const { t } = useTranslation("clients");
  const go = useGo();
  const columns = useColumns();
  const actions = (
    <>
      <Button
        variant="default"
        leftSection={<IconFileImport size={14} />}
        onClick={() => go(links.importFile(props.client.id))}
      >
        {t("import")}
      </Button>
      <Button
        variant={props.connections.length === 0 ? "filled" : "default"}
        leftSection={<IconPlus size={14} />}
        onClick={() => go(links.connect(undefined, props.client.id))}
      >
        {t("connect")}
      </Button>
    </>
  );
  if (props.connections.length === 0)
    return (
      <Panel>
        <EmptyState icon={IconPlug} title={t("no_connections_title", { name: props.client.name })} action={actions}>
          {t("no_connections_body")}
        </EmptyState>
      </Panel>
    );
  return (
    <Panel title={t("tab.connections")} count={String(props.connections.length)} tools={actions} grow>
      <DataGrid
        id="client-connections"
        label={t("tab.connections")}
        rows={props.connections}
        columns={columns}
        rowId={(row) => row.id}
        onOpen={(row) => go(links.connection(row.id))}
      />
    </Panel>
  );
}

function useColumns(): Column<ConnectionRow>[] {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const systems = useSystems();
  return useMemo(
    () => [
      { id: "health", title: t("column.health"), width: "92px", cell: (row) => <HealthBadge health={row.health} /> },
      {
        id: "account",
        title: t("column.account"),
        width: "minmax(220px, 1.4fr)",
        sort: (row) => row.account_name,
        cell: (row) => (
          <span className={classes.name}>
            <SystemTile connector={row.connector} />
            <span>
              {systems.name(row.connector)}
              <small>{row.account_name}</small>
            </span>
          </span>
        ),
      },
      {
        id: "external",
        title: t("column.external"),
        width: "120px",
        cell: (row) => (
          <span style={{ font: "11.5px var(--mono)", color: "var(--tx2)" }}>{row.account_external_id}</span>
        ),
      },
      {
        id: "state",
        title: t("column.state"),
        width: "minmax(160px, 1fr)",
        cell: (row) =>
          row.running ? (
            <StateWord tone="move" word={t("running")} />
          ) : row.failure ? (
            <ConnectionFailure connection={row} failure={row.failure} />
          ) : row.state === "active" ? (
            <StateWord tone="good" word={t("fine")} />
          ) : (
            <StateWord tone="off" word={shared(`connection.${row.state}`)} />
          ),
      },
      {
        id: "through",
        title: t("column.through"),
        width: "96px",
        sort: (row) => row.data_through,
        cell: (row) => <DateText day={row.data_through} />,
      },
      {
        id: "synced",
        title: t("column.synced"),
        width: "90px",
        align: "right",
        sort: (row) => row.synced_at,
        cell: (row) => <InstantText at={row.synced_at} />,
      },
      {
        id: "records",
        title: "",
        width: "76px",
        align: "right",
        hideable: false,
        cell: (row) =>
          systems.keepsRecords(row.connector) ? <AppLink to={links.records(row.id)}>{t("records")}</AppLink> : null,
      },
    ],
    [t, shared, systems],
  );
}

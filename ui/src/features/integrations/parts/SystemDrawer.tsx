/** The connections of one system, worst first: whose, how they are, how fresh, and what can be done with each. */
import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import {
  IconDots,
  IconFileImport,
  IconKey,
  IconPlus,
  IconRefresh,
  IconSearch,
  IconSettings,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionRow, Connector } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { Drawer } from "@/shared/ui/Layout";
import { ConnectionFailure, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { HealthBadge, StateWord } from "@/shared/ui/States";
import { useSyncHere } from "@/shared/ui/screenSync";
import { comesByFile, onlyRecords } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { worstFirst } from "../logic/catalogue";
import { useLocalText } from "../logic/words";

const SEARCH_FROM = 8;

/** The drawer of a system. */
export function SystemDrawer(props: { connector: Connector; rows: ConnectionRow[]; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const say = useLocalText();
  const go = useGo();
  const [typed, setTyped] = useState("");
  const { connector } = props;
  const needle = typed.trim().toLocaleLowerCase();
  const rows = worstFirst(props.rows, format.collator).filter((row) =>
    [row.client_name, row.account_name, row.account_external_id].some((word) =>
      word.toLocaleLowerCase().includes(needle),
    ),
  );
  return (
    <Drawer
      title={say(connector.name)}
      subtitle={say(connector.summary)}
      before={<SystemTile connector={connector.id} size={30} />}
      onClose={props.onClose}
      footLeft={
        connector.declarative ? (
          <Button variant="default" onClick={() => go(links.workbench(connector.id))}>
            {connector.imported ? t("edit_connector") : t("copy_and_edit")}
          </Button>
        ) : null
      }
      footRight={
        <Button leftSection={<IconPlus size={15} />} onClick={() => go(links.connect(connector.id))}>
          {t("connect_more")}
        </Button>
      }
    >
      <Templates connector={connector} />
      {props.rows.length >= SEARCH_FROM ? (
        <div className={classes.drawerFind}>
          <TextInput
            size="xs"
            placeholder={t("find_connection")}
            aria-label={t("find_connection")}
            leftSection={<IconSearch size={14} />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
      ) : null}
      {rows.length === 0 ? (
        <EmptyState icon={IconSearch} title={props.rows.length === 0 ? t("no_connections") : t("nothing", { typed })} />
      ) : (
        <ul className={classes.connections}>
          {rows.map((row) => (
            <ConnectionItem key={row.id} row={row} byFile={comesByFile(connector)} records={onlyRecords(connector)} />
          ))}
        </ul>
      )}
    </Drawer>
  );
}

/** The templates of the system; silent while there is none, because one is made from a connection. */
function Templates(props: { connector: Connector }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const read = useRead("templates_list", {});
  const templates = (read.data ?? []).filter((one) => one.connector === props.connector.id);
  if (!read.isError && templates.length === 0) return null;
  return (
    <section className={classes.drawerPart} data-testid="templates">
      <h3>{t("template.many")}</h3>
      {read.isError ? (
        <ErrorPanel error={read.error} onAction={() => read.refetch()} />
      ) : (
        <ul className={classes.streams}>
          {templates.map((one) => (
            <li key={one.id} className={classes.follower}>
              <AppLink to={links.template(one.id)}>{one.name}</AppLink>
              <small>
                {one.followers.length === 0
                  ? t("template.nobody")
                  : t("template.followers", {
                      count: one.followers.length,
                      printed: format.count(one.followers.length),
                    })}
              </small>
              {one.behind > 0 ? (
                <StateWord
                  tone="watch"
                  word={t("template.behind", { count: one.behind, printed: format.count(one.behind) })}
                />
              ) : null}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function ConnectionItem(props: { row: ConnectionRow; byFile: boolean; records: boolean }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const go = useGo();
  const sync = useSyncHere();
  const format = useFormat();
  const { row } = props;
  return (
    <li data-testid={`connection-${row.id}`}>
      <div className={classes.connectionWho}>
        <AppLink className={classes.cardLink} to={links.connection(row.id)}>
          {row.client_name}
        </AppLink>
        <span title={row.account_external_id}>{row.account_name}</span>
      </div>
      <div className={classes.connectionState}>
        {row.failure ? (
          <ConnectionFailure connection={row} failure={row.failure} />
        ) : row.state === "paused" ? (
          <StateWord tone="off" word={shared("connection.paused")} />
        ) : (
          <HealthBadge health={row.health} />
        )}
        <span title={row.synced_at ? format.instant(row.synced_at) : undefined}>
          {row.data_through === null
            ? props.records && row.synced_at
              ? t("records_read", { at: format.moment(row.synced_at) })
              : t("no_data_yet")
            : row.synced_at
              ? t("fresh", { day: format.day(row.data_through), at: format.moment(row.synced_at) })
              : t("through", { day: format.day(row.data_through) })}
        </span>
      </div>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon className={classes.cardMenu} aria-label={t("menu", { system: row.account_name })}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {props.byFile ? (
            <Menu.Item
              leftSection={<IconFileImport size={14} />}
              onClick={() => go(links.importFile(row.client_id, row.connector))}
            >
              {t("file_action")}
            </Menu.Item>
          ) : (
            <>
              <Menu.Item
                leftSection={<IconRefresh size={14} />}
                disabled={row.state !== "active" || row.running !== null}
                onClick={() => sync.start({ connection_id: row.id, client_id: null, range: null, streams: null })}
              >
                {t("sync_now")}
              </Menu.Item>
              <Menu.Item leftSection={<IconKey size={14} />} onClick={() => go(links.signIn(row.id))}>
                {t("sign_in_again")}
              </Menu.Item>
            </>
          )}
          <Menu.Item leftSection={<IconSettings size={14} />} onClick={() => go(links.connection(row.id))}>
            {t("settings")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </li>
  );
}

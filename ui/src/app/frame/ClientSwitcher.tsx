/** The client switcher: type to filter, recent first, "All clients" on top. Ctrl+P opens it from anywhere. */
import { Popover } from "@mantine/core";
import { IconSelector, IconUsersGroup } from "@tabler/icons-react";
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow } from "@/gen/contract";
import { currentPrefs, setPrefs, usePrefs } from "@/shared/prefs/prefs";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { fits, useChoice } from "@/shared/ui/options";
import { HealthIcon } from "@/shared/ui/States";
import { ClientTile } from "@/shared/ui/Tiles";
import classes from "./frame.module.css";

const RECENT = 5;
/** More than anyone scrolls through: beyond it people type. */
const MOST = 200;

/** Puts a client on top of the recent ones. */
export function rememberClient(id: string): void {
  setPrefs({ recentClients: [id, ...currentPrefs().recentClients.filter((known) => known !== id)].slice(0, RECENT) });
}

/** The client the screen is about, by its address. */
function useClientInAddress(): string | null {
  const path = useRouterState({ select: (state) => /^\/clients\/([^/]+)/.exec(state.location.pathname)?.[1] ?? null });
  const [word] = useQueryWord("client");
  return path ?? word;
}

/** The switcher. */
export function ClientSwitcher(props: { opened: boolean; onChange: (opened: boolean) => void }) {
  const { t } = useTranslation("frame");
  const clients = useRead("clients_list", {});
  const current = useClientInAddress();
  const chosen = clients.data?.find((client) => client.id === current);
  useEffect(() => {
    if (chosen && currentPrefs().recentClients[0] !== chosen.id) rememberClient(chosen.id);
  }, [chosen]);
  return (
    <Popover opened={props.opened} onChange={props.onChange} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className={classes.pick}
          onClick={() => props.onChange(!props.opened)}
          aria-haspopup="listbox"
        >
          {chosen ? <ClientTile name={chosen.name} /> : <IconUsersGroup size={15} stroke={1.7} aria-hidden />}
          <span>{chosen?.name ?? t("all_clients")}</span>
          <IconSelector size={14} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown className={classes.menu}>
        {props.opened ? (
          <ClientMenu clients={clients.data ?? []} current={chosen?.id ?? null} onDone={() => props.onChange(false)} />
        ) : null}
      </Popover.Dropdown>
    </Popover>
  );
}

function ClientMenu(props: { clients: ClientRow[]; current: string | null; onDone: () => void }) {
  const { t } = useTranslation("frame");
  const go = useGo();
  const listId = useId();
  const [typed, setTyped] = useState("");
  const recent = usePrefs().recentClients;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [, setWord] = useQueryWord("client");
  const found = props.clients.filter((client) => fits(typed, client.name));
  const rank = (id: string) => (recent.indexOf(id) + recent.length + 1) % (recent.length + 1);
  const first = found.filter((client) => recent.includes(client.id)).sort((a, b) => rank(a.id) - rank(b.id));
  const rest = found.filter((client) => !recent.includes(client.id));
  const options: (ClientRow | null)[] = [...(typed ? [] : [null]), ...first, ...rest.slice(0, MOST)];

  const take = (index: number) => {
    const client = options[index];
    if (client === undefined) return;
    props.onDone();
    // Syncs narrow to the client in place; every other screen goes to the client's own page or back to all.
    if (path.startsWith("/syncs")) setWord(client?.id ?? null);
    else
      go(
        client
          ? links.client(client.id)
          : path.startsWith("/clients")
            ? links.clients()
            : path.startsWith("/overview")
              ? links.overview()
              : path,
      );
  };
  const choice = useChoice(options.length, take);
  return (
    <>
      <input
        className={classes.menuFind}
        placeholder={t("find_client")}
        aria-label={t("find_client")}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={`${listId}-${choice.index}`}
        value={typed}
        data-autofocus
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          choice.reset();
        }}
        onKeyDown={choice.onKeyDown}
      />
      <div className={classes.list} role="listbox" id={listId} aria-label={t("all_clients")}>
        {options.length === 0 ? <div className={classes.none}>{t("no_client")}</div> : null}
        {options.map((client, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and hears the keys
          // biome-ignore lint/a11y/useFocusableInteractive: chosen through aria-activedescendant
          <div
            key={client?.id ?? "all"}
            id={`${listId}-${index}`}
            className={classes.option}
            role="option"
            aria-selected={index === choice.index}
            onClick={() => take(index)}
          >
            {client ? <ClientTile name={client.name} /> : <IconUsersGroup size={16} stroke={1.7} aria-hidden />}
            <span>{client?.name ?? t("all_clients")}</span>
            {client && client.health !== "good" && client.health !== "off" ? (
              <small>
                <HealthIcon health={client.health} />
              </small>
            ) : null}
          </div>
        ))}
      </div>
    </>
  );
}

/** The palette: every screen, client, connection and command by typing. Ctrl+K. */
import { Modal } from "@mantine/core";
import {
  type IconCommand,
  IconFileImport,
  IconKeyboard,
  IconLanguage,
  IconLayoutSidebar,
  IconPlug,
  IconPlus,
  IconRefresh,
  IconSun,
} from "@tabler/icons-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setPrefs, usePrefs } from "@/shared/prefs/prefs";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { fits, useChoice } from "@/shared/ui/options";
import { useSyncHere } from "@/shared/ui/screenSync";
import { useSystems } from "@/shared/ui/systems";
import { ClientTile, SystemTile } from "@/shared/ui/Tiles";
import { features } from "../features";
import type { Overlay } from "./Frame";
import classes from "./frame.module.css";

interface Entry {
  id: string;
  group: "screens" | "clients" | "connections" | "commands";
  label: string;
  note?: string;
  icon: ReactNode;
  run: () => void;
}

const PER_GROUP = 8;

/** The palette. */
export function Palette(props: { onClose: () => void; onOverlay: (overlay: Overlay) => void }) {
  const { t } = useTranslation("frame");
  const listId = useId();
  const [typed, setTyped] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const entries = useEntries(props.onOverlay).filter((entry) => fits(typed, entry.label, entry.note ?? ""));
  const groups = (["screens", "clients", "connections", "commands"] as const)
    .map((group) => ({ group, entries: entries.filter((entry) => entry.group === group).slice(0, PER_GROUP) }))
    .filter((group) => group.entries.length > 0);
  const shown = groups.flatMap((group) => group.entries);
  const take = (index: number) => {
    const entry = shown[index];
    if (!entry) return;
    props.onClose();
    entry.run();
  };
  const choice = useChoice(shown.length, take);
  useEffect(() => {
    list.current?.querySelector(`[data-index="${choice.index}"]`)?.scrollIntoView({ block: "nearest" });
  }, [choice.index]);

  return (
    <Modal.Root opened onClose={props.onClose} size={600} centered={false} yOffset={96}>
      <Modal.Overlay />
      <Modal.Content aria-label={t("search")}>
        <div className={classes.palette}>
          <input
            className={classes.paletteFind}
            placeholder={t("search_hint")}
            aria-label={t("search_hint")}
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
          <div className={classes.paletteList} ref={list} role="listbox" id={listId} aria-label={t("search")}>
            {shown.length === 0 ? <div className={classes.none}>{t("palette.none")}</div> : null}
            {groups.map((group) => (
              // biome-ignore lint/a11y/useSemanticElements: a group of options in a listbox has no element of its own
              <div key={group.group} role="group" aria-label={t(`palette.${group.group}`)}>
                <div className={classes.listLabel} aria-hidden>
                  {t(`palette.${group.group}`)}
                </div>
                {group.entries.map((entry) => {
                  const index = shown.indexOf(entry);
                  return (
                    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and hears the keys
                    // biome-ignore lint/a11y/useFocusableInteractive: chosen through aria-activedescendant
                    <div
                      key={entry.id}
                      id={`${listId}-${index}`}
                      data-index={index}
                      className={classes.option}
                      role="option"
                      aria-selected={index === choice.index}
                      onClick={() => take(index)}
                    >
                      {entry.icon}
                      <span>{entry.label}</span>
                      {entry.note ? <small>{entry.note}</small> : null}
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
          <div className={classes.paletteFoot}>{t("palette.hint")}</div>
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}

function useEntries(onOverlay: (overlay: Overlay) => void): Entry[] {
  const { t } = useTranslation("frame");
  const go = useGo();
  const sync = useSyncHere();
  const systems = useSystems();
  const folded = usePrefs().folded;
  const clients = useRead("clients_list", {}).data ?? [];
  const connections = useRead("connections_list", {}).data ?? [];
  const has = (id: string) => features.some((feature) => feature.id === id);
  const icon = (Icon: typeof IconCommand) => <Icon size={16} stroke={1.7} aria-hidden />;
  const command = (
    id:
      | "sync_all"
      | "sync_here"
      | "new_client"
      | "connect"
      | "import"
      | "light"
      | "dark"
      | "system"
      | "russian"
      | "english"
      | "fold"
      | "shortcuts",
    Icon: typeof IconCommand,
    run: () => void,
  ): Entry => ({
    id: `command-${id}`,
    group: "commands",
    label: t(`commands.${id}`),
    icon: icon(Icon),
    run,
  });
  return [
    ...features.map(
      (feature): Entry => ({
        id: feature.id,
        group: "screens",
        label: t(`nav.${feature.id}`),
        icon: icon(feature.icon),
        run: () => go(feature.path),
      }),
    ),
    ...clients.map(
      (client): Entry => ({
        id: client.id,
        group: "clients",
        label: client.name,
        icon: <ClientTile name={client.name} />,
        run: () => go(links.client(client.id)),
      }),
    ),
    ...(has("integrations") ? connections : []).map(
      (connection): Entry => ({
        id: connection.id,
        group: "connections",
        label: connection.account_name,
        note: `${systems.name(connection.connector)} · ${connection.client_name}`,
        icon: <SystemTile connector={connection.connector} />,
        run: () => go(links.connection(connection.id)),
      }),
    ),
    command("sync_here", IconRefresh, () => sync.start()),
    command("sync_all", IconRefresh, () =>
      sync.start({ connection_id: null, client_id: null, range: null, streams: null }),
    ),
    command("new_client", IconPlus, () => go(links.newClient())),
    ...(has("integrations")
      ? [
          command("connect", IconPlug, () => go(links.connect())),
          command("import", IconFileImport, () => go(links.importFile())),
        ]
      : []),
    command("light", IconSun, () => setPrefs({ theme: "light" })),
    command("dark", IconSun, () => setPrefs({ theme: "dark" })),
    command("system", IconSun, () => setPrefs({ theme: "system" })),
    command("russian", IconLanguage, () => setPrefs({ language: "ru" })),
    command("english", IconLanguage, () => setPrefs({ language: "en" })),
    command("fold", IconLayoutSidebar, () => setPrefs({ folded: !folded })),
    command("shortcuts", IconKeyboard, () => onOverlay("shortcuts")),
  ];
}

/** The frame around every screen: rail, top bar, offline line, palette and shortcuts. */
import { Button } from "@mantine/core";
import {
  IconCloudOff,
  IconDevices,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconLock,
  IconLockOpen2,
  IconRefresh,
  IconWifiOff,
} from "@tabler/icons-react";
import { useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { setPrefs, usePrefs } from "@/shared/prefs/prefs";
import { useStatus } from "@/shared/query/status";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { Key } from "@/shared/ui/Layout";
import { Banner } from "@/shared/ui/Notices";
import { useOnline } from "@/shared/ui/online";
import { useSaying } from "@/shared/ui/saying";
import { useSyncHere } from "@/shared/ui/screenSync";
import { isMac, useShortcuts } from "@/shared/ui/shortcuts";
import { type Feature, features, overlays } from "../features";
import { AlertsPanel } from "./AlertsPanel";
import { ClientSwitcher } from "./ClientSwitcher";
import classes from "./frame.module.css";
import { Palette } from "./Palette";
import { usePressed } from "./pressed";
import { ShortcutSheet } from "./ShortcutSheet";
import { Stage } from "./Stage";
import { TopBar } from "./TopBar";

/** What is open over the screen. */
export type Overlay = "palette" | "clients" | "shortcuts" | null;

/** The frame. */
export function Frame() {
  const { t } = useTranslation("frame");
  const [overlay, setOverlay] = useState<Overlay>(null);
  const [alertsOpen, setAlertsOpen] = useState(false);
  const folded = usePrefs().folded;
  const online = useOnline();
  const go = useGo();
  const sync = useSyncHere();
  usePressed();
  useShortcuts({
    palette: () => setOverlay("palette"),
    clients: () => setOverlay("clients"),
    sync: () => sync.start(),
    settings: () => go(links.settings()),
    help: () => setOverlay("shortcuts"),
  });
  return (
    <div className={classes.frame} data-folded={folded}>
      <Rail folded={folded} online={online} />
      <div className={classes.main}>
        <TopBar
          onSearch={() => setOverlay("palette")}
          alertsOpen={alertsOpen}
          onAlerts={() => setAlertsOpen(!alertsOpen)}
          switcher={
            <ClientSwitcher
              opened={overlay === "clients"}
              onChange={(opened) => setOverlay(opened ? "clients" : null)}
            />
          }
        />
        {online ? null : (
          <div className={classes.offline}>
            <Banner
              tone="calm"
              flat
              icon={IconWifiOff}
              fact={t("offline_fact")}
              action={
                <Button
                  variant="default"
                  onClick={() => window.dispatchEvent(new Event(navigator.onLine ? "online" : "offline"))}
                >
                  {t("offline_check")}
                </Button>
              }
            >
              {t("offline_rest")}
            </Banner>
          </div>
        )}
        <div className={classes.content}>
          <main>
            <Stage />
          </main>
          {alertsOpen ? <AlertsPanel onClose={() => setAlertsOpen(false)} /> : null}
        </div>
      </div>
      {overlays.map(({ id, show: Overlay }) => (
        <Overlay key={id} />
      ))}
      {overlay === "palette" ? <Palette onClose={() => setOverlay(null)} onOverlay={setOverlay} /> : null}
      {overlay === "shortcuts" ? <ShortcutSheet onClose={() => setOverlay(null)} /> : null}
    </div>
  );
}

function Rail(props: { folded: boolean; online: boolean }) {
  const { t } = useTranslation("frame");
  const status = useStatus();
  const Fold = props.folded ? IconLayoutSidebarLeftExpand : IconLayoutSidebarLeftCollapse;
  const foldLabel = props.folded ? t("unfold") : t("fold");
  return (
    <div className={classes.rail}>
      <div className={classes.brand}>
        <img src="./icon.svg" alt="Syncdeck" />
        <span title={status.workspace_name ?? undefined}>{status.workspace_name}</span>
        {status.demo ? <small>{t("demo")}</small> : null}
      </div>
      <nav aria-label={t("main_nav")} style={{ display: "contents" }}>
        <ul className={classes.nav}>
          {features
            .filter((feature) => !feature.foot)
            .map((feature) => (
              <RailItem key={feature.id} feature={feature} folded={props.folded} />
            ))}
        </ul>
        <div className={classes.spring} />
        <ul className={classes.nav}>
          <li>
            <button
              type="button"
              className={`${classes.item} ${classes.fold}`}
              onClick={() => setPrefs({ folded: !props.folded })}
              aria-label={foldLabel}
              title={foldLabel}
            >
              <Fold size={17} stroke={1.7} aria-hidden />
              <span>{foldLabel}</span>
            </button>
          </li>
          {features
            .filter((feature) => feature.foot)
            .map((feature) => (
              <RailItem key={feature.id} feature={feature} folded={props.folded} />
            ))}
        </ul>
      </nav>
      <StatusLines online={props.online} />
    </div>
  );
}

function RailItem(props: { feature: Feature; folded: boolean }) {
  const { t } = useTranslation("frame");
  const format = useFormat();
  const status = useStatus();
  const here = useRouterState({ select: (state) => state.location.pathname.startsWith(props.feature.path) });
  const Icon = props.feature.icon;
  const count = props.feature.count?.(status) ?? 0;
  const label = t(`nav.${props.feature.id}`);
  return (
    <li>
      <AppLink
        className={classes.item}
        to={props.feature.path}
        aria-current={here ? "page" : undefined}
        title={props.folded ? label : undefined}
        aria-label={props.folded ? label : undefined}
      >
        <Icon size={17} stroke={1.7} aria-hidden />
        <span>{label}</span>
        {count > 0 ? (
          <b className={classes.count} data-live={props.feature.live ?? false}>
            {format.count(count)}
          </b>
        ) : null}
        {props.feature.id === "settings" && !props.folded ? (
          <b className={classes.count}>
            <Key keys={isMac ? "⌘ ," : "Ctrl ,"} />
          </b>
        ) : null}
      </AppLink>
    </li>
  );
}

function StatusLines(props: { online: boolean }) {
  const { t } = useTranslation("frame");
  const status = useStatus();
  const saying = useSaying();
  const words = useErrorWords();
  const format = useFormat();
  const byPassphrase = status.lock === "passphrase";
  const open = byPassphrase || status.keychain === "available";
  const keyText = byPassphrase ? t("passphrase") : t(`keychain.${status.keychain}`);
  const Lock = open ? IconLockOpen2 : IconLock;
  return (
    <div className={classes.status}>
      {props.online ? (
        <span data-tone={open ? "good" : "act"} title={keyText}>
          <Lock size={13} aria-hidden />
          <b>{keyText}</b>
        </span>
      ) : (
        <span data-tone="watch">
          <IconCloudOff size={13} aria-hidden />
          <b>{t("offline")}</b>
        </span>
      )}
      {status.on_duty ? (
        <span data-tone="off">
          <IconDevices size={13} aria-hidden />
          <b>{t("on_duty", { name: status.on_duty })}</b>
        </span>
      ) : null}
      <span data-tone={status.running > 0 ? "move" : "off"} role="status">
        <IconRefresh size={13} aria-hidden />
        <b>
          {saying
            ? "text" in saying
              ? saying.text
              : words(saying.error.api).title
            : status.running > 0
              ? t("running", { count: status.running })
              : status.next_sync_at
                ? t("next_sync", { at: format.soon(status.next_sync_at) })
                : t("idle")}
        </b>
      </span>
    </div>
  );
}

/** Settings: language and theme at once, who is told of alerts and how, their rules, the battery, the keys, and what the workspace is. */
import { Button, SegmentedControl } from "@mantine/core";
import { IconFileDownload } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { currentHost } from "@/host/current";
import { CallError } from "@/host/host";
import { useLanguage } from "@/shared/format/useFormat";
import { type LanguageChoice, setPrefs, type ThemeChoice, usePrefs } from "@/shared/prefs/prefs";
import { useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { useQueryWord } from "@/shared/ui/address";
import { Facts, PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { ShortcutList } from "@/shared/ui/ShortcutList";
import { addable, draftOf, fresh } from "../logic/channel";
import { AlertRules } from "../parts/AlertRules";
import { Battery } from "../parts/Battery";
import { ChannelDrawer } from "../parts/ChannelDrawer";
import { Channels } from "../parts/Channels";
import classes from "../settings.module.css";

const languageChoices: LanguageChoice[] = ["system", "ru", "en"];
const themeChoices: ThemeChoice[] = ["system", "light", "dark"];

/** The settings. */
export function SettingsScreen() {
  const { t } = useTranslation("settings");
  const prefs = usePrefs();
  const status = useStatus();
  const [channel, setChannel] = useQueryWord("channel");
  return (
    <Screen drawer={channel ? <OpenChannel key={channel} word={channel} onClose={() => setChannel(null)} /> : null}>
      <PageHead title={t("title")} answer={t("answer")} />
      <div className={classes.column}>
        <Panel title={t("look")}>
          <div
            style={{ padding: 12, display: "grid", gridTemplateColumns: "132px 1fr", gap: 12, alignItems: "center" }}
          >
            <span>{t("language")}</span>
            <SegmentedControl
              aria-label={t("language")}
              style={{ justifySelf: "start" }}
              data={languageChoices.map((value) => ({ value, label: t(`languages.${value}`) }))}
              value={prefs.language}
              onChange={(value) =>
                setPrefs({ language: languageChoices.find((choice) => choice === value) ?? "system" })
              }
            />
            <span>{t("theme")}</span>
            <SegmentedControl
              aria-label={t("theme")}
              style={{ justifySelf: "start" }}
              data={themeChoices.map((value) => ({ value, label: t(`themes.${value}`) }))}
              value={prefs.theme}
              onChange={(value) => setPrefs({ theme: themeChoices.find((choice) => choice === value) ?? "system" })}
            />
          </div>
        </Panel>
        <Channels open={channel} onOpen={setChannel} />
        <AlertRules />
        <Battery />
        <Panel title={t("workspace")}>
          <div style={{ padding: 12 }}>
            <Facts
              facts={[
                [t("name"), status.workspace_name],
                [t("lock"), status.lock ? t(`locks.${status.lock}`) : null],
                [t("currency"), status.currency],
                [t("zone"), status.time_zone],
                [t("version"), status.version],
                [t("host"), t(`hosts.${currentHost().kind}`)],
              ]}
            />
          </div>
        </Panel>
        <Diagnostics />
        <Panel title={t("keys")}>
          <div style={{ padding: 12 }}>
            <ShortcutList />
          </div>
        </Panel>
      </div>
    </Screen>
  );
}

/** The drawer of the channel that the address names: an id, or `new-` and a kind. */
function OpenChannel(props: { word: string; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const language = useLanguage();
  const status = useStatus();
  const channels = useRead("channels_list", {});
  const kind = addable.find((one) => props.word === `new-${one}`);
  if (kind) {
    const start = fresh(kind, t(`channels.name_of.${kind}`), language, status.time_zone ?? "UTC");
    return <ChannelDrawer start={start} onClose={props.onClose} />;
  }
  const saved = channels.data?.find((one) => one.id === props.word);
  return saved ? <ChannelDrawer saved={saved} start={draftOf(saved)} onClose={props.onClose} /> : null;
}

/** The file for whoever helps. It is made when it is asked for and saved where the person wants it; nothing is sent anywhere. */
function Diagnostics() {
  const { t } = useTranslation("settings");
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<CallError | null>(null);
  const save = () => {
    setPending(true);
    setError(null);
    currentHost()
      .call("diagnostics_export", {})
      .then((file) => currentHost().saveFile(file))
      .catch((reason: unknown) => {
        if (!(reason instanceof CallError)) throw reason;
        setError(reason);
      })
      .finally(() => setPending(false));
  };
  return (
    <Panel title={t("help")}>
      <div style={{ padding: 12, display: "grid", gap: 12, justifyItems: "start" }}>
        <p>{t("help_body")}</p>
        {error ? <ErrorPanel error={error} onAction={save} /> : null}
        <Button variant="default" leftSection={<IconFileDownload size={14} />} loading={pending} onClick={save}>
          {t("help_action")}
        </Button>
      </div>
    </Panel>
  );
}

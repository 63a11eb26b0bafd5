/** Settings of this computer: language and theme at once, the keys, and what the workspace is. */
import { SegmentedControl } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { currentHost } from "@/host/current";
import { type LanguageChoice, setPrefs, type ThemeChoice, usePrefs } from "@/shared/prefs/prefs";
import { useStatus } from "@/shared/query/status";
import { Facts, PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { ShortcutList } from "@/shared/ui/ShortcutList";

const languageChoices: LanguageChoice[] = ["system", "ru", "en"];
const themeChoices: ThemeChoice[] = ["system", "light", "dark"];

/** The settings. */
export function SettingsScreen() {
  const { t } = useTranslation("settings");
  const prefs = usePrefs();
  const status = useStatus();
  return (
    <Screen>
      <PageHead title={t("title")} answer={t("answer")} />
      <div style={{ display: "grid", gap: 12, maxWidth: 620 }}>
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
        <Panel title={t("keys")}>
          <div style={{ padding: 12 }}>
            <ShortcutList />
          </div>
        </Panel>
      </div>
    </Screen>
  );
}

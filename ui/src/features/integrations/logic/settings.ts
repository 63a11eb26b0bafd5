/** Settings of a connection or a template in words, and which of them a system has. What differs, and what is whose own, the backend says. */
import { useTranslation } from "react-i18next";
import {
  allSetting,
  type ConnectionUpdate,
  type Connector,
  type Lookback,
  type Setting,
  type Settings,
  type StreamChoice,
} from "@/gen/contract";
import { comesByFile, onlyRecords } from "@/shared/ui/systems";
import { useLocalText } from "./words";

/** Settings that mean nothing to records: they have neither days nor money. */
const ofStatistics: readonly Setting[] = ["lookbacks", "vat", "zero_rows", "in_totals"];

/** The settings that a system has, in the order of the backend's list. */
export function settingsOf(connector: Connector): Setting[] {
  if (comesByFile(connector)) return ["vat", "in_totals"];
  return allSetting.filter((setting) => !onlyRecords(connector) || !ofStatistics.includes(setting));
}

/** A change of nothing, to be filled. */
export const noChange: Pick<ConnectionUpdate, Setting> = {
  streams: null,
  schedule: null,
  lookbacks: null,
  vat: null,
  zero_rows: null,
  in_totals: null,
};

/** Some of the settings. */
export function some(settings: readonly Setting[], from: Settings): Partial<Settings> {
  return Object.fromEntries(settings.map((setting) => [setting, from[setting]]));
}

/** A value that changes, in words; `of` says which part of the setting it is, where it has parts. */
export interface ValueChange {
  of: string | null;
  from: string;
  to: string;
}

/** Words of settings. */
export function useSettingWords(connector: Connector): {
  name: (setting: Setting) => string;
  value: (settings: Settings, setting: Setting) => string;
  changes: (before: Settings, after: Settings, setting: Setting) => ValueChange[];
} {
  const { t } = useTranslation("integrations");
  const say = useLocalText();
  const isOn = (streams: StreamChoice[], name: string) => streams.some((stream) => stream.name === name && stream.on);
  const schedule = ({ schedule }: Settings): string => {
    switch (schedule.kind) {
      case "off":
        return t("schedule.kind.off");
      case "hourly":
        return t("schedule.hours", { count: schedule.every });
      case "daily":
        return schedule.days.length === 7
          ? t("template.daily", { at: schedule.at })
          : t("template.on_days", {
              days: schedule.days.map((day) => t(`schedule.day.${day}`)).join(", "),
              at: schedule.at,
            });
      case "cron":
        return t("template.cron", { expression: schedule.expression });
    }
  };
  const back = (lookback: Lookback) =>
    lookback.weekly_days > lookback.days
      ? t("lookback.short", {
          days: t("days", { count: lookback.days }),
          weekly: t("days", { count: lookback.weekly_days }),
        })
      : t("days", { count: lookback.days });
  const value = (settings: Settings, setting: Setting): string => {
    switch (setting) {
      case "streams": {
        const on = connector.streams.filter((stream) => stream.required || isOn(settings.streams, stream.name));
        return on.map((stream) => say(stream.title)).join(", ");
      }
      case "schedule":
        return schedule(settings);
      case "lookbacks": {
        const own = connector.streams.flatMap((stream) => {
          const lookback = settings.lookbacks[stream.name];
          return lookback ? [`${say(stream.title)}: ${back(lookback)}`] : [];
        });
        return own.join("; ") || t("lookback.preset");
      }
      case "vat":
        return t(`choice.vats.${settings.vat}`);
      case "zero_rows":
        return t(settings.zero_rows === "keep" ? "template.on" : "template.off");
      case "in_totals":
        return t(settings.in_totals === "counts" ? "template.on" : "template.off");
    }
  };
  return {
    name: (setting) => t(`template.setting.${setting}`),
    value,
    changes: (before, after, setting) => {
      if (setting === "streams") {
        return connector.streams
          .filter((stream) => isOn(before.streams, stream.name) !== isOn(after.streams, stream.name))
          .map((stream) => ({
            of: say(stream.title),
            from: t(isOn(before.streams, stream.name) ? "template.on" : "template.off"),
            to: t(isOn(after.streams, stream.name) ? "template.on" : "template.off"),
          }));
      }
      if (setting === "lookbacks") {
        return connector.streams.flatMap((stream) => {
          const said = ({ lookbacks }: Settings) => {
            const own = lookbacks[stream.name];
            if (own) return back(own);
            return stream.lookback ? t("lookback.suggested", { lookback: back(stream.lookback) }) : "";
          };
          const [from, to] = [said(before), said(after)];
          return from === to ? [] : [{ of: say(stream.title), from, to }];
        });
      }
      return [{ of: null, from: value(before, setting), to: value(after, setting) }];
    },
  };
}

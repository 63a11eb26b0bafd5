/** The settings that connections of a system may share, as a connection and a template show them. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Connector, Setting, Settings } from "@/gen/contract";
import classes from "../integrations.module.css";
import { settingsOf } from "../logic/settings";
import { InTotalsChoice, Streams, VatChoice, ZeroRowsChoice } from "./ChoiceStep";
import { ScheduleInput } from "./ScheduleInput";

/** Sections of a drawer. `mark` says something about one setting, below it. */
export function SettingsForm(props: {
  connector: Connector;
  settings: Settings;
  zone?: string;
  mark?: (setting: Setting) => ReactNode;
  onChange: (change: Partial<Settings>) => void;
}) {
  const { t } = useTranslation("integrations");
  const { connector, settings, onChange } = props;
  const has = settingsOf(connector);
  const mark = props.mark ?? (() => null);
  return (
    <>
      {has.includes("streams") ? (
        <section className={classes.drawerPart}>
          <h3>{t("choice.streams")}</h3>
          <Streams
            connector={connector}
            streams={settings.streams}
            lookbacks={settings.lookbacks}
            onChange={(streams) => onChange({ streams })}
            onLookbacks={(lookbacks) => onChange({ lookbacks })}
          />
          {mark("streams")}
          {has.includes("lookbacks") ? mark("lookbacks") : null}
        </section>
      ) : null}
      {has.includes("schedule") ? (
        <section className={classes.drawerPart}>
          <ScheduleInput
            value={settings.schedule}
            {...(props.zone ? { zone: props.zone } : {})}
            onChange={(schedule) => onChange({ schedule })}
          />
          {mark("schedule")}
        </section>
      ) : null}
      {has.includes("vat") ? (
        <section className={classes.drawerPart}>
          <h3>{t("reading")}</h3>
          <VatChoice value={settings.vat} onChange={(vat) => onChange({ vat })} />
          {mark("vat")}
          {has.includes("zero_rows") ? (
            <>
              <ZeroRowsChoice value={settings.zero_rows} onChange={(zero_rows) => onChange({ zero_rows })} />
              {mark("zero_rows")}
            </>
          ) : null}
          {has.includes("in_totals") ? (
            <>
              <InTotalsChoice value={settings.in_totals} onChange={(in_totals) => onChange({ in_totals })} />
              {mark("in_totals")}
            </>
          ) : null}
        </section>
      ) : null}
    </>
  );
}

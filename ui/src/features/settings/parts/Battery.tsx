/** What waits on a low battery, and from which charge on. Applied at once, like the rules. */
import { NumberInput, Switch } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { BatterySaver } from "@/gen/contract";
import { useRead, useSetting } from "@/shared/query/query";
import { Panel } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import classes from "../settings.module.css";

/** The panel of the battery. */
export function Battery() {
  const { t } = useTranslation("settings");
  const saver = useRead("battery_saver_get", {});
  return (
    <Panel title={t("battery.title")}>
      {saver.isError ? (
        <ErrorPanel error={saver.error} onAction={() => saver.refetch()} />
      ) : !saver.data ? (
        <BoneRows rows={1} />
      ) : (
        <Choice saver={saver.data} />
      )}
    </Panel>
  );
}

function Choice(props: { saver: BatterySaver }) {
  const { t } = useTranslation("settings");
  const update = useSetting("battery_saver_update", "battery_saver_get");
  const hint = useId();
  const saver = update.isPending ? update.variables : props.saver;
  const set = (change: Partial<BatterySaver>) =>
    update.mutate({ ...saver, ...change }, { onError: (error) => say(error) });
  return (
    <div className={classes.battery}>
      <div>
        <Switch
          label={t("battery.waits")}
          aria-describedby={hint}
          checked={saver.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
        <p id={hint}>{t("battery.hint")}</p>
      </div>
      <NumberInput
        key={saver.percent}
        label={t("battery.percent")}
        defaultValue={saver.percent}
        min={1}
        max={100}
        suffix=" %"
        clampBehavior="blur"
        allowDecimal={false}
        hideControls
        disabled={!saver.enabled}
        onBlur={(event) => {
          const typed = Number.parseInt(event.currentTarget.value.replace(/\D/g, ""), 10);
          const percent = Math.min(100, Math.max(1, typed));
          if (Number.isFinite(percent) && percent !== saver.percent) set({ percent });
        }}
      />
    </div>
  );
}

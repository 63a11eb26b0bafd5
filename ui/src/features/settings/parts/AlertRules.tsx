/** The rules of alerts: which of them look, how urgent what they find is, and by which numbers they decide. Applied at once. */
import { Button, NumberInput, Select, Switch } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { type AlertRule, type AlertRuleRow, allSeverity, type RuleNumber } from "@/gen/contract";
import { useRead, useSetting } from "@/shared/query/query";
import { Panel } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import classes from "./rules.module.css";

/** The panel of rules. */
export function AlertRules() {
  const { t } = useTranslation("alerts");
  const rules = useRead("alert_rules_get", {});
  return (
    <Panel title={t("title")} head={<span className={classes.answer}>{t("settings.answer")}</span>}>
      {rules.isError ? (
        <ErrorPanel error={rules.error} onAction={() => rules.refetch()} />
      ) : !rules.data ? (
        <BoneRows rows={8} />
      ) : (
        <div className={classes.rules}>
          {rules.data.map((row) => (
            <Rule key={row.rule.kind} row={row} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Rule(props: { row: AlertRuleRow }) {
  const { t } = useTranslation("alerts");
  const { default: own, numbers } = props.row;
  const update = useSetting("alert_rules_update", "alert_rules_get");
  const rule = update.isPending ? update.variables : props.row.rule;
  const set = (change: Partial<AlertRule>) => update.mutate({ ...rule, ...change }, { onError: (error) => say(error) });
  const name = t(`settings.kinds.${rule.kind}`);
  const changed = JSON.stringify(rule) !== JSON.stringify(own);
  return (
    <fieldset className={classes.rule} aria-label={name}>
      <Switch
        className={classes.name}
        label={name}
        checked={rule.enabled}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
      <Select
        aria-label={`${name}: ${t("settings.severity")}`}
        className={classes.severity}
        allowDeselect={false}
        disabled={!rule.enabled}
        data={allSeverity.map((value) => ({ value, label: t(`severity.${value}`) }))}
        value={rule.severity}
        onChange={(value) => {
          const severity = allSeverity.find((known) => known === value);
          if (severity) set({ severity });
        }}
      />
      <div className={classes.numbers}>
        {numbers.map((number) => (
          <Threshold
            key={number.threshold}
            name={name}
            number={number}
            value={rule.thresholds[number.threshold] ?? number.least}
            disabled={!rule.enabled}
            onChange={(value) => set({ thresholds: { ...rule.thresholds, [number.threshold]: value } })}
          />
        ))}
      </div>
      {changed ? (
        <Button variant="subtle" data-size="sm" onClick={() => set(own)} aria-label={`${name}: ${t("settings.reset")}`}>
          {t("settings.reset")}
        </Button>
      ) : null}
    </fieldset>
  );
}

function Threshold(props: {
  name: string;
  number: RuleNumber;
  value: number;
  disabled: boolean;
  onChange: (value: number) => void;
}) {
  const { t } = useTranslation("alerts");
  const { threshold, least, most } = props.number;
  const label = t(`settings.thresholds.${threshold}`);
  return (
    <div className={classes.number}>
      <span aria-hidden>{label}</span>
      <NumberInput
        key={props.value}
        aria-label={`${props.name}: ${label}`}
        defaultValue={props.value}
        min={least}
        max={most}
        clampBehavior="blur"
        allowDecimal={false}
        hideControls
        disabled={props.disabled}
        onBlur={(event) => {
          const typed = Number.parseInt(event.currentTarget.value.replace(/\D/g, ""), 10);
          const value = Math.min(most, Math.max(least, typed));
          if (Number.isFinite(value) && value !== props.value) props.onChange(value);
        }}
      />
    </div>
  );
}

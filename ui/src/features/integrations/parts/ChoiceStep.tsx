/** Step 3: which streams, how far back each is read again, how far at first, and what the person knows about VAT. */
import { Radio, Select, Switch } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Connector, InTotals, Lookback, StreamChoice, VatState, ZeroRows } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { useRead } from "@/shared/query/query";
import { Badge } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { onlyRecords } from "@/shared/ui/systems";
import classes from "../integrations.module.css";
import { type Choice, depths, switchStream, type Wanted } from "../logic/wizard";
import { useLocalText } from "../logic/words";
import { LookbackLine } from "./LookbackLine";
import { ScheduleInput } from "./ScheduleInput";

const vats: VatState[] = ["included", "excluded", "unknown"];

/** The choices, all with the connector's own suggestion in place. */
export function ChoiceStep(props: {
  connector: Connector;
  settings: Wanted;
  picked: Choice[];
  error: CallError | null;
  onChange: (settings: Wanted) => void;
}) {
  const { t } = useTranslation("integrations");
  const { connector, settings } = props;
  const change = (part: Partial<Wanted>) => props.onChange({ ...settings, ...part });
  const read = useRead("templates_list", {});
  const templates = (read.data ?? []).filter((one) => one.connector === connector.id);
  const currencies = [
    ...new Set(props.picked.map((choice) => choice.account.currency).filter((currency) => currency !== null)),
  ];
  return (
    <div className={classes.choice}>
      <section aria-label={t("choice.streams")}>
        {templates.length > 0 ? (
          <Select
            className={classes.choiceTemplate ?? ""}
            label={t("template.one")}
            description={t("template.choice_hint")}
            placeholder={t("template.none")}
            clearable
            data={templates.map((one) => ({ value: one.id, label: one.name }))}
            value={settings.template}
            onChange={(id) => change({ ...templates.find((one) => one.id === id)?.settings, template: id })}
          />
        ) : null}
        <h2>{t("choice.streams")}</h2>
        <Streams
          connector={connector}
          streams={settings.streams}
          lookbacks={settings.lookbacks}
          onChange={(streams) => change({ streams })}
          onLookbacks={(lookbacks) => change({ lookbacks })}
        />
        <div className={classes.choiceSchedule}>
          <ScheduleInput value={settings.schedule} onChange={(schedule) => change({ schedule })} />
        </div>
      </section>
      <div className={classes.choiceSide}>
        {onlyRecords(connector) ? (
          <p className={classes.currency}>{t("choice.records")}</p>
        ) : (
          <>
            <section>
              <Select
                label={t("choice.depth")}
                description={t("choice.depth_hint", { max: t("days", { count: connector.max_history_days }) })}
                data={depths(connector).map((days) => ({ value: String(days), label: t("days", { count: days }) }))}
                value={String(settings.firstLoadDays)}
                onChange={(value) => change({ firstLoadDays: Number(value) })}
              />
            </section>
            <section>
              <VatChoice value={settings.vat} onChange={(vat) => change({ vat })} />
            </section>
            <section>
              <ZeroRowsChoice value={settings.zero_rows} onChange={(zero_rows) => change({ zero_rows })} />
            </section>
            <section>
              <InTotalsChoice value={settings.in_totals} onChange={(in_totals) => change({ in_totals })} />
            </section>
            {currencies.length > 0 ? (
              <p className={classes.currency}>
                {t("choice.currency")}{" "}
                {currencies.map((currency) => (
                  <Badge key={currency}>{currency}</Badge>
                ))}
              </p>
            ) : null}
          </>
        )}
        {props.error ? <ErrorPanel error={props.error} context={{ connector: connector.id }} /> : null}
      </div>
    </div>
  );
}

/** Streams with a switch each; a required one is locked and says why, one with days says how far back it is read again. */
export function Streams(props: {
  connector: Connector;
  streams: StreamChoice[];
  lookbacks: Record<string, Lookback>;
  onChange: (streams: StreamChoice[]) => void;
  onLookbacks: (lookbacks: Record<string, Lookback>) => void;
}) {
  const { t } = useTranslation("integrations");
  const say = useLocalText();
  return (
    <ul className={classes.streams}>
      {props.connector.streams.map((stream) => {
        const on = props.streams.find((choice) => choice.name === stream.name)?.on ?? false;
        return (
          <li key={stream.name}>
            <Switch
              label={say(stream.title)}
              checked={on || stream.required}
              disabled={stream.required}
              onChange={(event) =>
                props.onChange(switchStream(props.streams, props.connector, stream.name, event.currentTarget.checked))
              }
            />
            {stream.required ? (
              <span>
                <IconLock size={12} aria-hidden />
                {t("choice.required")}
              </span>
            ) : null}
            {stream.lookback && (on || stream.required) ? (
              <LookbackLine
                stream={stream}
                preset={stream.lookback}
                own={props.lookbacks[stream.name] ?? null}
                max={props.connector.max_history_days}
                onChange={(own) => {
                  const { [stream.name]: _, ...others } = props.lookbacks;
                  props.onLookbacks(own ? { ...others, [stream.name]: own } : others);
                }}
              />
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

/** Whether rows in which nothing happened are kept. */
export function ZeroRowsChoice(props: { value: ZeroRows; onChange: (zeroRows: ZeroRows) => void }) {
  const { t } = useTranslation("integrations");
  return (
    <Switch
      label={t("choice.zero_rows")}
      description={t("choice.zero_rows_hint")}
      checked={props.value === "keep"}
      onChange={(event) => props.onChange(event.currentTarget.checked ? "keep" : "leave_out")}
    />
  );
}

/** Whether what a connection says is added to its client's totals. */
export function InTotalsChoice(props: { value: InTotals; onChange: (inTotals: InTotals) => void }) {
  const { t } = useTranslation("integrations");
  return (
    <Switch
      label={t("choice.in_totals")}
      description={t("choice.in_totals_hint")}
      checked={props.value === "counts"}
      onChange={(event) => props.onChange(event.currentTarget.checked ? "counts" : "apart")}
    />
  );
}

/** Whether sums contain VAT: platforms rarely say, so the person does. */
export function VatChoice(props: { value: VatState; onChange: (vat: VatState) => void }) {
  const { t } = useTranslation("integrations");
  return (
    <Radio.Group
      label={t("choice.vat")}
      description={t("choice.vat_hint")}
      value={props.value}
      onChange={(value) => props.onChange(vats.find((vat) => vat === value) ?? "unknown")}
    >
      <div className={classes.radios}>
        {vats.map((vat) => (
          <Radio key={vat} size="xs" value={vat} label={t(`choice.vats.${vat}`)} />
        ))}
      </div>
    </Radio.Group>
  );
}

/** Beside the columns: whose numbers these are, and what the import would do, said before its button. */
import { Select, TextInput } from "@mantine/core";
import { IconAlertTriangleFilled, IconCircleCheckFilled, IconReplace } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ClientRow, Connector, ImportChecked, ImportField, VatState } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { Count, Money } from "@/shared/ui/Figures";
import { Facts } from "@/shared/ui/Layout";
import { Bone, ErrorPanel } from "@/shared/ui/Notices";
import classes from "../imports.module.css";
import { type Answers, hasMoney } from "../logic/answers";

const vats: VatState[] = ["included", "excluded", "unknown"];
const currencies = ["RUB", "USD", "EUR", "KZT", "BYN", "UZS", "AMD", "GEL", "TRY", "CNY", "GBP"];

/** The panel. `checked` is the last answer, dimmed while a newer one is on its way. */
export function CheckPanel(props: {
  clients: ClientRow[];
  clientId: string | null;
  systems: Connector[];
  system: Connector | undefined;
  source: string;
  /** `null` while it is to be said. */
  currency: string | null;
  vat: VatState | null;
  fields: ImportField[];
  onChange: (part: Partial<Answers>) => void;
  /** Another system: the file is read again, for it has words of its own. */
  onSystem: (system: string) => void;
  asked: boolean;
  busy: boolean;
  checked: ImportChecked | undefined;
  error: CallError | null;
}) {
  const { t } = useTranslation("imports");
  const { t: shared } = useTranslation("shared");
  const language = useLanguage();
  const files = props.system?.files;
  const money = hasMoney(props.fields);
  const hasCurrency = props.fields.includes("currency");
  const asksVat = money && files?.asks_vat === true;
  const asksCurrency = money && files?.asks_currency === true && !hasCurrency;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <aside className={classes.side} tabIndex={0} data-scrolls aria-label={t("what")}>
      <Select
        label={t("client")}
        placeholder={t("choose_client")}
        searchable
        withAsterisk
        data={props.clients.map((client) => ({ value: client.id, label: client.name }))}
        value={props.clientId}
        onChange={(clientId) => {
          const client = props.clients.find((row) => row.id === clientId);
          // A system that asks for its currency is not answered by the client's.
          if (client) props.onChange({ clientId: client.id, ...(asksCurrency ? {} : { currency: client.currency }) });
        }}
      />
      <Select
        label={t("system")}
        data={props.systems.map((system) => ({ value: system.id, label: system.name[language] }))}
        value={props.system?.id ?? null}
        allowDeselect={false}
        onChange={(system) => system && props.onSystem(system)}
      />
      <TextInput
        label={t("source")}
        description={t("source_hint")}
        withAsterisk
        value={props.source}
        maxLength={120}
        onChange={(event) => props.onChange({ source: event.currentTarget.value })}
      />
      <div className={classes.pair}>
        <Select
          label={t("currency")}
          placeholder={t("choose")}
          withAsterisk={asksCurrency}
          disabled={hasCurrency}
          data={
            props.currency === null || currencies.includes(props.currency)
              ? currencies
              : [props.currency, ...currencies]
          }
          value={props.currency}
          onChange={(currency) => currency && props.onChange({ currency })}
        />
        <Select
          label={t("vat")}
          placeholder={t("choose_vat")}
          withAsterisk={asksVat}
          data={vats
            .filter((vat) => vat !== "unknown" || !asksVat)
            .map((vat) => ({ value: vat, label: shared(`vat.${vat}`) }))}
          value={props.vat}
          onChange={(vat) => props.onChange({ vat: vats.find((one) => one === vat) ?? null })}
        />
      </div>
      {props.system?.in_totals === "apart" ? <p className={classes.wait}>{t("apart")}</p> : null}
      <div
        className={classes.verdict}
        data-busy={props.busy}
        aria-live="polite"
        aria-busy={props.busy}
        data-testid="import-verdict"
      >
        {props.error ? (
          <ErrorPanel error={props.error} />
        ) : props.checked ? (
          <Verdict checked={props.checked} currency={props.currency ?? ""} />
        ) : props.asked ? (
          <>
            <Bone width="70%" height={10} />
            <Bone width="90%" />
            <Bone width="55%" />
          </>
        ) : (
          <p className={classes.wait}>{t("verdict_waits")}</p>
        )}
      </div>
    </aside>
  );
}

function Verdict(props: { checked: ImportChecked; currency: string }) {
  const { t } = useTranslation("imports");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const { checked } = props;
  const { range } = checked;
  return (
    <>
      <p className={classes.good}>
        <IconCircleCheckFilled size={16} aria-hidden />
        {t("good", { count: checked.good, printed: format.count(checked.good) })}
      </p>
      {checked.bad > 0 ? (
        <p className={classes.bad}>
          <IconAlertTriangleFilled size={16} aria-hidden />
          {t("bad", { count: checked.bad, printed: format.count(checked.bad) })}
        </p>
      ) : null}
      <Facts
        facts={[
          ...(range ? ([[t("days"), format.range(range.from, range.to)]] as [string, string][]) : []),
          ...(checked.level ? ([[t("level"), shared(`level.${checked.level}`)]] as [string, string][]) : []),
          [
            t("spend"),
            checked.spend === null ? (
              t("not_in_file")
            ) : (
              <Money key="spend" micros={checked.spend} currency={props.currency} />
            ),
          ],
          [t("clicks"), checked.clicks === null ? t("not_in_file") : <Count key="clicks" value={checked.clicks} />],
          [
            t("impressions"),
            checked.impressions === null ? t("not_in_file") : <Count key="impressions" value={checked.impressions} />,
          ],
        ]}
      />
      {range ? (
        <p className={classes.replaces} data-some={checked.replaces > 0}>
          <IconReplace size={15} aria-hidden />
          <span>
            {checked.replaces > 0
              ? t("replaces", {
                  days: format.range(range.from, range.to),
                  count: checked.replaces,
                  printed: format.count(checked.replaces),
                })
              : t("replaces_none", { days: format.range(range.from, range.to) })}
          </span>
        </p>
      ) : null}
    </>
  );
}

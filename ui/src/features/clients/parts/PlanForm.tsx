/** Makes a plan, changes it or takes it back: a sum, and how the month is to be divided. */
import { Button, Modal, NumberInput, Select } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Phasing } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange } from "@/shared/query/query";
import kit from "@/shared/ui/kit.module.css";
import { ErrorPanel } from "@/shared/ui/Notices";
import { useSystems } from "@/shared/ui/systems";
import { microsOf, type PlanLine, phasingOf, weightsFor } from "../logic/plan";
import classes from "../screens/clients.module.css";

const kinds: Phasing["type"][] = ["even", "weekdays", "days"];
/** The largest weight. */
const HEAVIEST = 65_535;
/** A Monday, for the names of weekdays. */
const MONDAY = 2;

/** The dialog. */
export function PlanForm(props: {
  clientId: string;
  currency: string;
  month: string;
  line: PlanLine;
  onClose: () => void;
}) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const systems = useSystems();
  const set = useChange("plan_set");
  const { line, month } = props;
  const before: Phasing = line.plan?.phasing ?? { type: "even" };
  const [typed, setTyped] = useState<string | number>(line.plan ? line.plan.amount / 1_000_000 : "");
  const [kind, setKind] = useState(before.type);
  const [weights, setWeights] = useState(weightsFor(before.type, month, before));
  const amount = microsOf(typed);
  const empty = kind !== "even" && weights.every((weight) => weight === 0);
  const what = {
    client: t("plan.whole"),
    channel: line.scope.type === "channel" ? systems.name(line.scope.connector) : "",
    campaign: line.plan?.campaign ?? (line.scope.type === "campaign" ? line.scope.external_id : ""),
  }[line.scope.type];
  const write = (micros: number | null) =>
    set.mutate(
      { client_id: props.clientId, month, scope: line.scope, amount: micros, phasing: phasingOf(kind, weights) },
      { onSuccess: props.onClose },
    );
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("plan.title", { what, month: format.month(`${month}-01`) })}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={520}
    >
      <form
        className={kit.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (amount !== null && !empty) write(amount);
        }}
      >
        <div className={kit.formRow}>
          <NumberInput
            label={t("plan.amount")}
            description={t("plan.amount_hint")}
            hideControls
            allowNegative={false}
            decimalScale={2}
            thousandSeparator={format.language === "ru" ? "\u2009" : ","}
            decimalSeparator={format.language === "ru" ? "," : "."}
            suffix={` ${format.sign(props.currency)}`}
            value={typed}
            onChange={setTyped}
            data-autofocus
            required
            withAsterisk={false}
          />
          <Select
            label={t("plan.phasing")}
            description={t("plan.phasing_hint")}
            data={kinds.map((value) => ({ value, label: t(`plan.kind.${value}`) }))}
            value={kind}
            onChange={(value) => {
              const next = kinds.find((known) => known === value) ?? "even";
              setKind(next);
              setWeights(weightsFor(next, month, before));
            }}
            allowDeselect={false}
          />
        </div>
        {kind === "even" ? null : (
          <fieldset className={classes.weights} data-kind={kind}>
            <legend>{t("plan.weights")}</legend>
            {weights.map((weight, at) => (
              <NumberInput
                // biome-ignore lint/suspicious/noArrayIndexKey: the place is the day
                key={at}
                label={kind === "weekdays" ? format.weekdayShort(`2026-11-0${MONDAY + at}`) : String(at + 1)}
                hideControls
                allowNegative={false}
                allowDecimal={false}
                max={HEAVIEST}
                value={weight}
                onChange={(value) => setWeights(weights.map((old, place) => (place === at ? Number(value) || 0 : old)))}
              />
            ))}
            {empty ? <p role="alert">{t("plan.weights_empty")}</p> : null}
          </fieldset>
        )}
        {set.error ? <ErrorPanel error={set.error} /> : null}
        <div className={kit.formFoot}>
          {line.plan ? (
            <Button
              variant="default"
              style={{ marginRight: "auto" }}
              loading={set.isPending}
              onClick={() => write(null)}
            >
              {t("plan.take_back")}
            </Button>
          ) : null}
          <Button variant="default" onClick={props.onClose}>
            {shared("cancel")}
          </Button>
          <Button type="submit" disabled={amount === null || empty} loading={set.isPending}>
            {shared("save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

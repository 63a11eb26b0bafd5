/** The plan of a client: a sum for the month, as a whole and by system, beside what has become of it. */
import { ActionIcon, Button, NumberInput } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientPlans, ClientRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { DateText, Money } from "@/shared/ui/Figures";
import { Panel } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { Forecast, Pacing } from "@/shared/ui/Pacing";
import { useSystems } from "@/shared/ui/systems";
import { ClientTile, SystemTile } from "@/shared/ui/Tiles";
import { linesOf, monthAfter, type PlanLine } from "../logic/plan";
import classes from "../screens/clients.module.css";
import { PlanForm } from "./PlanForm";

/** The tab. */
export function Plan(props: { client: ClientRow }) {
  const { t } = useTranslation("clients");
  const format = useFormat();
  const { today } = useStatus();
  const [month, setMonth] = useState(today.slice(0, 7));
  const [open, setOpen] = useState<string | null>(null);
  const plans = useRead("plan_list", { client_id: props.client.id, month }, { keep: true });
  const lines = useMemo(() => (plans.data ? linesOf(plans.data) : []), [plans.data]);
  const columns = useColumns(props.client);
  if (plans.isError && !plans.data) return <ErrorPanel error={plans.error} onAction={() => plans.refetch()} />;
  if (!plans.data)
    return (
      <Panel title={t("tab.plan")}>
        <BoneRows rows={4} />
      </Panel>
    );
  const data = plans.data;
  const line = lines.find((entry) => entry.id === open);
  return (
    <>
      <Panel
        title={t("tab.plan")}
        tools={
          <fieldset className={classes.months} aria-label={t("plan.month")}>
            <ActionIcon
              variant="default"
              aria-label={t("plan.earlier")}
              onClick={() => setMonth(monthAfter(month, -1))}
            >
              <IconChevronLeft size={16} />
            </ActionIcon>
            <span aria-live="polite">{format.month(`${month}-01`)}</span>
            <ActionIcon variant="default" aria-label={t("plan.later")} onClick={() => setMonth(monthAfter(month, 1))}>
              <IconChevronRight size={16} />
            </ActionIcon>
          </fieldset>
        }
      >
        <DataGrid
          id="client-plan"
          label={t("tab.plan")}
          rows={lines}
          columns={columns}
          rowId={(row) => row.id}
          onOpen={(row) => setOpen(row.id)}
          auto
        />
        <p className={classes.hint}>{t("plan.hint")}</p>
      </Panel>
      <Margin key={String(data.margin)} client={props.client} data={data} />
      {line ? (
        <PlanForm
          key={`${line.id} ${data.month}`}
          clientId={props.client.id}
          currency={data.currency}
          month={data.month}
          line={line}
          onClose={() => setOpen(null)}
        />
      ) : null}
    </>
  );
}

/** The share of revenue that is left when the goods are paid; what a return on investment cannot be known without. */
function Margin(props: { client: ClientRow; data: ClientPlans }) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const save = useChange("margin_set");
  const known = props.data.margin === null ? "" : props.data.margin / 10_000;
  const [typed, setTyped] = useState<string | number>(known);
  const percent = typed === "" ? null : Number(typed);
  const wrong = percent !== null && !(percent >= 0 && percent <= 100);
  return (
    <Panel title={t("plan.margin_title")}>
      <form
        className={classes.margin}
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong) return;
          const margin = percent === null ? null : Math.round(percent * 10_000);
          save.mutate({ client_id: props.client.id, margin });
        }}
      >
        <NumberInput
          label={t("plan.margin")}
          description={t("plan.margin_hint")}
          hideControls
          allowNegative={false}
          decimalScale={2}
          suffix=" %"
          value={typed}
          error={wrong ? t("plan.margin_wrong") : null}
          onChange={setTyped}
        />
        <Button type="submit" variant="default" disabled={wrong || typed === known} loading={save.isPending}>
          {shared("save")}
        </Button>
      </form>
      {save.error ? <ErrorPanel error={save.error} /> : null}
    </Panel>
  );
}

function useColumns(client: ClientRow): Column<PlanLine>[] {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const systems = useSystems();
  return useMemo(() => {
    const name = ({ scope, plan }: PlanLine) => {
      switch (scope.type) {
        case "client":
          return t("plan.whole");
        case "channel":
          return systems.name(scope.connector);
        case "campaign":
          return plan?.campaign ?? scope.external_id;
      }
    };
    return [
      {
        id: "scope",
        title: t("plan.of"),
        width: "minmax(200px, 1.4fr)",
        hideable: false,
        cell: (row) => (
          <span className={classes.name}>
            {row.scope.type === "channel" ? <SystemTile connector={row.scope.connector} /> : null}
            {row.scope.type === "client" ? <ClientTile name={client.name} /> : null}
            <span>{name(row)}</span>
          </span>
        ),
      },
      {
        id: "amount",
        title: t("plan.amount"),
        width: "minmax(120px, 0.8fr)",
        align: "right",
        cell: ({ plan }) =>
          plan ? (
            <Money micros={plan.amount} currency={plan.currency} />
          ) : (
            <span className={classes.soft}>{t("plan.none")}</span>
          ),
      },
      {
        id: "phasing",
        title: t("plan.phasing"),
        width: "minmax(120px, 0.8fr)",
        cell: ({ plan }) => (plan ? t(`plan.kind.${plan.phasing.type}`) : null),
      },
      {
        id: "spent",
        title: shared("metric.spend"),
        width: "minmax(110px, 0.8fr)",
        align: "right",
        cell: ({ plan }) => (plan ? <Money micros={plan.pace.spent} currency={plan.currency} /> : null),
      },
      {
        id: "pacing",
        title: shared("pacing.column"),
        width: "132px",
        cell: ({ plan }) => (plan ? <Pacing pace={plan.pace} currency={plan.currency} /> : null),
      },
      {
        id: "expected",
        title: t("plan.expected"),
        width: "minmax(120px, 0.8fr)",
        align: "right",
        cell: ({ plan }) => (plan ? <Money micros={plan.pace.expected} currency={plan.currency} /> : null),
      },
      {
        id: "forecast",
        title: shared("pacing.forecast"),
        width: "minmax(150px, 0.9fr)",
        align: "right",
        cell: ({ plan }) => (plan ? <Forecast pace={plan.pace} currency={plan.currency} /> : null),
      },
      {
        id: "through",
        title: t("column.through"),
        width: "92px",
        cell: ({ plan }) => <DateText day={plan?.pace.through ?? null} />,
      },
    ];
  }, [client.name, systems, t, shared]);
}

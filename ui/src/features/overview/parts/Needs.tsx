/** "Needs you today": a row per trouble, worst first, each with the one button that helps. */
import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { AlertRow, Need } from "@/gen/contract";
import { useAlertAction, useAlertWords } from "@/shared/alerts/alerts";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { useChange } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { Panel } from "@/shared/ui/Layout";
import { HealthIcon } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { useSettled } from "@/shared/ui/settled";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../screens/overview.module.css";

/** Rows of the first drawing: as many as are in sight without scrolling. */
const FIRST = 6;

/** The panel. The first row carries the screen's primary button. Urgent alerts follow the troubles of connections. */
export function Needs(props: { needs: Need[]; alerts: AlertRow[] }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const all = props.needs.length + props.alerts.length;
  const most = useSettled() ? all : FIRST;
  return (
    <Panel title={t("needs")} count={format.count(all)}>
      <div className={classes.needs} tabIndex={all > FIRST ? 0 : undefined} data-scrolls>
        {props.needs.slice(0, most).map((need, index) => (
          <NeedRow key={`${need.connection_id}-${need.error.code}`} need={need} first={index === 0} />
        ))}
        {props.alerts.slice(0, Math.max(0, most - props.needs.length)).map((alert, index) => (
          <UrgentRow key={alert.id} alert={alert} first={props.needs.length === 0 && index === 0} />
        ))}
      </div>
    </Panel>
  );
}

function NeedRow(props: { need: Need; first: boolean }) {
  const { t } = useTranslation("overview");
  const { need } = props;
  const words = useErrorWords();
  const systems = useSystems();
  const format = useFormat();
  const go = useGo();
  const retry = useChange("run_start");
  const said = words(need.error, { connector: need.connector, account: need.account_name });
  const kept = need.data_through ? t("kept", { day: format.day(need.data_through) }) : "";
  const act = () => {
    switch (need.action) {
      case "sign_in":
        return go(links.signIn(need.connection_id));
      case "open_settings":
        return go(links.connection(need.connection_id));
      case "open_run":
        return go(need.run_id ? links.run(need.run_id) : links.connection(need.connection_id));
      case "retry":
        return retry.mutate(
          { connection_id: need.connection_id, client_id: null, range: null, streams: null },
          { onError: (error) => say(error) },
        );
    }
  };
  return (
    <div className={classes.need}>
      <HealthIcon health={said.tone === "watch" ? "watch" : "act"} />
      <SystemTile connector={need.connector} />
      <span
        className={classes.who}
        title={`${systems.name(need.connector)} · ${need.client_name} · ${need.account_name}`}
      >
        <AppLink plain to={links.connection(need.connection_id)}>
          {systems.name(need.connector)}
        </AppLink>{" "}
        · {need.client_name}
      </span>
      <span className={classes.what} title={said.title}>
        {said.title} <span className={classes.muted}>{t("since", { when: format.moment(need.since) })}</span>
      </span>
      <span className={classes.rest} title={`${said.body} ${kept}`}>
        {kept} {said.next}
      </span>
      <Button variant={props.first ? "filled" : "default"} data-size="sm" loading={retry.isPending} onClick={act}>
        {t(`action.${need.action}`)}
      </Button>
    </div>
  );
}

function UrgentRow(props: { alert: AlertRow; first: boolean }) {
  const { t } = useTranslation("overview");
  const { alert } = props;
  const said = useAlertWords()(alert);
  const action = useAlertAction(alert);
  const systems = useSystems();
  const format = useFormat();
  return (
    <div className={classes.need}>
      <HealthIcon health="act" />
      <SystemTile connector={alert.connector} />
      <span
        className={classes.who}
        title={`${systems.name(alert.connector)} · ${alert.client_name} · ${alert.account_name}`}
      >
        <AppLink plain to={links.connection(alert.connection_id)}>
          {systems.name(alert.connector)}
        </AppLink>{" "}
        · {alert.client_name}
      </span>
      <span className={classes.what} title={said.title}>
        {said.title} <span className={classes.muted}>{t("since", { when: format.moment(alert.opened_at) })}</span>
      </span>
      <span className={classes.rest} title={said.body}>
        {said.body}
      </span>
      <Button variant={props.first ? "filled" : "default"} data-size="sm" loading={action.pending} onClick={action.act}>
        {action.label}
      </Button>
    </div>
  );
}

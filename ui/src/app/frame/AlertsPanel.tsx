/**
 * Behind the bell: alerts by client, whose is worst first. Each has its word of urgency, what happened, when it was found and the
 * one button that helps; muting is a quiet second. It lies over the right edge of the screen, which keeps its shape, and takes the
 * focus, so that the keyboard reaches the first button in one step.
 */
import { Button } from "@mantine/core";
import { IconBell } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { AlertGroup, AlertRow } from "@/gen/contract";
import { severityTones, toneOfAlert, useAlertAction, useAlertWords } from "@/shared/alerts/alerts";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { Drawer } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";
import classes from "./frame.module.css";

/** The panel. */
export function AlertsPanel(props: { onClose: () => void }) {
  const { t } = useTranslation("alerts");
  const go = useGo();
  const read = useRead("alerts_list", { client_id: null });
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.querySelector<HTMLElement>("[data-scrolls]")?.focus(), []);
  return (
    <div ref={panel} className={classes.alerts}>
      <Drawer
        title={t("title")}
        subtitle={read.data ? t("open", { count: read.data.open }) : undefined}
        onClose={props.onClose}
        footRight={
          <Button variant="default" onClick={() => go(links.settings())}>
            {t("rules")}
          </Button>
        }
      >
        {read.isError ? (
          <ErrorPanel error={read.error} onAction={() => read.refetch()} />
        ) : !read.data ? (
          <BoneRows rows={8} />
        ) : read.data.groups.length === 0 ? (
          <EmptyState icon={IconBell} title={t("empty_title")}>
            {t("empty_body")}
          </EmptyState>
        ) : (
          read.data.groups.map((group) => <Group key={group.client_id} group={group} />)
        )}
      </Drawer>
    </div>
  );
}

function Group(props: { group: AlertGroup }) {
  const { group } = props;
  return (
    <section className={classes.alertGroup} aria-label={group.client_name}>
      <h3>
        <AppLink plain to={links.client(group.client_id)}>
          {group.client_name}
        </AppLink>
      </h3>
      <ul>
        {group.alerts.map((alert) => (
          <Alert key={alert.id} alert={alert} />
        ))}
      </ul>
    </section>
  );
}

function Alert(props: { alert: AlertRow }) {
  const { alert } = props;
  const { t } = useTranslation("alerts");
  const format = useFormat();
  const systems = useSystems();
  const words = useAlertWords()(alert);
  const action = useAlertAction(alert);
  const mute = useChange("alert_mute");
  const muted = alert.state === "muted";
  const word = alert.state === "settled" ? t("settled") : muted ? t("muted") : t(`severity.${alert.severity}`);
  return (
    <li className={classes.alert} data-quiet={alert.state !== "open"}>
      <div className={classes.alertHead}>
        <StateWord
          tone={toneOfAlert(alert.severity, alert.state)}
          word={word}
          {...(muted ? { title: t(`severity.${alert.severity}`) } : {})}
        />
        <span className={classes.alertWhen}>
          {alert.settled_at
            ? t("settled_at", { when: format.moment(alert.settled_at) })
            : t("since", { when: format.moment(alert.opened_at) })}
        </span>
      </div>
      <b>{words.title}</b>
      <p>
        {words.body}{" "}
        <span className={classes.alertWhere}>
          {systems.name(alert.connector)} · {alert.account_name}
        </span>
      </p>
      {alert.state === "settled" ? null : (
        <div className={classes.alertButtons}>
          <Button
            variant={alert.state === "open" && severityTones[alert.severity] === "act" ? "filled" : "default"}
            data-size="sm"
            loading={action.pending}
            onClick={action.act}
          >
            {action.label}
          </Button>
          <Button
            variant="subtle"
            data-size="sm"
            title={muted ? undefined : t("mute_hint")}
            aria-label={t(muted ? "unmute_what" : "mute_what", { title: words.title })}
            loading={mute.isPending}
            onClick={() => mute.mutate({ id: alert.id, muted: !muted }, { onError: (error) => say(error) })}
          >
            {t(muted ? "unmute" : "mute")}
          </Button>
        </div>
      )}
    </li>
  );
}

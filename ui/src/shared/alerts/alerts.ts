/**
 * Alerts in words, and the one thing to do about each. The bell, the overview and the settings speak of the same kinds, so
 * the words stand here; which kind asks for which action is the backend's decision.
 */
import { useTranslation } from "react-i18next";
import type { AlertRow, AlertState, Code, Severity } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import type { StateTone } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";

/** How loud a severity is. */
export const severityTones: Record<Severity, StateTone> = { critical: "act", warning: "watch", notice: "off" };

/** How loud an alert is: what is over or muted is quiet. */
export function toneOfAlert(severity: Severity, state: AlertState): StateTone {
  if (state === "settled") return "good";
  return state === "muted" ? "off" : severityTones[severity];
}

/** What happened in a few words, and the sentence that explains it. */
export interface AlertWords {
  /** What happened. */
  title: string;
  /** How bad, compared with what. */
  body: string;
}

/** A function that puts alerts into words of the present language. */
export function useAlertWords(): (alert: AlertRow) => AlertWords {
  const { t } = useTranslation("alerts");
  const { t: failure } = useTranslation("errors");
  const format = useFormat();
  const systems = useSystems();
  return (alert) => {
    const { params, days } = alert;
    const number = (name: string) => Number(params[name] ?? 0);
    const day = (name: string) => (params[name] ? format.day(params[name]) : t("never"));
    const amount = (name: string) =>
      params.currency ? format.moneyExact(number(name), params.currency) : format.count(number(name));
    const when = days ? (days.from === days.to ? format.day(days.from) : format.range(days.from, days.to)) : "";
    const metric = params.metric === "rows" || params.metric === "spend" ? params.metric : "impressions";
    const compared = params.metric === "cost" || params.metric === "clicks" ? params.metric : "impressions";
    const system = systems.name(alert.connector);
    const code = () => (params.code ? failure(`codes.${params.code as Code}.title`, { system }) : "");
    switch (alert.kind) {
      case "sign_in_needed":
        return { title: t("sign_in_needed.title"), body: t("sign_in_needed.body", { system }) };
      case "failing":
        return { title: t("failing.title", { count: number("failures") }), body: code() };
      case "sign_in_ends":
        return { title: t("sign_in_ends.title"), body: t("sign_in_ends.body", { until: day("until") }) };
      case "stale":
        return {
          title: t("stale.title"),
          body: t("stale.body", { through: day("data_through"), expected: day("expected") }),
        };
      case "empty_day":
        return {
          title: t("empty_day.title", { when }),
          body: t("empty_day.body", { usual: format.count(number("usual")) }),
        };
      case "unusual_volume":
        return {
          title: t("unusual_volume.title", { when }),
          body: t(`unusual_volume.${metric}`, { found: amount("found"), usual: amount("usual") }),
        };
      case "repeated_day":
        return { title: t("repeated_day.title", { when }), body: t("repeated_day.body", { same: day("same_as") }) };
      case "shrunk_day":
        return {
          title: t("shrunk_day.title", { when }),
          body: t(`shrunk_day.${metric}`, { before: amount("before"), after: amount("after") }),
        };
      case "spend_without_conversions":
        return {
          title: t("spend_without_conversions.title", { count: number("days") }),
          body: t("spend_without_conversions.body", {
            spend: amount("spend"),
            usual: format.count(number("usual")),
          }),
        };
      case "quarantine_growing":
        return {
          title: t("quarantine_growing.title", { count: number("rows") }),
          body: t("quarantine_growing.body", { usual: format.count(number("usual")) }),
        };
      case "error_share":
        return {
          title: t("error_share.title", { percent: number("percent") }),
          body: t("error_share.body", { count: number("requests") }),
        };
      case "schema_drift":
        return {
          title: t("schema_drift.title"),
          body: t("schema_drift.body", {
            stream: systems.stream(alert.connector, params.stream ?? ""),
            count: number("changes"),
          }),
        };
      case "totals_differ":
        return {
          title: t("totals_differ.title", { when }),
          body: t(`totals_differ.${compared}`, { ours: amount("ours"), theirs: amount("theirs") }),
        };
    }
  };
}

/** The one thing to do about an alert: its label, and doing it. */
export function useAlertAction(alert: AlertRow): { label: string; act: () => void; pending: boolean } {
  const { t } = useTranslation("alerts");
  const go = useGo();
  const start = useChange("run_start");
  const collect = (range: AlertRow["days"]) =>
    start.mutate(
      { connection_id: alert.connection_id, client_id: null, range, streams: null },
      { onSuccess: ({ run_ids }) => run_ids[0] && go(links.run(run_ids[0])), onError: (error) => say(error) },
    );
  const act = () => {
    switch (alert.action) {
      case "sign_in":
        return go(links.signIn(alert.connection_id));
      case "sync_now":
        return collect(null);
      case "recollect":
        return collect(alert.days);
      case "open_run":
        return go(alert.run_id ? links.run(alert.run_id) : links.connection(alert.connection_id));
      case "open_drift":
        return go(links.changes(alert.connection_id));
      case "open_client":
        return go(links.client(alert.client_id));
    }
  };
  return { label: t(`action.${alert.action}`), act, pending: start.isPending };
}

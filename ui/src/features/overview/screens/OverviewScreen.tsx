/**
 * The nine o'clock screen. The sentence at the top answers "is everything all right?", the strip is scanned, "needs you
 * today" says which, what, what was kept and what to press, and the portfolio sorts trouble to the fold.
 */
import { Button } from "@mantine/core";
import { IconPlug, IconRefresh, IconUsersGroup } from "@tabler/icons-react";
import { Trans, useTranslation } from "react-i18next";
import type { Overview } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { usePeriod } from "@/shared/period/usePeriod";
import { useChange, useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { KpiBones, KpiStrip } from "@/shared/ui/KpiStrip";
import { Key, PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { Banner, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { useScreenSync, useSyncHere } from "@/shared/ui/screenSync";
import { shortcuts } from "@/shared/ui/shortcuts";
import { Anomalies } from "../parts/Anomalies";
import { Needs } from "../parts/Needs";
import { Portfolio } from "../parts/Portfolio";

/** The overview. */
export function OverviewScreen() {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const status = useStatus();
  const period = usePeriod();
  const overview = useRead("overview_get", { period: period.range, compare: period.compare }, { keep: true });
  const sync = useSyncHere();
  useScreenSync(null);
  const go = useGo();
  const data = overview.data;
  const [anomalies, showAnomalies] = useQueryWord("anomalies");
  return (
    <Screen
      fill={data !== undefined && data.rows.length > 0}
      drawer={
        anomalies ? (
          <Anomalies
            clientId={anomalies === "all" ? null : anomalies}
            period={period.range}
            onClose={() => showAnomalies(null)}
          />
        ) : undefined
      }
    >
      <PageHead
        title={format.weekday(status.today)}
        answer={data && data.rows.length > 0 && status.connections > 0 ? <Answer data={data} /> : null}
      >
        {data ? <span>{t("updated", { time: format.time(data.as_of) })}</span> : null}
        {status.connections > 0 ? (
          <Button
            variant="default"
            leftSection={<IconRefresh size={14} />}
            rightSection={<Key keys={shortcuts.sync.keys} />}
            loading={sync.pending}
            onClick={() => sync.start()}
          >
            {t("sync_all")}
          </Button>
        ) : null}
      </PageHead>
      {overview.isError && !data ? (
        <ErrorPanel error={overview.error} onAction={() => overview.refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.rows.length === 0 ? (
        <NoClients />
      ) : status.connections === 0 ? (
        <Panel grow>
          <EmptyState
            icon={IconPlug}
            title={t("unconnected_title")}
            action={<Button onClick={() => go(links.connect())}>{t("connect")}</Button>}
          >
            {t("unconnected_body")}
          </EmptyState>
        </Panel>
      ) : (
        <>
          <KpiStrip kpis={data.kpis} currency={data.currency} label={t("kpis")} atLeast={data.partial} />
          {data.left_out.map((left) => (
            <Banner
              key={left.currency}
              tone="calm"
              fact={t("left_out", { count: left.clients, currency: left.currency })}
            >
              {left.spend === null ? null : format.moneyExact(left.spend, left.currency)}
            </Banner>
          ))}
          {data.needs.length + data.alerts.length > 0 ? <Needs needs={data.needs} alerts={data.alerts} /> : null}
          <Portfolio data={data} />
        </>
      )}
    </Screen>
  );
}

function Answer(props: { data: Overview }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const { health, rows, needs, alerts, complete_through } = props.data;
  const bold = { b: <b /> };
  const calm = health.act === 0 && health.watch === 0 && needs.length === 0 && alerts.length === 0;
  return (
    <>
      {health.act > 0 ? (
        <Trans t={t} i18nKey="answer_act" count={rows.length} values={{ act: health.act }} components={bold} />
      ) : null}{" "}
      {health.watch > 0 ? <Trans t={t} i18nKey="answer_watch" count={health.watch} components={bold} /> : null}
      {calm ? <b>{t("answer_good")}</b> : null}{" "}
      {complete_through
        ? calm
          ? t("through_all", { day: format.dayLong(complete_through) })
          : t("through", { day: format.dayLong(complete_through) })
        : null}
    </>
  );
}

function Loading() {
  const { t } = useTranslation("overview");
  return (
    <>
      <KpiBones />
      <Panel title={t("portfolio")} grow>
        <BoneRows rows={14} />
      </Panel>
    </>
  );
}

function NoClients() {
  const { t } = useTranslation("overview");
  const go = useGo();
  const { demo } = useStatus();
  const open = useChange("workspace_open_demo");
  return (
    <Panel grow>
      <EmptyState
        icon={IconUsersGroup}
        title={t("empty_title")}
        action={
          <>
            <Button onClick={() => go(links.newClient())}>{t("empty_add")}</Button>
            {demo ? null : (
              <Button variant="default" loading={open.isPending} onClick={() => open.mutate({})}>
                {t("empty_demo")}
              </Button>
            )}
          </>
        }
      >
        {t("empty_body")}
      </EmptyState>
      {open.isError ? <ErrorPanel error={open.error} /> : null}
    </Panel>
  );
}

/** Statistics of a client: one period for the chart and the table under it. */
import { Button } from "@mantine/core";
import { IconChartBarOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ClientRow, Grain } from "@/gen/contract";
import { usePeriod } from "@/shared/period/usePeriod";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { Panel } from "@/shared/ui/Layout";
import { Bone, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { ChartPanel, grains } from "./ChartPanel";
import { PivotPanel } from "./PivotPanel";

/** The tab. */
export function Statistics(props: { client: ClientRow }) {
  const { t } = useTranslation("clients");
  const go = useGo();
  const period = usePeriod();
  const [word, setWord] = useQueryWord("grain");
  const grain: Grain = grains.find((known) => known === word) ?? "day";
  const request = { client_id: props.client.id, period: period.range, compare: period.compare, level: null, grain };
  const stats = useRead("client_stats", request, { keep: true });
  if (stats.isError && !stats.data) return <ErrorPanel error={stats.error} onAction={() => stats.refetch()} />;
  if (!stats.data)
    return (
      <>
        <Panel>
          <div style={{ padding: 12, height: 256, display: "flex", alignItems: "flex-end", gap: 12 }}>
            {[120, 96, 140, 150, 88, 104, 160, 132, 110, 148, 126, 138].map((height) => (
              <Bone key={height} width="100%" height={height} />
            ))}
          </div>
        </Panel>
        <Panel title={t("table")}>
          <BoneRows rows={10} />
        </Panel>
      </>
    );
  if (stats.data.connections.length === 0)
    return (
      <Panel>
        <EmptyState
          icon={IconChartBarOff}
          title={t("no_stats_title")}
          action={<Button onClick={() => go(links.syncs(props.client.id))}>{t("sync")}</Button>}
        >
          {t("no_stats_body")}
        </EmptyState>
      </Panel>
    );
  return (
    <>
      <ChartPanel data={stats.data} grain={grain} onGrain={(next) => setWord(next, { replace: true })} />
      <PivotPanel
        clientId={props.client.id}
        period={period.range}
        counted={stats.data.connections.some((row) => row.sums.visits !== null)}
      />
    </>
  );
}

/** Anomalies in a drawer beside the portfolio: by client, each in a sentence with its figures, and the two answers that a person can give. */
import { Button } from "@mantine/core";
import { IconChartDots } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AnomalyRow, AnomalyVerdict, DateRange } from "@/gen/contract";
import { useAnomalyWords, verdictTones } from "@/shared/anomalies/anomalies";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { Chips, Drawer } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { SystemTile } from "@/shared/ui/Tiles";
import { byClient } from "../logic/anomalies";
import classes from "./anomalies.module.css";

/** The drawer of one client's anomalies, or of everybody's. */
export function Anomalies(props: { clientId: string | null; period: DateRange; onClose: () => void }) {
  const { t } = useTranslation("anomalies");
  const [days, setDays] = useState<"newest" | "period">("newest");
  const read = useRead(
    "anomalies_list",
    { client_id: props.clientId, period: days === "period" ? props.period : null },
    { keep: true },
  );
  const open = read.data?.filter((row) => row.feedback === null).length;
  return (
    <div className={classes.beside}>
      <Drawer
        title={t("title")}
        subtitle={open === undefined ? undefined : t("open", { count: open })}
        onClose={props.onClose}
        tabs={
          <div className={classes.top}>
            <Chips
              label={t("days")}
              active={days}
              onChange={setDays}
              options={[
                { id: "newest", label: t("newest") },
                { id: "period", label: t("period") },
              ]}
            />
            <p>{t("day_hint")}</p>
          </div>
        }
      >
        {read.isError ? (
          <ErrorPanel error={read.error} onAction={() => read.refetch()} />
        ) : !read.data ? (
          <BoneRows rows={8} />
        ) : read.data.length === 0 ? (
          <EmptyState icon={IconChartDots} title={t("empty_title")}>
            {t("empty_body")}
          </EmptyState>
        ) : (
          byClient(read.data).map((rows) => <Client key={rows[0].client_id} rows={rows} />)
        )}
      </Drawer>
    </div>
  );
}

function Client(props: { rows: [AnomalyRow, ...AnomalyRow[]] }) {
  const { client_id, client_name } = props.rows[0];
  return (
    <section className={classes.group} aria-label={client_name}>
      <h3>
        <AppLink plain to={links.client(client_id)}>
          {client_name}
        </AppLink>
      </h3>
      <ul>
        {props.rows.map((row) => (
          <Row key={`${row.connection_id} ${row.metric} ${row.date}`} row={row} />
        ))}
      </ul>
    </section>
  );
}

function Row(props: { row: AnomalyRow }) {
  const { row } = props;
  const { t } = useTranslation("anomalies");
  const words = useAnomalyWords()(row);
  const answer = useChange("anomaly_feedback");
  const give = (feedback: AnomalyVerdict | null) =>
    answer.mutate(
      { connection_id: row.connection_id, metric: row.metric, date: row.date, feedback },
      { onError: (error) => say(error) },
    );
  const news = t(`verdict.${row.verdict}`);
  return (
    <li className={classes.row} data-quiet={row.feedback !== null}>
      <div className={classes.head}>
        {row.feedback === null ? (
          <StateWord tone={verdictTones[row.verdict]} word={news} />
        ) : (
          <StateWord tone="off" word={t(`feedback.${row.feedback}`)} title={news} />
        )}
        <SystemTile connector={row.connector} />
      </div>
      <b>{words.title}</b>
      <p>{words.body}</p>
      <div className={classes.buttons}>
        {row.feedback === null ? (
          <>
            <Button
              variant="default"
              data-size="sm"
              title={t("ignore_hint")}
              aria-label={t("ignore_what", { title: words.title })}
              loading={answer.isPending}
              onClick={() => give("ignored")}
            >
              {t("ignore")}
            </Button>
            <Button
              variant="default"
              data-size="sm"
              title={t("expected_hint")}
              aria-label={t("expected_what", { title: words.title })}
              loading={answer.isPending}
              onClick={() => give("expected")}
            >
              {t("expected")}
            </Button>
          </>
        ) : (
          <Button
            variant="subtle"
            data-size="sm"
            aria-label={t("take_back_what", { title: words.title })}
            loading={answer.isPending}
            onClick={() => give(null)}
          >
            {t("take_back")}
          </Button>
        )}
      </div>
    </li>
  );
}

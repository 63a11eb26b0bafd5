/**
 * What a collecting again is about and what it takes: which streams, and the backend's estimate of requests, time and quota. Where
 * nothing was read before there is nothing to learn from, and it says so instead of a number.
 */
import { Select } from "@mantine/core";
import { useContext } from "react";
import { useTranslation } from "react-i18next";
import type { DateRange } from "@/gen/contract";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { SystemsContext } from "@/shared/ui/systems";
import classes from "../syncs.module.css";

/** The choice of streams and the estimate. `streams` is null when all are meant. */
export function CollectPlan(props: {
  connectionId: string;
  connector: string;
  range: DateRange;
  streams: string[] | null;
  onStreams: (streams: string[] | null) => void;
}) {
  const { t } = useTranslation("syncs");
  const language = useLanguage();
  const known = useContext(SystemsContext).get(props.connector)?.streams ?? [];
  const choices = known.filter((stream) => stream.kind === "statistics");
  return (
    <>
      {choices.length > 1 ? (
        <Select
          mt={8}
          label={t("streams")}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          data={[
            { value: "", label: t("streams_all") },
            ...choices.map((stream) => ({ value: stream.name, label: stream.title[language] })),
          ]}
          value={props.streams?.[0] ?? ""}
          onChange={(name) => props.onStreams(name ? [name] : null)}
        />
      ) : null}
      <Estimate {...props} />
      <small>{t("ask_kept")}</small>
    </>
  );
}

function Estimate(props: { connectionId: string; range: DateRange; streams: string[] | null }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const { data, isError } = useRead(
    "run_estimate",
    { connection_id: props.connectionId, client_id: null, range: props.range, streams: props.streams },
    { keep: true },
  );
  // What cannot be estimated can still be collected.
  if (isError) return null;
  const words = !data
    ? t("estimate_waits")
    : data.slices === 0
      ? t("estimate_none")
      : data.secs === null || data.requests === null
        ? t("estimate_unknown", { count: data.slices })
        : t("estimate", {
            time: format.about(data.secs),
            requests: t("requests", { count: data.requests, printed: format.count(data.requests) }),
          });
  return (
    <p className={classes.estimate} role="status">
      {words}
      {data?.pause_at && data.pause_until
        ? ` ${t("estimate_pause", { at: format.moment(data.pause_at), until: format.moment(data.pause_until) })}`
        : null}
    </p>
  );
}

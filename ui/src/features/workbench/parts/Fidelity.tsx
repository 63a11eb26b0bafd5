/** The fidelity report: stream by stream what will run, what is left out of it, and what cannot run and because of what. */
import { useTranslation } from "react-i18next";
import type { StreamRemark, StreamReport, Fidelity as Verdict } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { type StateTone, StateWord } from "@/shared/ui/States";
import classes from "../workbench.module.css";

const tones: Record<Verdict, StateTone> = { runs: "good", runs_without: "watch", unavailable: "act" };
const verdicts: Verdict[] = ["runs", "runs_without", "unavailable"];

/** How true one stream is to its manifest. */
export function VerdictWord(props: { of: Verdict }) {
  const { t } = useTranslation("workbench");
  return <StateWord tone={tones[props.of]} word={t(`verdict.${props.of}`)} />;
}

/** The streams counted by verdict, for the sentence over the table. */
export function VerdictCounts(props: { streams: StreamReport[] }) {
  const { t } = useTranslation("workbench");
  return (
    <span className={classes.counts}>
      {verdicts.map((verdict) => {
        const count = props.streams.filter((stream) => stream.fidelity === verdict).length;
        return count === 0 ? null : (
          <StateWord key={verdict} tone={tones[verdict]} word={t(`count.${verdict}`, { count })} />
        );
      })}
    </span>
  );
}

/** A remark in words. */
export function Remark(props: { verdict: Verdict; remark: StreamRemark }) {
  const { t } = useTranslation("workbench");
  const { component, message, path } = props.remark;
  return (
    <p className={classes.remark}>
      <span>
        {component === null
          ? message
          : props.verdict === "unavailable"
            ? t("remark.needs", { component })
            : t("remark.without", { component })}
        {component !== null && message ? ` ${message}` : null}
      </span>
      {path ? <code>{path}</code> : null}
    </p>
  );
}

/** The table. */
export function FidelityTable(props: { streams: StreamReport[]; generates: boolean }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className={classes.tableFrame} tabIndex={0} data-scrolls aria-label={t("report")}>
      <table className={classes.table} data-testid="fidelity">
        <thead>
          <tr>
            <th style={{ width: "20%" }}>{t("column.stream")}</th>
            <th style={{ width: 150 }}>{t("column.verdict")}</th>
            <th>{t("column.why")}</th>
            <th style={{ width: "12%" }}>{t("column.key")}</th>
            <th style={{ width: "12%" }}>{t("column.continues")}</th>
            <th style={{ width: 64 }} data-align="right">
              {t("column.fields")}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.streams.map((stream) => (
            <tr key={stream.name} data-verdict={stream.fidelity}>
              <td>
                <b title={stream.name}>{stream.name}</b>
              </td>
              <td>
                <VerdictWord of={stream.fidelity} />
              </td>
              <td data-wrap>
                {stream.remarks.map((remark) => (
                  <Remark
                    key={`${remark.path} ${remark.component} ${remark.message}`}
                    verdict={stream.fidelity}
                    remark={remark}
                  />
                ))}
              </td>
              <td title={stream.primary_key.join(", ")}>
                <code>{stream.primary_key.join(", ")}</code>
              </td>
              <td title={stream.cursor_field ?? undefined}>
                {stream.cursor_field ? <code>{stream.cursor_field}</code> : stream.incremental ? t("continues") : null}
              </td>
              <td data-align="right">{stream.fields.length > 0 ? format.count(stream.fields.length) : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.streams.length === 0 ? <p className={classes.none}>{t("no_streams")}</p> : null}
      {props.generates ? <p className={classes.none}>{t("generates")}</p> : null}
    </section>
  );
}

/** A client's anomalies in the portfolio: the worst in two words, how many more there are, and the way to all of them. */
import { useTranslation } from "react-i18next";
import type { PortfolioRow } from "@/gen/contract";
import { useShortAnomaly, verdictTones } from "@/shared/anomalies/anomalies";
import { useFormat } from "@/shared/format/useFormat";
import { StateWord } from "@/shared/ui/States";
import classes from "./anomalies.module.css";

/** The cell; empty when every day is as usual. */
export function AnomalyCell(props: { row: PortfolioRow; onOpen: (clientId: string) => void }) {
  const { row } = props;
  const { t } = useTranslation("anomalies");
  const format = useFormat();
  const short = useShortAnomaly();
  if (row.worst_anomaly === null) return null;
  const label = t("all_of", { client: row.client_name, count: row.anomalies });
  return (
    <button
      type="button"
      tabIndex={-1}
      className={classes.cell}
      title={label}
      onClick={() => props.onOpen(row.client_id)}
    >
      <StateWord tone={verdictTones[row.worst_anomaly.verdict]} word={short(row.worst_anomaly)} />
      {row.anomalies > 1 ? <span>+{format.count(row.anomalies - 1)}</span> : null}
    </button>
  );
}

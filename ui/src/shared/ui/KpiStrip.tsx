/** The strip of figures: ten in a row, no boxes, a stronger rule between volume and efficiency. */
import { useTranslation } from "react-i18next";
import type { Kpi } from "@/gen/contract";
import { Change, Figure } from "./Figures";
import classes from "./kit.module.css";
import { Bone } from "./Notices";
import { Sparkline } from "./Sparkline";

/** Metrics whose part in the whole would be wrong to call a lower bound: ratios can err either way. */
const sums = new Set(["spend", "impressions", "clicks", "conversions", "revenue"]);

/** The strip. `atLeast` marks sums from which some part is missing. */
export function KpiStrip(props: { kpis: Kpi[]; currency: string; label: string; atLeast?: boolean }) {
  const { t } = useTranslation("shared");
  return (
    <section className={`${classes.panel} ${classes.kpis}`} aria-label={props.label}>
      {props.kpis.map((kpi) => (
        <div key={kpi.metric} className={classes.kpi} data-rule={kpi.metric === "ctr"} data-metric={kpi.metric}>
          <div className={classes.kpiLabel}>{t(`metric.${kpi.metric}`)}</div>
          <div className={classes.kpiValue}>
            {kpi.value === null ? (
              <span className={classes.unknown}>–</span>
            ) : (
              <Figure
                micros={kpi.value}
                unit={kpi.unit}
                currency={props.currency}
                compact
                atLeast={(props.atLeast ?? false) && sums.has(kpi.metric)}
              />
            )}
          </div>
          <div className={classes.kpiFoot}>
            <Sparkline
              series={kpi.series}
              {...(kpi.compare_series.length > 1 ? { compare: kpi.compare_series } : {})}
              area
            />
            <Change micros={kpi.change} verdict={kpi.verdict} points={kpi.unit === "percent" && kpi.metric === "drr"} />
          </div>
        </div>
      ))}
    </section>
  );
}

const TILES = ["spend", "impressions", "clicks", "conversions", "revenue", "ctr", "cpc", "cpa", "roas", "drr"];

/** The strip while it is being read. */
export function KpiBones() {
  return (
    <div className={`${classes.panel} ${classes.kpis}`} aria-hidden>
      {TILES.map((tile) => (
        <div key={tile} className={classes.kpi} data-rule={tile === "ctr"} style={{ height: 64 }}>
          <Bone width={44} />
          <div style={{ height: 12 }} />
          <Bone width={64} height={13} />
          <div style={{ height: 14 }} />
          <Bone width={74} />
        </div>
      ))}
    </div>
  );
}

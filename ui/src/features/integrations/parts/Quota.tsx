/** How much of its limits a platform still gives an account, window by window: the first thing to look at when a sync waits. */
import { useTranslation } from "react-i18next";
import type { QuotaWindow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { ProgressBar } from "@/shared/ui/Progress";
import classes from "../integrations.module.css";

const named = { 60: "minute", 3600: "hour", 86400: "day" } as const;

/** A bar per window, and when it is full again. */
export function Quota(props: { windows: QuotaWindow[] }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  return (
    <section className={classes.drawerPart}>
      <h3>{t("quota.title")}</h3>
      <ul className={classes.quota}>
        {props.windows.map((window) => {
          const known = Object.entries(named).find(([secs]) => Number(secs) === window.period_secs)?.[1];
          const per = known
            ? t(`quota.per.${known}`)
            : t("quota.per_secs", { count: window.period_secs, printed: format.count(window.period_secs) });
          return (
            <li key={`${window.scope} ${window.period_secs}`}>
              <span>
                {per} {window.scope ? <code className={classes.mono}>{window.scope}</code> : null}
              </span>
              <span>{t("quota.used", { used: format.count(window.used), limit: format.count(window.limit) })}</span>
              <ProgressBar share={window.limit > 0 ? window.used / window.limit : null} label={per} />
              <small>{t("quota.ends", { at: format.moment(window.ends) })}</small>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

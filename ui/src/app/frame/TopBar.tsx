/** The top bar: whose data, which days, the way to everything else, and the bell with the number of open alerts. */
import { ActionIcon } from "@mantine/core";
import { IconBell, IconSearch } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useStatus } from "@/shared/query/status";
import { Key } from "@/shared/ui/Layout";
import { shortcuts } from "@/shared/ui/shortcuts";
import classes from "./frame.module.css";
import { PeriodPicker } from "./PeriodPicker";

/** The top bar. */
export function TopBar(props: {
  onSearch: () => void;
  switcher: ReactNode;
  alertsOpen: boolean;
  onAlerts: () => void;
}) {
  const { t } = useTranslation("frame");
  const { t: ta } = useTranslation("alerts");
  const { alerts } = useStatus();
  const bell = alerts > 0 ? ta("bell", { count: alerts }) : ta("bell_none");
  return (
    <header className={classes.top}>
      {props.switcher}
      <PeriodPicker />
      <button
        type="button"
        className={`${classes.pick} ${classes.search}`}
        onClick={props.onSearch}
        aria-haspopup="dialog"
      >
        <IconSearch size={15} stroke={1.7} aria-hidden />
        <span>{t("search")}</span>
        <Key keys={shortcuts.palette.keys} />
      </button>
      <ActionIcon
        className={classes.bell}
        aria-label={bell}
        aria-expanded={props.alertsOpen}
        title={bell}
        onClick={props.onAlerts}
      >
        <IconBell size={18} stroke={1.6} aria-hidden />
        {alerts > 0 ? <span className={classes.bellCount}>{alerts > 99 ? "99+" : alerts}</span> : null}
      </ActionIcon>
    </header>
  );
}

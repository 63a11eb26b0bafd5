/** The top bar: whose data, which days, the way to everything else, and how many things need a person. */
import { ActionIcon } from "@mantine/core";
import { IconBell, IconSearch } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useStatus } from "@/shared/query/status";
import { links, useGo } from "@/shared/ui/AppLink";
import { Key } from "@/shared/ui/Layout";
import { shortcuts } from "@/shared/ui/shortcuts";
import classes from "./frame.module.css";
import { PeriodPicker } from "./PeriodPicker";

/** The top bar. */
export function TopBar(props: { onSearch: () => void; switcher: ReactNode }) {
  const { t } = useTranslation("frame");
  const { problems } = useStatus();
  const go = useGo();
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
        aria-label={problems > 0 ? t("needs", { count: problems }) : t("bell_none")}
        title={problems > 0 ? t("needs", { count: problems }) : t("bell_none")}
        onClick={() => go(links.overview())}
      >
        <IconBell size={18} stroke={1.6} aria-hidden />
        {problems > 0 ? <span className={classes.bellCount}>{problems}</span> : null}
      </ActionIcon>
    </header>
  );
}

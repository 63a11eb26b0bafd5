/** What a system's export is, where it is taken, and which of its columns are understood before anybody corrects them. */
import { useTranslation } from "react-i18next";
import type { Connector } from "@/gen/contract";
import { useLanguage } from "@/shared/format/useFormat";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../imports.module.css";

/** The words of a system with a preset. */
export function UsualExport(props: { of: Connector }) {
  const { t } = useTranslation("imports");
  const language = useLanguage();
  const { of } = props;
  const columns = of.files?.columns.filter((column) => column.field !== "ignore") ?? [];
  return (
    <section className={classes.usual} aria-label={of.name[language]} data-testid="usual-export">
      <header>
        <SystemTile connector={of.id} size={30} />
        <div>
          <h2>{of.name[language]}</h2>
          <p>{of.summary[language]}</p>
        </div>
      </header>
      <p>{of.sign_in_help[language]}</p>
      {of.in_totals === "apart" ? <p>{t("apart")}</p> : null}
      <h3>{t("usual")}</h3>
      <dl>
        {columns.map((column) => (
          <div key={column.field}>
            <dt>{t(`field.${column.field}`)}</dt>
            <dd>{column.headers.join(", ")}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

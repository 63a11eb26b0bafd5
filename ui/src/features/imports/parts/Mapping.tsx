/** The columns of a file with their meaning and a few values, and the rows that cannot be written. */
import { useTranslation } from "react-i18next";
import type { ImportChecked, ImportField, ImportPreview } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import classes from "../imports.module.css";
import { importFields, samples } from "../logic/mapping";

/** A row per column. Plain selects: a file may have hundreds of columns, and the system's own list is the lightest. */
export function Mapping(props: {
  preview: ImportPreview;
  fields: ImportField[];
  onChange: (column: number, field: ImportField) => void;
}) {
  const { t } = useTranslation("imports");
  const used = props.fields.filter((field) => field !== "ignore").length;
  return (
    <section aria-label={t("columns")}>
      <h2>
        {t("columns")} <span>{t("used", { used, count: props.fields.length })}</span>
      </h2>
      <table className={classes.table}>
        <thead>
          <tr>
            <th style={{ width: "30%" }}>{t("column")}</th>
            <th style={{ width: 190 }}>{t("meaning")}</th>
            <th>{t("values")}</th>
          </tr>
        </thead>
        <tbody>
          {props.preview.columns.map((column, index) => {
            const field = props.fields[index] ?? "ignore";
            return (
              <tr key={`${column.header} ${String(index)}`} data-used={field !== "ignore"}>
                <td title={column.header}>
                  <b>{column.header || t("unnamed", { number: index + 1 })}</b>
                </td>
                <td>
                  <select
                    className={classes.select}
                    aria-label={t("meaning_of", { column: column.header || t("unnamed", { number: index + 1 }) })}
                    value={field}
                    onChange={(event) =>
                      props.onChange(index, importFields.find((one) => one === event.currentTarget.value) ?? "ignore")
                    }
                  >
                    {importFields.map((one) => (
                      <option key={one} value={one}>
                        {t(`field.${one}`)}
                      </option>
                    ))}
                  </select>
                </td>
                <td className={classes.samples}>
                  {samples(props.preview, index).map((value) => (
                    <code key={value}>{value}</code>
                  ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** The first rows that cannot be written, with the line of the file and the reason. */
export function BadRows(props: { checked: ImportChecked }) {
  const { t } = useTranslation("imports");
  const format = useFormat();
  const { checked } = props;
  return (
    <section aria-label={t("bad_rows")}>
      <h2>
        {t("bad_rows")} <span>{format.count(checked.bad)}</span>
      </h2>
      <table className={classes.table} data-testid="bad-rows">
        <thead>
          <tr>
            <th style={{ width: 70 }}>{t("line")}</th>
            <th style={{ width: "44%" }}>{t("reason")}</th>
            <th>{t("value")}</th>
          </tr>
        </thead>
        <tbody>
          {checked.bad_rows.map((row, index) => (
            <tr key={`${row.line} ${String(index)}`} data-used="true">
              <td>{row.line === null ? null : format.count(row.line)}</td>
              <td>{t(`reject.${row.reason}`, { field: row.field })}</td>
              <td className={classes.samples} title={row.raw}>
                {row.value === "" ? null : <code>{row.value}</code>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {checked.bad > checked.bad_rows.length ? (
        <p className={classes.note}>
          {t("bad_more", {
            shown: format.count(checked.bad_rows.length),
            count: checked.bad,
            printed: format.count(checked.bad),
          })}
        </p>
      ) : null}
    </section>
  );
}

/** How a field of a record is shown in a cell, and which fields get a column. Records come as they are: anything may stand anywhere. */
import type { FieldInfo } from "@/gen/contract";
import type { Column } from "./DataGrid";
import classes from "./kit.module.css";

const LONGEST = 160;
const AT_FIRST = 8;
const MOST_COLUMNS = 60;

/** A value on one line. Unknown is an empty cell, not a word. */
export function RecordValue(props: { value: unknown }) {
  const { value } = props;
  if (value === undefined || value === null) return null;
  if (typeof value === "object")
    return <code className={classes.nested}>{JSON.stringify(value).slice(0, LONGEST)}</code>;
  const text = String(value);
  return typeof value === "number" ? (
    <data value={text}>{text}</data>
  ) : (
    <span title={text}>{text.slice(0, LONGEST)}</span>
  );
}

/** Fields of records that have no field above them, in their order. */
export function topFields(fields: FieldInfo[]): FieldInfo[] {
  return fields.filter((field) => !field.path.includes(".")).slice(0, MOST_COLUMNS);
}

/** A column for each field at the top of the records; the first ones are shown until a person chooses. */
export function recordColumns<Row>(fields: FieldInfo[], read: (row: Row) => unknown): Column<Row>[] {
  return topFields(fields).map((field, index) => {
    const number = /^(?:number|integer)$/.test(field.kind);
    return {
      id: field.path,
      title: field.path,
      width: number ? "minmax(90px, 0.6fr)" : "minmax(130px, 1fr)",
      align: number ? "right" : "left",
      hidden: index >= AT_FIRST,
      cell: (row) => {
        const record = read(row);
        const value =
          typeof record === "object" && record !== null ? (record as Record<string, unknown>)[field.path] : undefined;
        return <RecordValue value={value} />;
      },
    };
  });
}

/** A line without axes. Unknown days are gaps, never zeros. Inline SVG: fifty of them in a table cost next to nothing. */
import classes from "./kit.module.css";

type Series = (number | null)[];

function paths(series: Series, width: number, height: number, min: number, max: number): string {
  const span = max - min || 1;
  const step = series.length > 1 ? width / (series.length - 1) : 0;
  let path = "";
  let open = false;
  series.forEach((value, index) => {
    if (value === null) {
      open = false;
      return;
    }
    const x = (index * step).toFixed(1);
    const y = (height - 1 - ((value - min) / span) * (height - 2)).toFixed(1);
    path += `${open ? "L" : "M"}${x} ${y}`;
    open = true;
  });
  return path;
}

/** Draws a series, and the comparison dashed behind it. It repeats numbers that stand beside it, so readers skip it. */
export function Sparkline(props: {
  series: Series;
  compare?: Series;
  width?: number;
  height?: number;
  quiet?: boolean;
  area?: boolean;
}) {
  const width = props.width ?? 40;
  const height = props.height ?? 18;
  const known = [...props.series, ...(props.compare ?? [])].filter((value): value is number => value !== null);
  if (known.length < 2) return <span style={{ width, height, display: "inline-block" }} aria-hidden />;
  const min = Math.min(...known);
  const max = Math.max(...known);
  const line = paths(props.series, width, height, min, max);
  const whole = props.area && props.series.every((value) => value !== null);
  return (
    <svg className={classes.spark} width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {whole ? <path d={`${line}L${width} ${height}L0 ${height}Z`} fill="var(--c1)" opacity={0.12} /> : null}
      {props.compare ? (
        <path
          d={paths(props.compare, width, height, min, max)}
          fill="none"
          stroke="var(--tx3)"
          strokeWidth={1}
          strokeDasharray="2 2"
          opacity={0.8}
        />
      ) : null}
      <path
        d={line}
        fill="none"
        stroke={props.quiet ? "var(--tx2)" : "var(--c1)"}
        strokeWidth={1.3}
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}

/** The small squares that mark systems and clients. A brand's hue as ground and glyph; a letter where we have no glyph. */
import classes from "./kit.module.css";
import { useSystems } from "./systems";

const hues = ["#1d66bc", "#148a83", "#c27a12", "#7459c6", "#bf4775", "#5e7083", "#6b8e23", "#2f8fc9"];

function hueOf(text: string): string {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9_973;
  return hues[sum % hues.length] ?? "#5e7083";
}

/** A connected system: 18, 24 or 30 px. */
export function SystemTile(props: { connector: string; size?: 18 | 24 | 30 }) {
  const systems = useSystems();
  const size = props.size ?? 18;
  const icon = systems.icon(props.connector);
  const name = systems.name(props.connector);
  return (
    <span
      className={classes.tile}
      style={{ width: size, height: size, fontSize: size * 0.5, ["--hue" as string]: hueOf(props.connector) }}
      title={name}
    >
      {icon ? (
        <img src={`data:image/svg+xml,${encodeURIComponent(icon)}`} alt="" />
      ) : (
        <span aria-hidden>{name.slice(0, 1).toLocaleUpperCase()}</span>
      )}
    </span>
  );
}

/** A client: the same tile with its initial. */
export function ClientTile(props: { name: string; size?: 18 | 24 }) {
  const size = props.size ?? 18;
  return (
    <span
      className={classes.tile}
      aria-hidden
      style={{ width: size, height: size, fontSize: size * 0.5, ["--hue" as string]: hueOf(props.name) }}
    >
      {props.name.trim().slice(0, 1).toLocaleUpperCase()}
    </span>
  );
}

/** A piece of JSON, or any other body, for reading: indented, in the fixed-width face, never longer than a screen can take. */
import { useTranslation } from "react-i18next";
import { useFormat } from "@/shared/format/useFormat";
import { indented } from "./jsonText";
import classes from "./kit.module.css";

const MOST = 40_000;

/** The text. `text` is a body as it came; `value` is something already read. */
export function JsonText(props: { label: string; text?: string; value?: unknown; fill?: boolean }) {
  const { t } = useTranslation("shared");
  const format = useFormat();
  const whole = props.text === undefined ? (JSON.stringify(props.value, null, 2) ?? "") : indented(props.text);
  const shown = whole.slice(0, MOST);
  return (
    <>
      <section
        className={classes.json}
        data-fill={props.fill ?? false}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        data-scrolls
        aria-label={props.label}
      >
        <pre>{shown}</pre>
      </section>
      {shown.length < whole.length ? (
        <p className={classes.jsonMore}>
          {t("text_cut", { shown: format.count(shown.length), all: format.count(whole.length) })}
        </p>
      ) : null}
    </>
  );
}

/**
 * A text with line numbers, marks at the lines that are wrong, and a search. The field is the browser's own, laid out at
 * its full height inside a region that scrolls: caret, selection, undo, input methods and screen readers are what people
 * know, and a manifest of twenty thousand lines needs no library.
 */
import { ActionIcon, TextInput } from "@mantine/core";
import { IconAlertOctagonFilled, IconArrowDown, IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "../workbench.module.css";

const LINE = 18;
const INDENT = "  ";

/** A line with something wrong. */
export interface Mark {
  /** From 1. */
  line: number;
  /** What is wrong there. */
  message: string;
}

/** The editor. A new `goTo` object brings its line into sight and puts the caret there. */
export function CodeEditor(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  marks?: Mark[];
  goTo?: { line: number } | null;
  readOnly?: boolean;
}) {
  const { t } = useTranslation("workbench");
  const hint = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const leaving = useRef(false);
  const [sought, setSought] = useState("");
  const [missing, setMissing] = useState(false);
  const { value, goTo } = props;
  const lines = useMemo(() => value.split("\n"), [value]);
  const widest = useMemo(() => lines.reduce((most, line) => Math.max(most, line.length), 0), [lines]);
  const numbers = useMemo(() => lines.map((_, index) => index + 1).join("\n"), [lines]);

  const show = (line: number) => {
    const region = scroller.current;
    if (region) region.scrollTop = Math.max(0, (line - 1) * LINE - region.clientHeight / 3);
  };
  // The caret follows a wish to go somewhere, not every change of the text.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text at the time of the wish is the right one
  useEffect(() => {
    const area = field.current;
    if (!goTo || !area) return;
    const at = lines.slice(0, goTo.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(at, at + (lines[goTo.line - 1]?.length ?? 0));
    show(goTo.line);
  }, [goTo]);

  const find = () => {
    const area = field.current;
    if (!area || sought === "") return;
    const hay = value.toLocaleLowerCase();
    const needle = sought.toLocaleLowerCase();
    const after = hay.indexOf(needle, area.selectionEnd);
    const at = after < 0 ? hay.indexOf(needle) : after;
    setMissing(at < 0);
    if (at < 0) return;
    area.setSelectionRange(at, at + needle.length);
    show(value.slice(0, at).split("\n").length);
  };
  const insert = (text: string) => {
    const area = field.current;
    if (!area) return;
    // The old command is the only one that keeps the field's own undo.
    if (typeof document.execCommand === "function" && document.execCommand("insertText", false, text)) return;
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    props.onChange(area.value);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape") {
      leaving.current = true;
      return;
    }
    if (event.key === "Tab" && !event.shiftKey && !leaving.current && !props.readOnly) {
      event.preventDefault();
      insert(INDENT);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing && !props.readOnly) {
      const { selectionStart } = event.currentTarget;
      const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
      event.preventDefault();
      insert(`\n${/^\s*/.exec(line)?.[0] ?? ""}`);
    }
    if (event.key !== "Shift") leaving.current = false;
  };

  return (
    <div className={classes.editor}>
      <div className={classes.editorHead}>
        <TextInput
          size="xs"
          w={220}
          value={sought}
          placeholder={t("editor.find")}
          aria-label={t("editor.find")}
          error={missing}
          leftSection={<IconSearch size={13} />}
          onChange={(event) => {
            setSought(event.currentTarget.value);
            setMissing(false);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              find();
            }
          }}
        />
        <ActionIcon aria-label={t("editor.next")} disabled={sought === ""} onClick={find}>
          <IconArrowDown size={15} />
        </ActionIcon>
        {missing ? <span role="status">{t("editor.missing")}</span> : null}
        <span id={hint} className={classes.editorHint}>
          {t("editor.keys")}
        </span>
      </div>
      <div className={classes.editorScroll} ref={scroller}>
        <div className={classes.editorBody} style={{ height: Math.max(lines.length, 1) * LINE + 16 }}>
          <pre className={classes.gutter} aria-hidden>
            {numbers}
          </pre>
          {(props.marks ?? []).map((mark) => (
            <span
              key={`${mark.line} ${mark.message}`}
              className={classes.mark}
              style={{ top: 8 + (mark.line - 1) * LINE }}
              title={mark.message}
              aria-hidden
            >
              <IconAlertOctagonFilled size={12} />
            </span>
          ))}
          <textarea
            ref={field}
            aria-label={props.label}
            aria-describedby={hint}
            aria-invalid={(props.marks?.length ?? 0) > 0}
            value={value}
            readOnly={props.readOnly}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            wrap="off"
            style={{ width: `max(100%, ${widest + 2}ch)` }}
            onChange={(event) => props.onChange(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
        </div>
      </div>
    </div>
  );
}

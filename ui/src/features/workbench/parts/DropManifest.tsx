/** Where a manifest comes from: a file dropped or chosen, or a text pasted. */
import { Button, Textarea } from "@mantine/core";
import { IconFileCode } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "../workbench.module.css";

/** The most a manifest may have; the backend refuses more, and a browser need not read it. */
export const MOST_BYTES = 8 * 1024 * 1024;

/** Both ways in. */
export function DropManifest(props: { onFile: (file: File) => void; onPaste: (text: string) => void }) {
  const { t } = useTranslation("workbench");
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [typed, setTyped] = useState("");
  return (
    <div className={classes.bring}>
      <section
        className={classes.drop}
        data-over={over}
        aria-label={t("bring.drop")}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          const file = event.dataTransfer.files[0];
          if (file) props.onFile(file);
        }}
      >
        <IconFileCode size={28} stroke={1.5} aria-hidden />
        <h2>{t("bring.drop")}</h2>
        <p>{t("bring.drop_body")}</p>
        <Button onClick={() => input.current?.click()}>{t("bring.choose")}</Button>
        <input
          ref={input}
          type="file"
          hidden
          accept=".yaml,.yml,.json,.txt"
          aria-label={t("bring.choose")}
          data-testid="manifest-file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) props.onFile(file);
          }}
        />
      </section>
      <form
        className={classes.paste}
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== "") props.onPaste(typed);
        }}
      >
        <Textarea
          label={t("bring.paste")}
          description={t("bring.paste_body")}
          placeholder={"version: 6.48.0\ntype: DeclarativeSource\nstreams:\n  - type: DeclarativeStream\n    ..."}
          classNames={{ root: classes.pasteRoot, wrapper: classes.pasteWrap, input: classes.pasteInput }}
          spellCheck={false}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" disabled={typed.trim() === ""}>
          {t("bring.check")}
        </Button>
      </form>
    </div>
  );
}

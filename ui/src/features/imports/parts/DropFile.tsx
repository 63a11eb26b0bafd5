/** Where a file is dropped or chosen. */
import { Button } from "@mantine/core";
import { IconFileUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "../imports.module.css";

/** The drop zone; the button inside does the same for the keyboard. */
export function DropFile(props: { busy: boolean; name: string | null; onFile: (file: File) => void }) {
  const { t } = useTranslation("imports");
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <section
      className={classes.drop}
      data-over={over}
      aria-label={t("drop_label")}
      aria-busy={props.busy}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer.files[0];
        if (file && !props.busy) props.onFile(file);
      }}
    >
      <IconFileUpload size={28} stroke={1.5} aria-hidden />
      <h2>{props.busy ? t("reading", { name: props.name ?? "" }) : t("drop")}</h2>
      <p>{t("drop_body")}</p>
      <Button data-autofocus size="lg" loading={props.busy} onClick={() => input.current?.click()}>
        {t("choose")}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".csv,.tsv,.txt,.xlsx"
        aria-label={t("choose")}
        data-testid="import-file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) props.onFile(file);
        }}
      />
    </section>
  );
}

/** Where a manifest comes from: a file dropped or chosen, or a text pasted. */
import { Button, Textarea } from "@mantine/core";
import { IconFileCode } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DropZone } from "@/shared/ui/DropZone";
import classes from "../workbench.module.css";

/** The most a manifest may have; the backend refuses more, and a browser need not read it. */
export const MOST_BYTES = 8 * 1024 * 1024;

/** Both ways in. */
export function DropManifest(props: { onFile: (file: File) => void; onPaste: (text: string) => void }) {
  const { t } = useTranslation("workbench");
  const [typed, setTyped] = useState("");
  return (
    <div className={classes.bring}>
      <DropZone
        icon={<IconFileCode size={28} stroke={1.5} aria-hidden />}
        label={t("bring.drop")}
        title={t("bring.drop")}
        body={t("bring.drop_body")}
        choose={t("bring.choose")}
        accept=".yaml,.yml,.json,.txt"
        testId="manifest-file"
        onFile={props.onFile}
      />
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

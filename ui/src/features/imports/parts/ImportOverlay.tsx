/**
 * Opens the import over whatever screen is shown: when the address says `?import=1`, and when files are dropped on the window. Closing leaves
 * that screen as it was.
 */
import { IconFileUpload } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQueryWord } from "@/shared/ui/address";
import classes from "../imports.module.css";
import { useFileDrop } from "../logic/useFileDrop";
import { DroppedFiles } from "./DroppedFiles";
import { ImportDialog } from "./ImportDialog";

/** The overlay; nothing while nobody asks for it. */
export function ImportOverlay() {
  const { t } = useTranslation("imports");
  const [wanted, setWanted] = useQueryWord("import");
  const [clientId] = useQueryWord("client");
  const [system] = useQueryWord("system");
  const [dropped, setDropped] = useState<File[]>([]);
  const over = useFileDrop(setDropped);
  const [file, another] = dropped;
  if (file && another) {
    return <DroppedFiles files={dropped} onOpen={(one) => setDropped([one])} onClose={() => setDropped([])} />;
  }
  if (file) return <ImportDialog clientId={null} system={null} file={file} onClose={() => setDropped([])} />;
  if (wanted) {
    return <ImportDialog clientId={clientId} system={system} onClose={() => setWanted(null, { replace: true })} />;
  }
  return over ? (
    <div className={classes.veil} data-testid="drop-veil">
      <p>
        <IconFileUpload size={22} stroke={1.6} aria-hidden />
        {t("several.here")}
      </p>
    </div>
  ) : null;
}

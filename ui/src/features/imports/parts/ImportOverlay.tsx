/** Opens the import over whatever screen is shown, when the address says `?import=1`; closing leaves that screen as it was. */
import { useQueryWord } from "@/shared/ui/address";
import { ImportDialog } from "./ImportDialog";

/** The overlay; nothing while the address does not ask for it. */
export function ImportOverlay() {
  const [wanted, setWanted] = useQueryWord("import");
  const [clientId] = useQueryWord("client");
  const [system] = useQueryWord("system");
  if (!wanted) return null;
  return <ImportDialog clientId={clientId} system={system} onClose={() => setWanted(null, { replace: true })} />;
}

/**
 * Unsaved changes of connectors. They outlive the screen, so that looking something up elsewhere loses nothing; closing the
 * window forgets them, as it does with everything that was not saved.
 */
import { useCallback, useState } from "react";
import type { StreamMapping } from "@/gen/contract";
import type { Said } from "../parts/About";

/** What was changed of a connector; absent parts are as they were saved. */
export interface Draft {
  /** The manifest. */
  manifest?: string;
  /** The mapping's text. */
  mapping?: string;
  /** The mapping as it was last set in the editor, until its text is typed into. */
  mappings?: StreamMapping[] | undefined;
  /** Name, licence, origin. */
  said?: Said;
}

const kept = new Map<string, Draft>();

/** The draft of a connector, how to change it, and how to forget it. */
export function useDraft(connector: string): [Draft, (part: Draft) => void, () => void] {
  const [draft, setDraft] = useState<Draft>(() => kept.get(connector) ?? {});
  const change = useCallback(
    (part: Draft) =>
      setDraft((old) => {
        const next = { ...old, ...part };
        kept.set(connector, next);
        return next;
      }),
    [connector],
  );
  const forget = useCallback(() => {
    kept.delete(connector);
    setDraft({});
  }, [connector]);
  return [draft, change, forget];
}

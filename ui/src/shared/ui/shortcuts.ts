/** The keys of the frame, in one table: the listener, the sheet and the hints on buttons all read it. */
import { useEffect, useRef } from "react";

/** Whether the command key is Cmd. */
export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** What a key of the frame does. */
export type ShortcutId = "palette" | "clients" | "sync" | "settings" | "help";

/** Keys by action; `mod` is Ctrl, or Cmd on a Mac. `code` is used so that the keys work with the Russian layout too. */
export const shortcuts: Record<ShortcutId, { mod: boolean; codes: string[]; keys: string }> = {
  palette: { mod: true, codes: ["KeyK"], keys: isMac ? "⌘ K" : "Ctrl K" },
  clients: { mod: true, codes: ["KeyP"], keys: isMac ? "⌘ P" : "Ctrl P" },
  sync: { mod: true, codes: ["KeyR"], keys: isMac ? "⌘ R" : "Ctrl R" },
  settings: { mod: true, codes: ["Comma"], keys: isMac ? "⌘ ," : "Ctrl ," },
  help: { mod: false, codes: ["F1"], keys: "F1" },
};

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Listens for the keys of the frame while it is on screen. */
export function useShortcuts(actions: Record<ShortcutId, () => void>): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.altKey) return;
      const mod = isMac ? event.metaKey : event.ctrlKey;
      const known = (Object.keys(shortcuts) as ShortcutId[]).find(
        (id) => shortcuts[id].mod === mod && shortcuts[id].codes.includes(event.code),
      );
      const id = known ?? (event.key === "?" && !typing(event.target) ? "help" : undefined);
      if (!id) return;
      event.preventDefault();
      latest.current[id]();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

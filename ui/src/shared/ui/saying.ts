/**
 * One short line for what belongs to no row: "3 syncs started". It appears at the foot of the rail, is read out by screen
 * readers and goes by itself. Failures that belong to a row or dialog are shown there instead.
 */
import { useSyncExternalStore } from "react";
import type { CallError } from "@/host/host";

/** What is said. */
export type Saying = { text: string } | { error: CallError };

const SECONDS = 6;
let saying: Saying | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function tell(next: Saying | null): void {
  saying = next;
  for (const listener of listeners) listener();
}

/** Says something. */
export function say(what: string | CallError): void {
  clearTimeout(timer);
  tell(typeof what === "string" ? { text: what } : { error: what });
  timer = setTimeout(() => tell(null), SECONDS * 1_000);
}

/** What is being said. */
export function useSaying(): Saying | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => saying,
  );
}

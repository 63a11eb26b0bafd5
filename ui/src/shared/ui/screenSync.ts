/**
 * What Ctrl+R syncs. The screen that is open says it (all, a client, a connection); the frame and the palette do it, and
 * the screen's own button calls the same function, so there is one way to start a sync.
 */
import { useEffect, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { CollectRequest } from "@/gen/contract";
import { useChange } from "@/shared/query/query";
import { say } from "./saying";

const everything: CollectRequest = { connection_id: null, client_id: null, range: null, streams: null };
let current: CollectRequest = everything;
const listeners = new Set<() => void>();

function set(next: CollectRequest): void {
  current = next;
  for (const listener of listeners) listener();
}

/** Declares what the open screen is about; without it Ctrl+R syncs everything. */
export function useScreenSync(clientId: string | null, connectionId: string | null = null): void {
  useEffect(() => {
    set({ connection_id: connectionId, client_id: connectionId ? null : clientId, range: null, streams: null });
    return () => set(everything);
  }, [clientId, connectionId]);
}

/** Starts the sync of what is on screen. */
export function useSyncHere(): { start: (request?: CollectRequest) => void; pending: boolean } {
  const { t } = useTranslation("shared");
  const change = useChange("run_start");
  const here = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return {
    pending: change.isPending,
    start: (request = here) =>
      change.mutate(request, {
        onSuccess: ({ run_ids }) =>
          say(run_ids.length > 0 ? t("sync_started", { count: run_ids.length }) : t("sync_started_none")),
        onError: (error) => say(error),
      }),
  };
}

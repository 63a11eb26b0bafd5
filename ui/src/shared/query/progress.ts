/**
 * Progress of runs, kept outside the query cache: it moves many times a second and must redraw one bar, not a table.
 * Whatever the backend sends, subscribers hear at most five times a second.
 */
import { useSyncExternalStore } from "react";
import type { Event, Progress, RunState } from "@/gen/contract";

/** The newest known step of a run. */
export interface LiveRun {
  /** What it does now. */
  state: RunState;
  /** How far it is. */
  progress: Progress;
}

const INTERVAL_MS = 200;
const live = new Map<string, LiveRun>();
const listeners = new Set<() => void>();
let pending = false;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  pending = false;
  for (const listener of listeners) listener();
}

/** Takes in one event. */
export function acceptProgress(event: Extract<Event, { type: "run_progress" }>): void {
  live.set(event.run_id, { state: event.state, progress: event.progress });
  if (pending) return;
  pending = true;
  setTimeout(tell, INTERVAL_MS);
}

/** The newest step of a run, or what the list said when nothing was heard since. Redraws only whoever asks. */
export function useLiveRun(runId: string, listed: LiveRun): LiveRun {
  const heard = useSyncExternalStore(subscribe, () => live.get(runId));
  if (!heard) return listed;
  // A list read after the last event knows better that a run is over or held.
  const over = listed.state !== "queued" && listed.state !== "running" && listed.state !== "waiting";
  // So does one that is further: another program does the work, and only the list hears of it.
  return over || listed.progress.slices_done > heard.progress.slices_done ? listed : heard;
}

/** Runs as the board and its drawer go through them. */
import type { RunPage, RunRow, RunState, SliceRow, Strip } from "@/gen/contract";

/** Whether a run is over. */
export function isOver(state: RunState): boolean {
  return state !== "queued" && state !== "running" && state !== "waiting" && state !== "paused";
}

/** The runs that are over, newest first; those under way stand on top of the board already. */
export function pastRuns(pages: RunPage[]): RunRow[] {
  return pages.flatMap((page) => page.runs).filter((run) => isOver(run.state));
}

/** How long a run took, in milliseconds; nothing while it goes on. */
export function tookMillis(run: RunRow): number | null {
  return run.ended_at ? Math.max(0, Date.parse(run.ended_at) - Date.parse(run.started_at)) : null;
}

/** The runs before and after one, in the order of the board. */
export function neighbours(ids: string[], id: string): { previous: string | undefined; next: string | undefined } {
  const index = ids.indexOf(id);
  return index < 0 ? { previous: undefined, next: undefined } : { previous: ids[index - 1], next: ids[index + 1] };
}

/** Slices of the same stream that follow each other, for one heading each. */
export function byStream(slices: SliceRow[]): { stream: string; slices: SliceRow[] }[] {
  const groups: { stream: string; slices: SliceRow[] }[] = [];
  for (const slice of slices) {
    const last = groups.at(-1);
    if (last?.stream === slice.stream) last.slices.push(slice);
    else groups.push({ stream: slice.stream, slices: [slice] });
  }
  return groups;
}

const HEALTH_ORDER = { act: 0, watch: 1, good: 2, off: 3 } as const;

/** Strips in the order of the board: under way first, then what needs a person, then by client. */
export function boardOrder(strips: Strip[], collator: Intl.Collator): Strip[] {
  return [...strips].sort(
    (a, b) =>
      Number(b.connection.running !== null) - Number(a.connection.running !== null) ||
      HEALTH_ORDER[a.connection.health] - HEALTH_ORDER[b.connection.health] ||
      collator.compare(a.connection.client_name, b.connection.client_name),
  );
}

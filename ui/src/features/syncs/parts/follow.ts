/**
 * Keeps the lists of a run in step with its progress. The moving numbers come by themselves; slices, requests and log lines
 * are read from the database, so they are read again when the numbers have moved, at most once a second.
 */
import { useEffect, useRef } from "react";
import type { LiveRun } from "@/shared/query/progress";
import { isOver } from "../logic/history";

const EVERY_MS = 1_000;

/** Calls `read` while the run goes on and has moved since the last time. */
export function useFollow(live: LiveRun, read: () => void): void {
  const { state, progress } = live;
  const mark = [state, progress.slices_done, progress.rows, progress.requests, progress.retries].join(" ");
  const moved = useRef(mark);
  const latest = useRef({ mark, read });
  latest.current = { mark, read };
  const over = isOver(state);
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => {
      if (latest.current.mark === moved.current) return;
      moved.current = latest.current.mark;
      latest.current.read();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [over]);
}

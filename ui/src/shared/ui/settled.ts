/**
 * What of a screen is drawn first. A press is answered when its screen is painted, and of a long list only its beginning is in sight:
 * the rest follows when that is done.
 */
import { startTransition, useEffect, useRef, useState } from "react";

/** Milliseconds after which a screen that was left goes back to its first drawing: what is looked at now is painted by then. */
const GONE = 150;

/**
 * `false` in the first drawing and `true` once that is painted: a screen opens with what is read first, and the rest holds nobody up. A
 * screen that is left goes back to the first of it out of sight, so that coming back to it is as quick.
 */
export function useSettled(): boolean {
  const [settled, setSettled] = useState(false);
  const gone = useRef<number>(undefined);
  useEffect(() => {
    window.clearTimeout(gone.current);
    let painted: number;
    const frame = requestAnimationFrame(() => {
      painted = window.setTimeout(() => startTransition(() => setSettled(true)));
    });
    return () => {
      cancelAnimationFrame(frame);
      window.clearTimeout(painted);
      gone.current = window.setTimeout(() => setSettled(false), GONE);
    };
  }, []);
  return settled;
}

/** Tells the backend when a person presses something, so that syncs let the press be answered first. */
import { useEffect } from "react";
import { currentHost } from "@/host/current";

/** Presses that follow each other closer than this, in milliseconds, are told once. */
const ONCE_MS = 100;

/** Listens as long as the frame stands. */
export function usePressed(): void {
  useEffect(() => {
    let told = Number.NEGATIVE_INFINITY;
    const tell = (event: Event) => {
      if (event.timeStamp - told < ONCE_MS) return;
      told = event.timeStamp;
      // A press that nobody hears of is answered all the same, a little later.
      currentHost()
        .call("app_pressed", {})
        .catch(() => {});
    };
    window.addEventListener("pointerdown", tell, { capture: true, passive: true });
    window.addEventListener("keydown", tell, { capture: true, passive: true });
    return () => {
      window.removeEventListener("pointerdown", tell, { capture: true });
      window.removeEventListener("keydown", tell, { capture: true });
    };
  }, []);
}

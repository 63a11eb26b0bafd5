/** The host in use. It is chosen once, before the first screen, and everything reaches it through `currentHost`. */
import type { Host } from "./host";

let chosen: Host | null = null;

/** Sets the host; `main.tsx` and the test harness call it before rendering. */
export function setHost(host: Host): void {
  chosen = host;
}

/** The host in use. */
export function currentHost(): Host {
  if (!chosen) throw new Error("setHost must be called before the first screen");
  return chosen;
}

/** Finds out where this page runs. The desktop host is loaded only there, so a browser never downloads it. */
export async function detectHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).tauriHost;
  return (await import("./web")).webHost;
}

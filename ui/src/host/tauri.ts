/** The desktop window: one IPC command named `call` and one event channel named `syncdeck`, so the shell stays one line per direction. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Event } from "@/gen/contract";
import { type Host, saveThroughLink, toCallError } from "./host";

/** The host of the desktop window. */
export const tauriHost: Host = {
  kind: "desktop",
  async call(command, request) {
    try {
      return await invoke("call", { command, request });
    } catch (cause) {
      throw toCallError(cause);
    }
  },
  events(listener) {
    const stop = listen<Event>("syncdeck", (message) => listener(message.payload));
    return () => {
      stop.then((unlisten) => unlisten());
    };
  },
  saveFile: saveThroughLink,
};

/**
 * A browser over `syncdeckctl serve`: commands are POSTs to the page's own origin and events are one server-sent stream.
 * The one-time token was traded for a session cookie before this page loaded, so nothing secret is in reach of a script.
 */
import type { Event } from "@/gen/contract";
import { type Host, saveThroughLink, toCallError } from "./host";

/** The host of a browser. */
export const webHost: Host = {
  kind: "browser",
  async call(command, request) {
    try {
      const response = await fetch(`/api/call/${command}`, {
        method: "POST",
        credentials: "same-origin",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
      });
      const body: unknown = await response.json();
      if (!response.ok) throw toCallError(body);
      return body as never;
    } catch (cause) {
      throw toCallError(cause);
    }
  },
  events(listener) {
    const source = new EventSource("/api/events", { withCredentials: true });
    source.onmessage = (message: MessageEvent<string>) => listener(JSON.parse(message.data) as Event);
    // After a gap nothing is known to be fresh: whatever happened meanwhile was told to nobody.
    let opened = false;
    source.onopen = () => {
      if (opened)
        listener({
          type: "changed",
          tags: ["workspace", "clients", "connections", "runs", "stats", "audit", "drafts", "connectors"],
        });
      opened = true;
    };
    return () => source.close();
  },
  saveFile: saveThroughLink,
};

/**
 * A host that answers from functions. A command without one is refused by its name, so a screen that starts to ask for
 * something new fails loudly here instead of waiting for ever.
 */
import type { Code, Commands, Event, FailureKind } from "@/gen/contract";
import { CallError, type CommandName, type Host } from "@/host/host";

/** Answers by command. `emit` sends an event to the screens. */
export type Handlers = {
  [C in CommandName]?: (
    request: Commands[C]["request"],
    emit: (event: Event) => void,
  ) => Commands[C]["response"] | Promise<Commands[C]["response"]>;
};

/** A refusal, as the backend would send it. */
export function refusal(
  code: Code,
  kind: FailureKind,
  params: Record<string, string> = {},
  detail: string | null = null,
): CallError {
  return new CallError({ code, kind, params, detail, retry_at: null });
}

/** The host, and the way for a test to send events. */
export function fakeHost(
  handlers: Handlers,
): Host & { emit: (event: Event) => void; calls: { command: CommandName; request: unknown }[] } {
  const listeners = new Set<(event: Event) => void>();
  const emit = (event: Event) => {
    for (const listener of listeners) listener(event);
  };
  const calls: { command: CommandName; request: unknown }[] = [];
  return {
    kind: "harness",
    emit,
    calls,
    async call(command, request) {
      calls.push({ command, request });
      const handler = handlers[command];
      if (!handler) throw refusal("internal", "our_fault", {}, `the harness has no answer for ${command}`);
      return handler(request, emit);
    },
    events(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    saveFile() {},
  };
}

/**
 * What the screens need from whatever runs the backend, and nothing more. There are two: the desktop window (`tauri.ts`)
 * and a browser that talks to `syncdeckctl serve` (`web.ts`). Everything else in the UI is the same program in both.
 */
import type { ApiError, Commands, Event, ExportedFile } from "@/gen/contract";

/** Name of a command of the surface. */
export type CommandName = keyof Commands;

/** How the backend is reached. */
export interface Host {
  /** Which of the hosts this is; shown in Settings for support. */
  readonly kind: "desktop" | "browser" | "harness";
  /** Runs a command. Rejects with {@link CallError} and with nothing else. */
  call<C extends CommandName>(command: C, request: Commands[C]["request"]): Promise<Commands[C]["response"]>;
  /** Listens to everything the backend tells by itself; the answer stops listening. */
  events(listener: (event: Event) => void): () => void;
  /** Hands a file to the person. */
  saveFile(file: ExportedFile): void;
}

/** A command failed. The code, not the message, says what happened; texts live in `shared/errors`. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly api: ApiError;
  constructor(api: ApiError) {
    super(api.code);
    this.api = api;
  }
}

/** Reads whatever a host rejected with. Only the backend's own shape is trusted; the rest is a fault of ours, with its text. */
export function toCallError(cause: unknown): CallError {
  if (cause instanceof CallError) return cause;
  if (isApiError(cause)) return new CallError(cause);
  const detail = cause instanceof Error ? cause.message : typeof cause === "string" ? cause : JSON.stringify(cause);
  return new CallError({ code: "internal", kind: "our_fault", params: {}, detail: detail ?? null, retry_at: null });
}

function isApiError(value: unknown): value is ApiError {
  return typeof value === "object" && value !== null && "code" in value && "kind" in value && "params" in value;
}

/** Saves through the web view's own download; both hosts are web views, so neither needs more. */
export function saveThroughLink(file: ExportedFile): void {
  const url = URL.createObjectURL(new Blob([file.content], { type: file.mime }));
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}

/** Freshness follows from tags alone, and progress does not storm. */

import { fakeHost, refusal } from "@harness/fakeHost";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Progress, RunState } from "@/gen/contract";
import { setHost } from "@/host/current";
import { acceptProgress, useLiveRun } from "./progress";
import { followEvents, makeQueryClient, useChange, useRead } from "./query";

const progress = (done: number): Progress => ({
  slices_done: done,
  slices_total: 10,
  rows: done,
  quarantined: 0,
  requests: 0,
  retries: 0,
  rows_per_sec: null,
  remaining_secs: null,
});

function setup(handlers: Parameters<typeof fakeHost>[0]) {
  const host = fakeHost(handlers);
  setHost(host);
  const client = makeQueryClient();
  const wrapper = (props: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{props.children}</QueryClientProvider>
  );
  const count = (command: string) => host.calls.filter((call) => call.command === command).length;
  return { host, client, wrapper, count };
}

describe("reads", () => {
  it("are read again after a change that touches their tags, and only then", async () => {
    const { wrapper, count } = setup({
      clients_list: () => [],
      audit_list: () => ({ entries: [], intact: true }),
      syncs_board: () => ({
        running: [],
        queued: [],
        days: { from: "2026-11-01", to: "2026-11-02" },
        strips: [],
        waiting: null,
      }),
      client_create: () => {
        throw refusal("bad_request", "fix_settings", { field: "name" });
      },
      client_update: (request) => ({ id: request.id }) as never,
    });
    const { result } = renderHook(
      () => ({
        clients: useRead("clients_list", {}),
        audit: useRead("audit_list", { before: null, limit: 10 }),
        board: useRead("syncs_board", { client_id: null, days: 30 }),
        create: useChange("client_create"),
        update: useChange("client_update"),
      }),
      { wrapper },
    );
    await waitFor(() => expect(result.current.board.isSuccess).toBe(true));
    await act(
      () =>
        result.current.create
          .mutateAsync({ name: "", currency: null, time_zone: null })
          .catch(() => undefined) as Promise<undefined>,
    );
    expect(count("clients_list")).toBe(1);
    await act(() => result.current.update.mutateAsync({ id: "1", name: "a", currency: "RUB", time_zone: "UTC" }));
    await waitFor(() => expect(count("clients_list")).toBe(2));
    expect(count("audit_list")).toBe(2);
    expect(count("syncs_board")).toBe(1);
  });

  it("of what is on screen wait until that is painted, and come although no frame is drawn", async () => {
    const frames: FrameRequestCallback[] = [];
    const drawn = vi.spyOn(window, "requestAnimationFrame").mockImplementation((frame) => frames.push(frame));
    const { client, wrapper, count } = setup({
      clients_list: () => [],
      audit_list: () => ({ entries: [], intact: true }),
    });
    const show = () => renderHook(() => useRead("clients_list", {}), { wrapper });
    const first = show();
    await waitFor(() => expect(first.result.current.isSuccess).toBe(true));
    expect(frames).toHaveLength(0);
    first.unmount();
    await client.invalidateQueries();
    const again = show();
    expect(again.result.current.data).toEqual([]);
    await waitFor(() => expect(frames).toHaveLength(1));
    expect(count("clients_list")).toBe(1);
    frames[0]?.(0);
    await waitFor(() => expect(count("clients_list")).toBe(2));
    await act(() => client.invalidateQueries());
    expect(count("clients_list")).toBe(3);
    drawn.mockRestore();
  });

  it("are read again when the backend says that a tag changed, and a draft when its step moved", async () => {
    const { host, client, wrapper, count } = setup({
      clients_list: () => [],
      draft_get: () => ({
        id: "d1",
        connector: "vk_ads",
        state: "testing",
        signed_in_as: null,
        steps: [],
        accounts: [],
      }),
    });
    const stop = followEvents(client);
    const { result } = renderHook(
      () => ({ clients: useRead("clients_list", {}), draft: useRead("draft_get", { id: "d1" }) }),
      { wrapper },
    );
    await waitFor(() => expect(result.current.draft.isSuccess).toBe(true));
    act(() => host.emit({ type: "draft_step", draft_id: "another" }));
    act(() => host.emit({ type: "changed", tags: ["audit"] }));
    act(() => host.emit({ type: "draft_step", draft_id: "d1" }));
    await waitFor(() => expect(count("draft_get")).toBe(2));
    expect(count("clients_list")).toBe(1);
    await new Promise((done) => setTimeout(done, 600));
    act(() => host.emit({ type: "changed", tags: ["stats"] }));
    await waitFor(() => expect(count("clients_list")).toBe(2));
    stop();
  });

  it("are read one after the other while the backend changes all the time, and the last change is never missed", async () => {
    let rows = 0;
    let slow: (() => void) | null = null;
    const { host, client, wrapper, count } = setup({
      clients_list: async () => {
        if (count("clients_list") === 2) await new Promise<void>((done) => (slow = done));
        return Array.from({ length: rows }, (_, id) => ({ id: String(id) })) as never;
      },
    });
    const stop = followEvents(client);
    const { result } = renderHook(() => useRead("clients_list", {}), { wrapper });
    await waitFor(() => expect(result.current.isSuccess).toBe(true));
    for (rows = 1; rows < 50; rows += 1) act(() => host.emit({ type: "changed", tags: ["stats"] }));
    await waitFor(() => expect(slow).not.toBeNull());
    expect(count("clients_list")).toBe(2);
    act(() => slow?.());
    await waitFor(() => expect(result.current.data).toHaveLength(50), { timeout: 2_000 });
    await new Promise((done) => setTimeout(done, 600));
    expect(count("clients_list")).toBeLessThanOrEqual(3);
    stop();
  });
});

describe("progress", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("redraws at most five times a second, and ends with the newest word", () => {
    let renders = 0;
    const listed: { state: RunState; progress: Progress } = { state: "running", progress: progress(0) };
    const { result } = renderHook(() => {
      renders += 1;
      return useLiveRun("r1", listed);
    });
    const before = renders;
    act(() => {
      for (let step = 1; step <= 100; step += 1) {
        acceptProgress({
          type: "run_progress",
          run_id: "r1",
          connection_id: "c",
          client_id: "k",
          state: "running",
          progress: progress(step),
        });
        vi.advanceTimersByTime(10);
      }
      vi.advanceTimersByTime(200);
    });
    expect(result.current.progress.slices_done).toBe(100);
    expect(renders - before).toBeLessThanOrEqual(6);
  });

  it("a list that says a run is over is believed over an older event", () => {
    acceptProgress({
      type: "run_progress",
      run_id: "r2",
      connection_id: "c",
      client_id: "k",
      state: "running",
      progress: progress(3),
    });
    vi.advanceTimersByTime(200);
    const { result } = renderHook(() => useLiveRun("r2", { state: "failed", progress: progress(4) }));
    expect(result.current.state).toBe("failed");
  });
});

/** The board of syncs and the drawer of a run, as a person uses them. */
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { syncsFixtures } from "@harness/fixtures/syncs";
import { storyOf } from "@harness/world";
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { DayCell, Event, RunState, Strip } from "@/gen/contract";
import { followEvents } from "@/shared/query/query";
import { inConsole } from "../../../tests/inConsole";
import { RunDrawer } from "./parts/RunDrawer";
import { Strips } from "./parts/Strips";
import { SyncsScreen } from "./screens/SyncsScreen";

const handlers = (extra: Parameters<typeof inConsole>[1] = {}) => {
  const world = storyOf("open");
  return { ...integrationsFixtures(world), ...syncsFixtures(world), ...extra };
};

/** A step of a run of six slices, as the backend tells it. */
const moved = (run_id: string, state: RunState, slices_done: number): Event => ({
  type: "run_progress",
  run_id,
  connection_id: "conn-client-8-0",
  client_id: "client-8",
  state,
  progress: {
    slices_done,
    slices_total: 6,
    rows: 51_000,
    quarantined: 0,
    requests: 40,
    retries: 0,
    rows_per_sec: null,
    remaining_secs: null,
  },
});

/** What a run says of itself before anything is planned. */
const noProgress = {
  slices_done: 0,
  slices_total: 0,
  rows: 0,
  quarantined: 0,
  requests: 0,
  retries: 0,
  rows_per_sec: null,
  remaining_secs: null,
};

async function strips() {
  const world = storyOf("calm");
  const rows: Strip[] = world.clients.slice(0, 3).map((client) => ({
    connection: client.connections[0] as Strip["connection"],
    cells: Array.from(
      { length: 10 },
      (_, day): DayCell => ({
        date: `2026-11-${String(day + 10)}`,
        state: day === 4 ? "partial" : "final",
        reads: 2,
        read_at: "2026-11-20T08:57:00Z",
        rows: 120,
        change: null,
        rejected: 0,
        totals: null,
      }),
    ),
  }));
  const onCollect = vi.fn();
  await inConsole(
    <Strips
      strips={rows}
      days={{ from: "2026-11-10", to: "2026-11-19" }}
      runs={[]}
      openConnection={null}
      onCollect={onCollect}
      pending={false}
    />,
    handlers(),
  );
  const cells = (row: number) => {
    const strip = screen.getByTestId(`strip-${rows[row]?.connection.id}`);
    return within(strip).getAllByRole("gridcell").slice(0, 10);
  };
  return { rows, onCollect, cells, user: userEvent.setup() };
}

describe("strips", () => {
  it("collects again the days that were dragged over", async () => {
    const { rows, onCollect, cells, user } = await strips();
    const row = cells(1);
    fireEvent.pointerDown(row[2] as HTMLElement, { button: 0 });
    fireEvent.pointerOver(row[3] as HTMLElement);
    fireEvent.pointerOver(row[4] as HTMLElement);
    // Wandering over another strip does not change whose days are chosen.
    fireEvent.pointerOver(cells(0)[8] as HTMLElement);
    expect(row.filter((cell) => cell.getAttribute("aria-selected") === "true")).toHaveLength(3);
    fireEvent.pointerUp(window);
    expect(await screen.findByText("Collect 12–14 Nov again?")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Collect again" }));
    expect(onCollect).toHaveBeenCalledExactlyOnceWith(
      rows[1]?.connection.id,
      { from: "2026-11-12", to: "2026-11-14" },
      null,
    );
  });

  it("does the same with the keyboard, and Esc lets go", async () => {
    const { rows, onCollect, user } = await strips();
    const grid = screen.getByRole("grid");
    act(() => grid.focus());
    await user.keyboard("{ArrowDown}{ArrowLeft}{Shift>}{ArrowLeft}{ArrowLeft}{/Shift}");
    expect(grid.getAttribute("aria-activedescendant")).toMatch(/-1-6$/);
    await user.keyboard("{Enter}");
    expect(await screen.findByText("Collect 16–18 Nov again?")).toBeInTheDocument();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByText(/again\?/)).not.toBeInTheDocument());
    expect(onCollect).not.toHaveBeenCalled();
    act(() => grid.focus());
    await user.keyboard("{Enter}");
    await user.click(await screen.findByRole("button", { name: "Collect again" }));
    expect(onCollect).toHaveBeenCalledExactlyOnceWith(
      rows[1]?.connection.id,
      { from: "2026-11-16", to: "2026-11-18" },
      null,
    );
  });

  it("says every day in words", async () => {
    const { cells } = await strips();
    expect(cells(0)[4]).toHaveAccessibleName(/14 November, partial.*Read 2 times.*120/);
  });
});

describe("board", () => {
  it("shows progress as it comes without reading the board again", async () => {
    const view = await inConsole(<SyncsScreen />, handlers(), "en", "/syncs");
    followEvents(view.client);
    const row = await screen.findByTestId("run-run-1");
    const reads = () => view.host.calls.filter((call) => call.command === "syncs_board").length;
    const before = reads();
    act(() => view.host.emit(moved("run-1", "running", 5)));
    await waitFor(() => expect(within(row).getByRole("progressbar")).toHaveAttribute("aria-valuenow", "83"));
    expect(reads()).toBe(before);
  });

  it("stops a run and moves it to the history", async () => {
    const view = await inConsole(<SyncsScreen />, handlers(), "en", "/syncs");
    followEvents(view.client);
    const user = userEvent.setup();
    await user.click(within(await screen.findByTestId("run-run-3")).getByRole("button", { name: /Stop/ }));
    await waitFor(() =>
      expect(within(screen.getByTestId("history")).getByTestId("run-run-3")).toHaveAttribute("data-state", "stopped"),
    );
  });

  it("says what to do when there is nothing, and what happened when it cannot be read", async () => {
    const empty = await inConsole(<SyncsScreen />, syncsFixtures(storyOf("empty")), "en", "/syncs");
    expect(await screen.findByRole("button", { name: "Connect a system" })).toBeInTheDocument();
    empty.unmount();
    await inConsole(<SyncsScreen />, syncsFixtures(storyOf("failing")), "en", "/syncs");
    expect((await screen.findAllByText("The workspace file is in use")).length).toBeGreaterThan(0);
  });
});

describe("drawer of a run", () => {
  const drawer = (id: string, extra: Parameters<typeof inConsole>[1] = {}) =>
    inConsole(
      <RunDrawer id={id} onClose={() => undefined} onCollect={() => undefined} collecting={false} />,
      handlers(extra),
    );

  it("shows slices by stream, and quarantined rows with what came", async () => {
    await drawer("run-2");
    const user = userEvent.setup();
    expect(await screen.findByRole("region", { name: "Ad plan statistics" })).toHaveTextContent("14 quarantined");
    await user.click(screen.getByRole("tab", { name: /Quarantine/ }));
    expect(screen.getByText("Currency “KZT” differs from the cabinet's")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Show the rows" }));
    expect(await screen.findAllByText(/"id":91002/)).toHaveLength(14);
    expect(screen.queryByRole("button", { name: "Show more" })).not.toBeInTheDocument();
  });

  it("tells the log in words and keeps a word it does not know", async () => {
    await drawer("run-2");
    const user = userEvent.setup();
    await user.click(await screen.findByRole("tab", { name: "Log" }));
    expect(
      screen.getByText(/slice written: Ad plan statistics, 10–12 Nov, 9,118 rows, 14 quarantined/),
    ).toBeInTheDocument();
    expect(screen.getByText(/retry 2: The platform is down/)).toBeInTheDocument();
    expect(screen.getByText(/tokens_refreshed left=4/)).toBeInTheDocument();
  });

  it("stops a run under way; a failed one says why and offers one way out", async () => {
    const view = await drawer("run-2");
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Stop" }));
    expect(view.host.calls).toContainEqual({ command: "run_cancel", request: { id: "run-2" } });
    view.unmount();
    await drawer("run-1004");
    expect(await screen.findByRole("alert")).toHaveTextContent("Sign-in rejected");
    expect(screen.queryByRole("button", { name: "Stop" })).not.toBeInTheDocument();
    expect(within(screen.getByRole("alert")).getByRole("button", { name: "Sign in again" })).toBeInTheDocument();
  });

  it("holds a run under way and lets it go on", async () => {
    const view = await drawer("run-2");
    followEvents(view.client);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Pause" }));
    expect(view.host.calls).toContainEqual({ command: "run_pause", request: { id: "run-2" } });
    await waitFor(() => expect(screen.getByTestId("run-drawer")).toHaveAttribute("data-state", "paused"));
    await user.click(await screen.findByRole("button", { name: "Resume" }));
    expect(view.host.calls).toContainEqual({ command: "run_resume", request: { id: "run-2" } });
    await waitFor(() => expect(screen.getByTestId("run-drawer")).toHaveAttribute("data-state", "queued"));
  });

  it("says what collecting again takes, and nothing it cannot know", async () => {
    const known = await inConsole(
      <RunDrawer id="run-1" onClose={() => undefined} onCollect={vi.fn()} collecting={false} />,
      handlers(),
    );
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Collect dates again" }));
    expect(await screen.findByText(/Takes about 40.min: 1,940 requests\. The quota lasts until/)).toBeInTheDocument();
    known.unmount();
    const never = { slices: 6, requests: null, secs: null, pause_at: null, pause_until: null };
    await inConsole(
      <RunDrawer id="run-1" onClose={() => undefined} onCollect={vi.fn()} collecting={false} />,
      handlers({ run_estimate: () => never }),
    );
    await user.click(await screen.findByRole("button", { name: "Collect dates again" }));
    expect(await screen.findByText(/6 slices\. How long they take is not known yet/)).toBeInTheDocument();
  });

  it.each(["run-1", "run-2", "run-3", "run-4", "run-1000", "run-1002", "run-1004"])(
    "prints only numbers that are numbers, of %s while it moves too",
    async (id) => {
      const view = await drawer(id);
      followEvents(view.client);
      const shown = await screen.findByTestId("run-drawer");
      const said = () => shown.closest("aside")?.textContent ?? "";
      expect(said()).not.toMatch(/NaN|undefined|Invalid/);
      act(() => view.host.emit({ ...moved(id, "running", 0), progress: { ...noProgress } } as Event));
      await act(() => new Promise((resolve) => setTimeout(resolve, 250)));
      expect(said()).not.toMatch(/NaN|undefined|Invalid/);
    },
  );

  it("says when the run is no longer there", async () => {
    await drawer("gone");
    expect(await screen.findByText("It is no longer there")).toBeInTheDocument();
  });

  it("collects the dates that were given, and none that end before they begin", async () => {
    const onCollect = vi.fn();
    await inConsole(
      <RunDrawer id="run-1" onClose={() => undefined} onCollect={onCollect} collecting={false} />,
      handlers(),
    );
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Collect dates again" }));
    fireEvent.change(screen.getByLabelText("From"), { target: { value: "2026-11-18" } });
    fireEvent.change(screen.getByLabelText("To"), { target: { value: "2026-11-12" } });
    expect(screen.getByRole("button", { name: "Collect again" })).toBeDisabled();
    fireEvent.change(screen.getByLabelText("From"), { target: { value: "2026-11-10" } });
    await user.click(screen.getByRole("button", { name: "Collect again" }));
    expect(onCollect).toHaveBeenCalledWith("conn-client-8-0", { from: "2026-11-10", to: "2026-11-12" }, null);
  });
});

describe("a run under way", () => {
  it("reads its lists again when its numbers move, and asks how long a wait lasts", async () => {
    const view = await inConsole(<SyncsScreen />, handlers(), "en", "/syncs");
    followEvents(view.client);
    await screen.findByTestId("run-run-1");
    const reads = () => view.host.calls.filter((call) => call.command === "syncs_board").length;
    const before = reads();
    act(() => view.host.emit(moved("run-1", "waiting", 5)));
    await waitFor(() => expect(reads()).toBeGreaterThan(before));
    view.unmount();

    const drawer = await inConsole(
      <RunDrawer id="run-2" onClose={() => undefined} onCollect={() => undefined} collecting={false} />,
      handlers(),
    );
    followEvents(drawer.client);
    await screen.findByTestId("run-drawer");
    const gets = () => drawer.host.calls.filter((call) => call.command === "run_get").length;
    expect(gets()).toBe(1);
    act(() => drawer.host.emit(moved("run-2", "running", 5)));
    await waitFor(() => expect(gets()).toBe(2), { timeout: 3_000 });
  });
});

it("says what waits for power and starts it when the person cannot wait", async () => {
  const world = storyOf("battery");
  const { host } = await inConsole(<SyncsScreen />, { ...integrationsFixtures(world), ...syncsFixtures(world) });
  expect(await screen.findByText("15% of the battery left.")).toBeInTheDocument();
  expect(screen.getByText(/14 connections are due; their syncs wait/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Sync now anyway" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Sync now anyway" })).toBeNull());
  expect(host.calls.filter((call) => call.command === "waiting_start")).toHaveLength(1);
});

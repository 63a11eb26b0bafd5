/** Records of a connection: only what is in sight is asked for, a filter goes to the backend, and nobody there is said so. */
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { workbenchFixtures } from "@harness/fixtures/workbench";
import { storyOf } from "@harness/world";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { violations } from "../../../tests/axe";
import { inConsole } from "../../../tests/inConsole";
import { RecordsScreen } from "./screens/RecordsScreen";

const at = vi.hoisted(() => ({ connection: "conn-client-6-2" }));
vi.mock("@/shared/ui/address", async (original) => ({
  ...(await original<typeof import("@/shared/ui/address")>()),
  usePathPart: () => at.connection,
}));

const world = storyOf("open");
const handlers = { ...clientFixtures(world), ...integrationsFixtures(world), ...workbenchFixtures(world) };

it("asks for pages, not for everything, and hands the filter to the backend", async () => {
  at.connection = "conn-client-6-2";
  const user = userEvent.setup();
  const { host, container } = await inConsole(<RecordsScreen />, handlers);
  expect(await screen.findByText("A-1000")).toBeInTheDocument();
  const asked = () =>
    host.calls
      .filter((call) => call.command === "records_list")
      .map((call) => call.request as { limit: number; filter: { text: string | null } });
  expect(Math.max(...asked().map((request) => request.limit))).toBeLessThanOrEqual(1_000);
  expect(await violations(container)).toEqual([]);
  await user.type(screen.getByLabelText("Text in records"), "spring");
  await waitFor(() => expect(asked().some((request) => request.filter.text === "spring")).toBe(true));
  await user.clear(screen.getByLabelText("Text in records"));
  await user.type(screen.getByLabelText("Text in records"), "zzz");
  await waitFor(() => expect(screen.queryByText("A-1000")).not.toBeInTheDocument());
  expect(await violations(container)).toEqual([]);
});

it("says that a connection is gone", async () => {
  at.connection = "nobody";
  const { container } = await inConsole(<RecordsScreen />, handlers);
  expect(await screen.findByRole("alert")).toBeInTheDocument();
  expect(await violations(container)).toEqual([]);
});

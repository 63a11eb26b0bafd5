/** Changes of answers and the quarantine: a decision names every connection it is for, and only rows in sight are asked for. */
import { atRest, ofSystem } from "@harness/fixtures/answers";
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { storyOf } from "@harness/world";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { violations } from "../../../tests/axe";
import { inConsole } from "../../../tests/inConsole";
import { kindsOf, sentenceOf } from "./logic/changes";
import { ChangesScreen } from "./screens/ChangesScreen";
import { QuarantineScreen } from "./screens/QuarantineScreen";

const at = vi.hoisted(() => ({ connection: "" }));
vi.mock("@/shared/ui/address", async (original) => ({
  ...(await original<typeof import("@/shared/ui/address")>()),
  usePathPart: () => at.connection,
}));

const world = storyOf("open");
const handlers = () => ({ ...clientFixtures(world), ...integrationsFixtures(world) });
const own = ofSystem(world);
const first = own.find(atRest)?.id;
const second = own.find((row) => row.id !== first)?.id;

it("tells a change as a person would, and decides it for everybody who met it", async () => {
  const user = userEvent.setup();
  const { host, container } = await inConsole(<ChangesScreen />, handlers());
  expect(await screen.findByText("A new field “base.attention_index”")).toBeInTheDocument();
  expect(screen.getByText("The field “base.cpm” is gone")).toBeInTheDocument();
  expect(screen.getByText("Now: archived")).toBeInTheDocument();
  expect(await violations(container)).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Ignore: The field “base.cpm” is gone" }));
  await waitFor(() => expect(screen.queryByText("The field “base.cpm” is gone")).not.toBeInTheDocument());
  for (const box of screen.getAllByRole("checkbox")) await user.click(box);
  await user.click(screen.getByRole("button", { name: "Accept the chosen" }));
  expect(await screen.findByText("Answers have the form that is known")).toBeInTheDocument();
  const decisions = host.calls
    .filter((call) => call.command === "drift_decide")
    .map((call) => call.request as { numbers: number[]; accept: boolean });
  expect(decisions.map((one) => one.accept)).toEqual([false, true]);
  const numbers = decisions.flatMap((one) => one.numbers);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(Math.max(...numbers)).toBe(numbers.length);
  expect(await violations(container)).toEqual([]);
});

it("asks for the rows in sight, filters by reason and collects again", async () => {
  at.connection = first ?? "";
  const user = userEvent.setup();
  const { host, container } = await inConsole(<QuarantineScreen />, handlers());
  expect((await screen.findAllByText("Not a number in “impressions”")).length).toBeGreaterThan(0);
  expect(await violations(container)).toEqual([]);
  const asked = () =>
    host.calls
      .filter((call) => call.command === "quarantine_open")
      .map((call) => call.request as { limit: number; reason: string | null });
  expect(Math.max(...asked().map((request) => request.limit))).toBeLessThanOrEqual(100);
  await user.click(screen.getByRole("button", { name: /Unknown value/ }));
  await waitFor(() => expect(asked().some((request) => request.reason === "unknown_word")).toBe(true));
  await user.click(screen.getByRole("button", { name: "Collect again" }));
  await waitFor(() => expect(host.calls.some((call) => call.command === "quarantine_retry")).toBe(true));
});

it("says that a quarantine is empty", async () => {
  at.connection = second ?? "";
  const { container } = await inConsole(<QuarantineScreen />, handlers());
  expect(await screen.findByText("The quarantine is empty")).toBeInTheDocument();
  expect(await violations(container)).toEqual([]);
});

it("says that a connection is gone", async () => {
  at.connection = "nobody";
  await inConsole(<QuarantineScreen />, handlers());
  expect(await screen.findByRole("alert")).toBeInTheDocument();
});

it("knows a field that lost its values from one that changed its type", () => {
  expect(sentenceOf({ kind: "changed_type", after: "" })).toBe("emptied");
  expect(sentenceOf({ kind: "changed_type", after: "text" })).toBe("changed_type");
  expect(kindsOf("text, whole, something newer")).toEqual(["text", "whole"]);
});

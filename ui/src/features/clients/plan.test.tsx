/** Entering a plan by keyboard, and what the tab makes of it. */
import { fixtures } from "@harness/fixtures";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { PlanScope } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { daysOf, linesOf, microsOf, monthAfter, phasingOf, weightsFor } from "./logic/plan";
import { Plan } from "./parts/Plan";

const quiet = () => {};

/** What a handler of the harness answers. */
async function answered<T>(answer: T | Promise<T> | undefined): Promise<T> {
  if (answer === undefined) throw new Error("no such handler");
  return answer;
}

it.each([
  ["2026-11", 1, "2026-12", 30],
  ["2026-12", 1, "2027-01", 31],
  ["2027-03", -1, "2027-02", 31],
  ["2028-02", 12, "2029-02", 29],
])("counts months from %s by %i", (month, by, then, days) => {
  expect(monthAfter(month, by)).toBe(then);
  expect(daysOf(month)).toBe(days);
});

it.each([
  [1_000, 1_000_000_000],
  ["0.1", 100_000],
  [0, null],
  [-5, null],
  ["", null],
  ["five", null],
  [9e15, null],
])("takes %s for a sum, or not", (typed, micros) => {
  expect(microsOf(typed)).toBe(micros);
});

it("keeps the weights of a kind and begins another with all days alike", () => {
  const weekends = phasingOf("weekdays", [1, 1, 1, 1, 1, 0, 0]);
  expect(weightsFor("weekdays", "2026-11", weekends)).toEqual([1, 1, 1, 1, 1, 0, 0]);
  expect(weightsFor("days", "2026-02", weekends)).toEqual(Array(28).fill(1));
  expect(weightsFor("days", "2026-02", phasingOf("days", [5, 95]))).toEqual([5, 95, ...Array(26).fill(0)]);
  expect(weightsFor("even", "2026-02", weekends)).toEqual([]);
  expect(phasingOf("even", [])).toEqual({ type: "even" });
});

it("makes a plan of a system, divides it by weekdays and takes it back", async () => {
  const user = userEvent.setup();
  const answers = fixtures(storyOf("open"));
  const [first] = await answered(answers.clients_list?.({}, quiet));
  if (!first) throw new Error("a world without clients");
  const { host } = await inConsole(<Plan client={first} />, answers);
  const asked = () => host.calls.filter((call) => call.command === "plan_set").map((call) => call.request);
  const grid = await screen.findByRole("grid", { name: "Plan" });
  const whole = within(grid).getByText("Whole client").closest('[role="row"]') as HTMLElement;
  expect(within(whole).getByRole("img").getAttribute("aria-label")).toMatch(/Expected by/);

  const scope: PlanScope = { type: "channel", connector: "vk_ads" };
  const line = () => within(grid).getByText("vk_ads").closest('[role="row"]') as HTMLElement;
  expect(line()).toHaveTextContent("not set");
  await user.click(line());
  const form = await screen.findByRole("dialog");
  await user.type(within(form).getByLabelText("Plan"), "3000");
  await user.click(within(form).getByRole("combobox", { name: "Divided" }));
  await user.click(await screen.findByRole("option", { name: "by weekday" }));
  const sunday = within(form).getByLabelText("Sun");
  await user.clear(sunday);
  await user.type(sunday, "0{Enter}");
  const phasing = { type: "weekdays", weights: [1, 1, 1, 1, 1, 1, 0] };
  await waitFor(() =>
    expect(asked()).toEqual([{ client_id: first.id, month: "2026-11", scope, amount: 3_000_000_000, phasing }]),
  );
  await waitFor(() => expect(line()).toHaveTextContent("3,000"));

  await user.click(line());
  await user.click(await screen.findByRole("button", { name: "Take back" }));
  await waitFor(() => expect(line()).toHaveTextContent("not set"));
  expect(asked().at(-1)).toMatchObject({ amount: null, scope });
});

it("puts the client first, then its systems, then what else has a plan", async () => {
  const answers = fixtures(storyOf("open"));
  const [first] = await answered(answers.clients_list?.({}, quiet));
  const data = await answered(answers.plan_list?.({ client_id: first?.id ?? "", month: "2026-11" }, quiet));
  const campaign: PlanScope = { type: "campaign", connection_id: "c", external_id: "7" };
  const own = data.plans[0];
  if (!own) throw new Error("the first client has a plan");
  const lines = linesOf({ ...data, channels: ["vk_ads"], plans: [{ ...own, scope: campaign }, own] });
  expect(lines.map((line) => [line.id, line.plan !== null])).toEqual([
    ["client", true],
    ["channel:vk_ads", false],
    ["campaign:c:7", true],
  ]);
});

/** The rules of alerts: switched, made more or less urgent, and given other numbers, within what makes sense. */
import { alertRules } from "@harness/fixtures/alerts";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { AlertRule } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { AlertRules } from "./parts/AlertRules";

async function shown() {
  let rows = alertRules;
  const { host } = await inConsole(<AlertRules />, {
    alert_rules_get: () => rows,
    alert_rules_update: (rule) => {
      rows = rows.map((row) => (row.rule.kind === rule.kind ? { ...row, rule } : row));
      return rows;
    },
  });
  const sent = () =>
    host.calls.filter((call) => call.command === "alert_rules_update").map((call) => call.request as AlertRule);
  return { sent, rule: (name: string) => screen.findByRole("group", { name }) };
}

it("switches a rule off and on", async () => {
  const { sent, rule } = await shown();
  const failing = await rule("Syncs fail");
  await userEvent.click(within(failing).getByRole("switch"));
  expect(sent()).toEqual([{ kind: "failing", enabled: false, severity: "critical", thresholds: { failures: 3 } }]);
});

it.each([
  ["7", 7],
  ["99", 20],
  ["0", 1],
])("takes the number %s as %i", async (typed, kept) => {
  const { sent, rule } = await shown();
  const input = within(await rule("Syncs fail")).getByRole("textbox", { name: "Syncs fail: Failed in a row" });
  await userEvent.clear(input);
  await userEvent.type(input, typed);
  await userEvent.tab();
  expect(sent().at(-1)?.thresholds).toEqual({ failures: kept });
});

it("keeps what it has when nothing is typed", async () => {
  const { sent, rule } = await shown();
  const input = within(await rule("Syncs fail")).getByRole("textbox", { name: "Syncs fail: Failed in a row" });
  await userEvent.clear(input);
  await userEvent.tab();
  expect(sent()).toEqual([]);
});

it("brings back what a rule does by itself", async () => {
  const { sent, rule } = await shown();
  const stale = await rule("Data is older than scheduled");
  await userEvent.click(within(stale).getByRole("button", { name: /As it was/ }));
  expect(sent()).toEqual([{ kind: "stale", enabled: true, severity: "warning", thresholds: { hours: 3 } }]);
  const others = await rule("Syncs fail");
  expect(within(others).queryByRole("button", { name: /As it was/ })).toBeNull();
});

/** Behind the bell: what happened in words of both languages, one button each that helps, and muting. */
import { alertFixtures, alertsOf } from "@harness/fixtures/alerts";
import { storyOf } from "@harness/world";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { type AlertKind, type AlertRow, allAlertKind } from "@/gen/contract";
import type { Language } from "@/shared/format/format";
import { inConsole } from "../../../tests/inConsole";
import { AlertsPanel } from "./AlertsPanel";

const world = storyOf("open");

function of(kind: AlertKind): AlertRow {
  const found = alertsOf(world).find((alert) => alert.kind === kind);
  if (!found) throw new Error(`the harness has no alert of kind ${kind}`);
  return found;
}

async function shown(alerts: AlertRow[], language: Language = "en") {
  const onClose = vi.fn();
  const groups = alerts.map((alert) => ({
    client_id: alert.client_id,
    client_name: alert.client_name,
    alerts: [alert],
  }));
  const view = await inConsole(
    <AlertsPanel onClose={onClose} />,
    {
      ...alertFixtures(world),
      alerts_list: () => ({ groups, open: alerts.length }),
      run_start: () => ({ run_ids: ["run-77"] }),
      connectors_list: () => [],
    },
    language,
  );
  return { ...view, onClose };
}

describe("an alert", () => {
  it("says how urgent it is, what happened and to what, in words", async () => {
    await shown([of("shrunk_day")]);
    const item = await screen.findByRole("listitem");
    expect(item).toHaveTextContent("Critical");
    expect(item).toHaveTextContent("14 Nov: less than before");
    expect(item).toHaveTextContent(/Spend: 9,120\.00\s₽ after reading again, 18,240\.50\s₽ before\./);
  });

  it.each([
    [1, "1 день расхода без конверсий"],
    [3, "3 дня расхода без конверсий"],
    [5, "5 дней расхода без конверсий"],
  ])("counts %i days in Russian", async (days, title) => {
    const alert = of("spend_without_conversions");
    await shown([{ ...alert, params: { ...alert.params, days: String(days) } }], "ru");
    expect(await screen.findByText(title)).toBeInTheDocument();
  });

  it("has words for every kind, with every parameter missing", async () => {
    const base = of("empty_day");
    await shown(
      allAlertKind.map((kind, index) => ({
        ...base,
        id: `${kind}`,
        client_id: `c${index}`,
        kind,
        params: {},
        days: null,
      })),
    );
    const items = await screen.findAllByRole("listitem");
    expect(items).toHaveLength(allAlertKind.length);
    for (const item of items) expect(item.textContent).not.toMatch(/\{\{|undefined|NaN/);
  });

  it("collects its days again with its one button", async () => {
    const alert = of("empty_day");
    const { host, router } = await shown([alert]);
    await userEvent.click(await screen.findByRole("button", { name: "Collect again" }));
    expect(host.calls.find((call) => call.command === "run_start")?.request).toEqual({
      connection_id: alert.connection_id,
      client_id: null,
      range: alert.days,
      streams: null,
    });
    expect(router.state.location.pathname).toBe("/syncs/run-77");
  });

  it("leads to the sign-in", async () => {
    const alert = of("sign_in_needed");
    const { router } = await shown([alert]);
    await userEvent.click(await screen.findByRole("button", { name: "Sign in again" }));
    expect(router.state.location.href).toBe(`/integrations/connections/${alert.connection_id}?sign_in=1`);
  });

  it.each([
    ["1", "1 изменение ждёт решения"],
    ["3", "3 изменения ждут решения"],
    ["5", "5 изменений ждут решения"],
  ])("leads to the changes of its connection, %s of them", async (changes, words) => {
    const alert = of("schema_drift");
    const { router } = await shown([{ ...alert, params: { ...alert.params, changes } }], "ru");
    expect(await screen.findByText(new RegExp(words))).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Открыть изменения" }));
    expect(router.state.location.href).toBe(`/integrations/changes?connection=${alert.connection_id}`);
  });

  it.each([
    ["cost", "Spend: 12,345.67 ₽ here, 12,400.00 ₽ there."],
    ["clicks", "Clicks: 12 here, 14 there."],
    ["impressions", "Impressions: 12 here, 14 there."],
  ])("says by how much %s is not the platform's", async (metric, words) => {
    const alert = of("totals_differ");
    const counts = metric === "cost" ? alert.params : { metric, ours: "12", theirs: "14" };
    await shown([{ ...alert, params: counts }]);
    const item = await screen.findByRole("listitem");
    expect(item.textContent?.replaceAll(/\s/g, " ")).toContain(words);
  });

  it("is muted, and heard again", async () => {
    const { host } = await shown([of("stale"), { ...of("quarantine_growing"), client_id: "other" }]);
    const [stale, muted] = await screen.findAllByRole("listitem");
    if (!stale || !muted) throw new Error("two alerts");
    await userEvent.click(within(stale).getByRole("button", { name: /^Mute:/ }));
    expect(muted).toHaveTextContent("Muted");
    await userEvent.click(within(muted).getByRole("button", { name: /^Unmute:/ }));
    expect(host.calls.filter((call) => call.command === "alert_mute").map((call) => call.request)).toEqual([
      { id: of("stale").id, muted: true },
      { id: of("quarantine_growing").id, muted: false },
    ]);
  });

  it("that is settled asks for nothing", async () => {
    await shown([of("repeated_day")]);
    const item = await screen.findByRole("listitem");
    expect(item).toHaveTextContent("Settled");
    expect(within(item).queryByRole("button")).toBeNull();
  });
});

it("says when there is nothing", async () => {
  await shown([]);
  expect(await screen.findByText("No alerts")).toBeInTheDocument();
});

it("takes the focus, so that the first button is one step away", async () => {
  await shown([of("stale")]);
  await screen.findByRole("button", { name: "Sync now" });
  await userEvent.tab();
  expect(screen.getByRole("link", { name: of("stale").client_name })).toHaveFocus();
  await userEvent.tab();
  expect(screen.getByRole("button", { name: "Sync now" })).toHaveFocus();
});

it("closes with the keyboard", async () => {
  const { onClose } = await shown([of("stale")]);
  (await screen.findByRole("button", { name: "Sync now" })).focus();
  await userEvent.keyboard("{Escape}");
  expect(onClose).toHaveBeenCalledOnce();
});

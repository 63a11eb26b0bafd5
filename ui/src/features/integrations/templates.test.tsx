/** Templates: what is sent is what was chosen and previewed, own values can be kept or given back, and a refusal shows what is true now. */
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ConnectionDetail, ConnectionRow, Connector, TemplateRow } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { ApplyDialog } from "./parts/ApplyDialog";
import { ConnectionDrawer } from "./parts/ConnectionDrawer";
import { SaveTemplateDialog } from "./parts/SaveTemplateDialog";
import { TemplateDrawer } from "./parts/TemplateDrawer";

async function office(story: "open" | "calm" = "open") {
  const world = storyOf(story);
  const handlers = { ...clientFixtures(world), ...integrationsFixtures(world) };
  const emit = () => undefined;
  const rows = (await handlers.connections_list?.({}, emit)) as ConnectionRow[];
  const systems = (await handlers.connectors_list?.({}, emit)) as Connector[];
  const templates = (await handlers.templates_list?.({}, emit)) as TemplateRow[];
  const mine = rows.filter((row) => row.connector === "vk_ads");
  const connector = systems.find((one) => one.id === "vk_ads");
  const [shops, plain] = templates;
  if (!connector || !shops || !plain) throw new Error("the harness has two templates of a system");
  const detail = async (id: string) => (await handlers.connection_get?.({ id }, emit)) as ConnectionDetail;
  return { handlers, mine, systems, connector, shops, plain, detail };
}

const sent = (host: { calls: { command: string; request: unknown }[] }, command: string) =>
  host.calls.filter((call) => call.command === command).map((call) => call.request);

it("shows what a template would change before it is applied, and applies exactly that", async () => {
  const { handlers, mine, connector, plain } = await office();
  const [, first, , , , stranger] = mine;
  if (!first || !stranger) throw new Error("the harness has six connections of a system");
  const onClose = vi.fn();
  const { host } = await inConsole(
    <ApplyDialog template={plain} connector={connector} to={{ chosen: [] }} onClose={onClose} />,
    handlers,
  );
  const user = userEvent.setup();
  const dialog = within(await screen.findByRole("dialog"));
  const next = () => dialog.getByRole("button", { name: /^Show what changes/ });
  await waitFor(() => expect(dialog.getByLabelText(`All that are shown (${mine.length})`)).toBeInTheDocument());
  expect(next()).toBeDisabled();
  await user.click(dialog.getByLabelText("VAT"));
  for (const row of [first, stranger]) {
    await user.type(dialog.getByLabelText("To which connections"), row.client_name);
    await user.click(dialog.getByLabelText(`${row.client_name} · ${row.account_name}`));
    await user.clear(dialog.getByLabelText("To which connections"));
  }
  await user.click(next());

  const plan = within(await dialog.findByTestId("plan"));
  expect(sent(host, "template_apply")).toEqual([]);
  expect(plan.getAllByRole("listitem")).toHaveLength(2);
  expect(plan.getByText("follows “Магазины” now")).toBeInTheDocument();
  // The way back keeps what was chosen.
  await user.click(dialog.getByRole("button", { name: "Back" }));
  expect(dialog.getByLabelText("VAT")).not.toBeChecked();
  await user.click(next());
  await user.click(dialog.getByRole("radio", { name: "Replace by the template's" }));
  await user.click(await dialog.findByRole("button", { name: "Apply to 2 connections" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  const chosen = {
    id: plain.id,
    to: [first.id, stranger.id],
    settings: ["streams", "schedule", "lookbacks", "zero_rows", "in_totals"],
  };
  expect(sent(host, "template_apply")).toEqual([{ ...chosen, keep_own: false, stamp: "now" }]);
});

it("rolls a changed template out to those that follow it, own values kept", async () => {
  const { handlers, connector, shops } = await office();
  const onClose = vi.fn();
  const { host } = await inConsole(
    <ApplyDialog template={shops} connector={connector} to="followers" onClose={onClose} />,
    handlers,
  );
  const user = userEvent.setup();
  const dialog = within(await screen.findByRole("dialog"));
  const plan = within(await dialog.findByTestId("plan"));
  expect(dialog.getByRole("status")).toHaveTextContent("3 connections will change");
  expect(dialog.getByRole("status")).toHaveTextContent("1 with an own value");
  const second = plan.getAllByRole("listitem")[1];
  if (!second) throw new Error("a row");
  expect(second).toHaveTextContent("Mo, Tu, We, Th, Fr at 06:00");
  expect(second).toHaveTextContent("every 4 hours");
  expect(second).toHaveTextContent("Ad plan statistics: 30 days own value");
  await user.click(dialog.getByRole("button", { name: /^Apply to/ }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  const all = ["streams", "schedule", "lookbacks", "vat", "zero_rows", "in_totals"];
  expect(sent(host, "template_apply")).toEqual([
    { id: shops.id, to: null, settings: all, keep_own: true, stamp: "now" },
  ]);
});

it("shows what would change now when something was changed meanwhile", async () => {
  const { handlers, connector, shops } = await office("calm");
  const onClose = vi.fn();
  const { host } = await inConsole(
    <ApplyDialog template={shops} connector={connector} to="followers" onClose={onClose} />,
    handlers,
  );
  const user = userEvent.setup();
  const dialog = within(await screen.findByRole("dialog"));
  await dialog.findByTestId("plan");
  await user.click(dialog.getByRole("button", { name: /^Apply to/ }));
  expect(await dialog.findByRole("alert")).toHaveTextContent("Something changed in the meantime");
  expect(onClose).not.toHaveBeenCalled();
  await waitFor(() => expect(sent(host, "template_preview")).toHaveLength(2));
  await user.click(dialog.getByRole("button", { name: /^Apply to/ }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  const stamps = (sent(host, "template_apply") as { stamp: string }[]).map((request) => request.stamp);
  expect(stamps).toEqual(["before", "now"]);
});

it("gives an own value back, and changes one instead", async () => {
  const { handlers, mine, systems } = await office();
  const id = mine[1]?.id;
  if (!id) throw new Error("the harness has two connections of a system");
  const { host } = await inConsole(
    <ConnectionDrawer id={id} connectors={systems} onClose={() => undefined} />,
    handlers,
  );
  const user = userEvent.setup();
  const lookback = await screen.findByTestId("lookback-ad_plan_stats");
  expect(lookback).toHaveTextContent("Reads 30 days again");
  expect(screen.getAllByText("own value")).toHaveLength(2);
  expect(screen.getByText("Former settings: Streams, Schedule")).toBeInTheDocument();
  await user.click(
    screen.getByRole("button", { name: /^return to the template's: Ad plan statistics: 14 days, once a week 30 days/ }),
  );
  expect(lookback).toHaveTextContent("Reads 14 days again, once a week 30 days");
  await user.click(screen.getByRole("button", { name: /^return to the template's: .*\(VAT\)$/ }));
  await user.click(screen.getByRole("button", { name: "keep own value (VAT)" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  const nothing = { streams: null, schedule: null, lookbacks: null, vat: null, zero_rows: null, in_totals: null };
  await waitFor(() =>
    expect(sent(host, "connection_update")).toEqual([{ ...nothing, id, returned: ["lookbacks"], paused: null }]),
  );
  // Returned and then typed anew: the typed value is what is meant.
  await user.click(await screen.findByRole("button", { name: /^return to the template's: .*\(VAT\)$/ }));
  await user.click(screen.getByRole("radio", { name: /not know|don't know/i }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(sent(host, "connection_update")[1]).toEqual({
      ...nothing,
      id,
      vat: "unknown",
      returned: [],
      paused: null,
    }),
  );
});

it("says that a name is taken, and where it stands", async () => {
  const { handlers, mine, detail } = await office();
  const from = mine[6];
  if (!from) throw new Error("the harness has seven connections of a system");
  const { host, router } = await inConsole(
    <SaveTemplateDialog detail={await detail(from.id)} onClose={() => undefined} />,
    handlers,
  );
  const user = userEvent.setup();
  const name = await screen.findByLabelText("Name");
  const save = screen.getByRole("button", { name: "Save template" });
  expect(save).toBeDisabled();
  await user.type(name, "Магазины");
  await user.click(save);
  expect(await screen.findByText("This system has a template “Магазины” already")).toBeInTheDocument();
  expect(name).toBeInvalid();
  await user.type(name, " 2");
  expect(name).toBeValid();
  await user.click(save);
  await waitFor(() => expect(router.history.location.pathname).toMatch(/^\/integrations\/templates\//));
  expect(sent(host, "template_create")).toEqual([
    { from: from.id, name: "Магазины" },
    { from: from.id, name: "Магазины 2" },
  ]);
});

it("saves a template without touching its connections, says who is behind, and deletes it", async () => {
  const { handlers, systems, shops } = await office();
  const onClose = vi.fn();
  const { host } = await inConsole(<TemplateDrawer id={shops.id} connectors={systems} onClose={onClose} />, handlers);
  const user = userEvent.setup();
  expect(await screen.findByText("3 connections still have the former settings")).toBeInTheDocument();
  expect(screen.getByText("Own value: Days read again, VAT")).toBeInTheDocument();
  const name = screen.getByLabelText("Name");
  await user.clear(name);
  await user.type(name, "Только кампании");
  // What is not saved cannot be applied.
  expect(screen.getByRole("button", { name: "Apply to connections…" })).toBeDisabled();
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("This system has a template “Только кампании” already")).toBeInTheDocument();
  await user.clear(name);
  await user.type(name, "Лавки");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.getByRole("heading", { name: "Лавки" })).toBeInTheDocument());
  const nothing = { streams: null, schedule: null, lookbacks: null, vat: null, zero_rows: null, in_totals: null };
  expect(sent(host, "template_update").at(-1)).toEqual({ ...nothing, id: shops.id, name: "Лавки" });
  expect(sent(host, "template_apply")).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Delete template" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByText(/^5 connections keep their present settings/)).toBeInTheDocument();
  await user.click(dialog.getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent(host, "template_delete")).toEqual([{ id: shops.id }]);
});

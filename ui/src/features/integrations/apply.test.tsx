/** Settings for other connections: nothing is sent before it was chosen, and exactly that is. */
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ConnectionDetail, ConnectionRow, Connector } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { ApplyDialog } from "./parts/ApplyDialog";

it("gives the chosen parts to the chosen connections of the same system", async () => {
  const world = storyOf("open");
  const handlers = { ...clientFixtures(world), ...integrationsFixtures(world) };
  const emit = () => undefined;
  const rows = (await handlers.connections_list?.({}, emit)) as ConnectionRow[];
  const systems = (await handlers.connectors_list?.({}, emit)) as Connector[];
  const mine = rows.filter((row) => row.connector === "vk_ads");
  const [from, first, second] = mine;
  const connector = systems.find((one) => one.id === "vk_ads");
  if (!from || !first || !second || !connector) throw new Error("the harness has three connections of a system");
  const detail = (await handlers.connection_get?.({ id: from.id }, emit)) as ConnectionDetail;
  const onClose = vi.fn();
  const { host } = await inConsole(<ApplyDialog detail={detail} connector={connector} onClose={onClose} />, handlers);
  const user = userEvent.setup();
  const dialog = within(await screen.findByRole("dialog"));
  const action = () => dialog.getByRole("button", { name: /^Apply to/ });
  await waitFor(() => expect(dialog.getByLabelText(`All that are shown (${mine.length - 1})`)).toBeInTheDocument());
  expect(action()).toBeDisabled();
  await user.click(dialog.getByLabelText("Days read again"));
  await user.type(dialog.getByLabelText("To whom"), first.client_name);
  await user.click(dialog.getByLabelText(`${first.client_name} · ${first.account_name}`));
  await user.clear(dialog.getByLabelText("To whom"));
  await user.click(dialog.getByLabelText(`${second.client_name} · ${second.account_name}`));
  await user.click(action());
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  const sent = host.calls.filter((call) => call.command === "settings_apply").map((call) => call.request);
  expect(sent).toEqual([{ from: from.id, to: [first.id, second.id], parts: ["schedule", "lookback"] }]);
});

/** The connect wizard as a person goes through it: answers stay, secrets do not come back, failures say what to do. */
import { refusal } from "@harness/fakeHost";
import { clientFixtures } from "@harness/fixtures/clients";
import { connectors } from "@harness/fixtures/frame";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { syncsFixtures } from "@harness/fixtures/syncs";
import { storyOf } from "@harness/world";
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Connector } from "@/gen/contract";
import { followEvents } from "@/shared/query/query";
import { inConsole } from "../../../tests/inConsole";
import { ConnectWizard } from "./parts/ConnectWizard";
import { IntegrationsScreen } from "./screens/IntegrationsScreen";

const SECRET = "s3cr3t-value-123";

async function open(extra: Parameters<typeof inConsole>[1] = {}, clientId: string | null = null) {
  const world = storyOf("open");
  const handlers = { ...clientFixtures(world), ...integrationsFixtures(world), ...syncsFixtures(world), ...extra };
  const list = (await handlers.connectors_list?.({}, () => undefined)) as Connector[];
  const connector = list.find((one) => one.id === "vk_ads") ?? connectors[0];
  if (!connector) throw new Error("the harness has a connector");
  const onClose = vi.fn();
  const view = await inConsole(<ConnectWizard connector={connector} clientId={clientId} onClose={onClose} />, handlers);
  followEvents(view.client);
  return { ...view, onClose, user: userEvent.setup() };
}

async function signIn(user: ReturnType<typeof userEvent.setup>, id: string) {
  await user.clear(await screen.findByLabelText(/Client ID/));
  await user.type(screen.getByLabelText(/Client ID/), id);
  await user.type(screen.getByLabelText(/Client secret/), SECRET);
  await user.click(screen.getByTestId("wizard-next"));
}

const calls = (host: { calls: { command: string; request: unknown }[] }, command: string) =>
  host.calls.filter((call) => call.command === command).map((call) => call.request);

describe("connect wizard", () => {
  it("begins anew for another system", async () => {
    const world = storyOf("open");
    const handlers = { ...clientFixtures(world), ...integrationsFixtures(world), ...syncsFixtures(world) };
    const list = (await handlers.connectors_list?.({}, () => undefined)) as Connector[];
    const other = list.filter((one) => one.id === "vk_ads").map((one) => ({ ...one, id: "other" }));
    const all = { ...handlers, connectors_list: () => [...list, ...other] };
    const { router } = await inConsole(<IntegrationsScreen />, all, "en", "/integrations/connect/vk_ads");
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText(/Client ID/), "one agency's");
    await act(async () => router.history.push("/integrations/connect/other"));
    await waitFor(() => expect(screen.getByLabelText(/Client ID/)).toHaveValue(""));
  });

  it("goes from a sign-in to the first sync and sends what was decided", async () => {
    const { host, user } = await open();
    await signIn(user, "fine");
    expect(await screen.findByText("Signed in as m.orlova@polyus.agency")).toBeInTheDocument();
    await waitFor(() => expect(screen.getByTestId("step-totals")).toHaveAttribute("data-state", "done"));
    expect(screen.getByTestId("account-16093382")).toHaveAttribute("data-picked", "true");
    expect(screen.getByTestId("account-14000211")).toHaveAttribute("data-picked", "false");
    await user.click(within(screen.getByTestId("account-16120477")).getByRole("checkbox"));
    expect(screen.getByTestId("wizard-next")).toHaveTextContent("Continue with 3 cabinets");
    await user.click(screen.getByTestId("wizard-next"));
    expect(screen.getByRole("switch", { name: "Ad plans" })).toBeDisabled();
    await user.click(screen.getByRole("switch", { name: "Ad group statistics" }));
    await user.click(screen.getByRole("radio", { name: "Spend includes VAT" }));
    const at = screen.getByRole("textbox", { name: "Time" });
    await user.clear(at);
    await user.type(at, "7:30");
    expect(screen.getByText("For example 06:00")).toBeInTheDocument();
    await user.clear(at);
    await user.type(at, "07:30");
    await user.click(screen.getByRole("checkbox", { name: "Su" }));
    await user.click(screen.getByRole("switch", { name: /^Keep rows with zero spend/ }));
    await user.click(screen.getByTestId("wizard-next"));
    expect(await screen.findByText("3 cabinets connected")).toBeInTheDocument();
    const [commit] = calls(host, "draft_commit");
    expect(commit).toMatchObject({
      vat: "included",
      zero_rows: "leave_out",
      in_totals: "counts",
      lookbacks: {},
      first_load_days: 90,
      schedule: { kind: "daily", at: "07:30", days: ["mon", "tue", "wed", "thu", "fri", "sat"] },
      picks: [
        { external_id: "16093382", client_id: "client-0", new_client_name: null },
        { external_id: "15988410", client_id: "client-2", new_client_name: null },
        { external_id: "16201733", client_id: "client-3", new_client_name: null },
      ],
    });
    expect((commit as { streams: { name: string; on: boolean }[] }).streams).toContainEqual({
      name: "ad_group_stats",
      on: false,
    });
    expect(await screen.findAllByRole("progressbar")).toHaveLength(3);
    expect(calls(host, "draft_discard")).toEqual([]);
  });

  it("keeps answers on the way back, never shows the secret again, and tests with the kept one", async () => {
    const { host, user } = await open();
    await signIn(user, "fine");
    await screen.findByTestId("account-16093382");
    await user.click(within(screen.getByTestId("account-16120477")).getByRole("checkbox"));
    await user.click(screen.getByRole("button", { name: "Back" }));
    expect(screen.getByLabelText(/Client ID/)).toHaveValue("fine");
    expect(screen.getByLabelText(/Client secret/)).toHaveValue("");
    expect(screen.getByLabelText(/Client secret/)).toHaveAttribute("placeholder", "Entered; type to replace");
    expect(document.body.innerHTML).not.toContain(SECRET);
    await user.click(screen.getByTestId("wizard-next"));
    await waitFor(() => expect(calls(host, "draft_start")).toHaveLength(2));
    expect(calls(host, "draft_start")[1]).toMatchObject({ answers: { client_id: "fine", client_secret: SECRET } });
    await waitFor(() => expect(calls(host, "draft_discard")).toEqual([{ id: "draft-1" }]));
    expect(await screen.findByTestId("account-16120477")).toHaveAttribute("data-picked", "false");
  });

  it.each([
    ["wrong", "step-sign_in", /Check that it is copied whole/, "Correct the sign-in"],
    ["down", "step-sample", /answers with an error/, "Test again"],
  ])("after %s says what failed and offers the one button that helps", async (id, step, words, button) => {
    const { user } = await open();
    await signIn(user, id);
    await waitFor(() => expect(screen.getByTestId(step)).toHaveAttribute("data-state", "failed"));
    const row = within(screen.getByTestId(step));
    expect(row.getByText(words)).toBeInTheDocument();
    expect(screen.getByTestId("wizard-next")).toBeDisabled();
    await user.click(row.getByRole("button", { name: button }));
    if (button === "Correct the sign-in") expect(screen.getByLabelText(/Client ID/)).toHaveValue("wrong");
  });

  it("marks the field that the backend refused, without losing the others", async () => {
    const { user } = await open();
    await signIn(user, "busy");
    expect(await screen.findByText("The value does not fit")).toBeInTheDocument();
    expect(screen.getByLabelText(/Client ID/)).toHaveValue("busy");
  });

  it("does not send an empty form", async () => {
    const { host, user } = await open();
    await user.click(await screen.findByTestId("wizard-next"));
    expect(screen.getAllByText("Fill in this field")).toHaveLength(2);
    expect(calls(host, "draft_start")).toEqual([]);
  });

  it("asks before it forgets, and then forgets in the backend too", async () => {
    const { host, user, onClose, unmount } = await open();
    await signIn(user, "fine");
    await screen.findByTestId("account-16093382");
    fireEvent.keyDown(screen.getByTestId("wizard"), { key: "Escape" });
    expect(await screen.findByText("Close without connecting?")).toBeInTheDocument();
    expect(onClose).not.toHaveBeenCalled();
    await user.click(screen.getByRole("button", { name: "Close and forget" }));
    expect(onClose).toHaveBeenCalled();
    unmount();
    await waitFor(() => expect(calls(host, "draft_discard")).toEqual([{ id: "draft-1" }]));
  });

  it("closes at once when there is nothing to lose", async () => {
    const { onClose, user } = await open();
    await user.click(await screen.findByRole("button", { name: "Close" }));
    expect(onClose).toHaveBeenCalled();
  });

  it("gives a cabinet without an owner a new client under its name", async () => {
    const { host, user } = await open();
    await signIn(user, "fine");
    await user.click(within(await screen.findByTestId("account-16201790")).getByRole("checkbox"));
    expect(screen.getByTestId("wizard-next")).toBeDisabled();
    await user.click(screen.getByRole("button", { name: "Create a client by its name" }));
    expect(screen.getByTestId("account-16201790")).toHaveTextContent("gzhel-opt, new");
    await user.click(screen.getByTestId("wizard-next"));
    await waitFor(() => expect(screen.getByTestId("wizard-next")).toBeEnabled());
    await user.click(screen.getByTestId("wizard-next"));
    await waitFor(() =>
      expect(calls(host, "draft_commit")[0]).toMatchObject({
        picks: expect.arrayContaining([{ external_id: "16201790", client_id: null, new_client_name: "gzhel-opt" }]),
      }),
    );
  });

  it("starts from a template, and what is changed besides is sent as it was chosen", async () => {
    const { user, host } = await open();
    await signIn(user, "fine");
    await waitFor(() => expect(screen.getByTestId("step-totals")).toHaveAttribute("data-state", "done"));
    await user.click(screen.getByTestId("wizard-next"));
    await user.click(await screen.findByRole("combobox", { name: "Template" }));
    await user.click(await screen.findByRole("option", { name: "Магазины" }));
    expect(screen.getByTestId("lookback-ad_plan_stats")).toHaveTextContent("Reads 14 days again, once a week 30 days");
    expect(screen.getByRole("radio", { name: "Spend includes VAT" })).toBeChecked();
    await user.click(screen.getByRole("radio", { name: "Spend is without VAT" }));
    await user.click(screen.getByTestId("wizard-next"));
    await waitFor(() =>
      expect(calls(host, "draft_commit")[0]).toMatchObject({
        template: "template-shops",
        schedule: { kind: "hourly", every: 4 },
        lookbacks: { ad_plan_stats: { days: 14, weekly_days: 30 } },
        vat: "excluded",
        zero_rows: "keep",
        in_totals: "counts",
      }),
    );
  });

  it("says that nothing was saved when saving fails, and lets the person try again", async () => {
    const { user } = await open({
      draft_commit: () => {
        throw refusal("disk_full", "fix_settings", { path: "workspace.db" });
      },
    });
    await signIn(user, "fine");
    await waitFor(() => expect(screen.getByTestId("step-totals")).toHaveAttribute("data-state", "done"));
    await user.click(screen.getByTestId("wizard-next"));
    await user.click(screen.getByTestId("wizard-next"));
    expect(await screen.findByText("The disk is full")).toBeInTheDocument();
    expect(screen.getByTestId("wizard-next")).toBeEnabled();
  });
});

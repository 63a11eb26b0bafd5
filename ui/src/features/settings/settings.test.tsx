/** Channels as a person sets them up: nothing is sent before it was asked for, a secret is never shown, a test says how it went. */
import { clientFixtures } from "@harness/fixtures/clients";
import { channels, settingsFixtures } from "@harness/fixtures/settings";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { ChannelSave } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { SettingsScreen } from "./screens/SettingsScreen";

const open = (at: string, story: Parameters<typeof storyOf>[0] = "open", language: "ru" | "en" = "en") => {
  const world = storyOf(story);
  const handlers = { ...clientFixtures(world), ...settingsFixtures(world) };
  return inConsole(<SettingsScreen />, handlers, language, at);
};
const drawer = async () => within(await screen.findByRole("complementary"));
const sent = (calls: { command: string; request: unknown }[], command: string) =>
  calls.filter((call) => call.command === command).map((call) => call.request as ChannelSave);

describe("channels", () => {
  it("say where they lead, what they carry and how they do", async () => {
    await open("/settings");
    const rows = await screen.findAllByRole("button", { expanded: false });
    const said = rows.map((row) => row.textContent);
    expect(said).toContainEqual(expect.stringContaining("-1001234567890 · critical at once · a digest a day"));
    expect(said).toContainEqual(expect.stringContaining("2 clients"));
    expect(said).toContainEqual(expect.stringContaining("The channel's key is not accepted"));
    expect(said).toContainEqual(expect.stringMatching(/Tries again/));
  });

  it("offer the first one where there is none", async () => {
    await open("/settings", "empty", "ru");
    expect(await screen.findByText("Предупреждения видны только в окне")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Добавить канал" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Почта" }));
    expect((await drawer()).getByLabelText("Пароль")).toHaveAttribute("type", "password");
  });

  it("are tested before they are saved, with the chat that was found", async () => {
    const { host } = await open("/settings?channel=new-telegram");
    const form = await drawer();
    const user = userEvent.setup();
    await user.click(form.getByRole("button", { name: "Send a test" }));
    expect(await form.findByText("Check the field “Key”")).toBeInTheDocument();
    // A token is pasted, and a form that is drawn anew for each of its letters would only take time here.
    await user.click(form.getByLabelText("Bot token"));
    await user.paste("123:not-a-real-token");
    await user.click(form.getByRole("button", { name: "Find the chat" }));
    await user.click(await form.findByRole("button", { name: "Дежурные аналитики" }));
    await user.click(form.getByRole("button", { name: "Send a test" }));
    expect(await form.findByText("The message is in the chat")).toBeInTheDocument();
    expect(sent(host.calls, "channel_save")).toEqual([]);
    await user.click(form.getByRole("button", { name: "Add" }));
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
    const saved = sent(host.calls, "channel_save")[0];
    expect([saved?.id, saved?.secret, saved?.settings]).toEqual([
      null,
      "123:not-a-real-token",
      { kind: "telegram", chat_id: "-1001234567890", topic: null, server: null },
    ]);
  });

  it("keep their secret when it is not entered again, and tell why a test failed", async () => {
    const { host } = await open("/settings?channel=channel-slack");
    const form = await drawer();
    const user = userEvent.setup();
    expect(form.getByLabelText("Webhook address")).toHaveValue("");
    expect(form.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.click(form.getByRole("button", { name: "Send a test" }));
    expect(await form.findByText(/no_service/)).toBeInTheDocument();
    await user.click(form.getByLabelText("Critical alerts arrive in quiet hours too"));
    await user.clear(form.getByLabelText("From"));
    await user.type(form.getByLabelText("From"), "21:30");
    await user.click(form.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent(host.calls, "channel_save")).toHaveLength(1));
    const slack = channels.find((channel) => channel.id === "channel-slack");
    const saved = sent(host.calls, "channel_save")[0];
    expect(saved).toMatchObject({
      id: "channel-slack",
      secret: null,
      critical_at_night: true,
      quiet: { from: "21:30", to: "08:00" },
      wants: slack?.wants,
    });
  });

  it("are deleted after a question", async () => {
    const { host } = await open("/settings?channel=channel-email");
    const form = await drawer();
    const user = userEvent.setup();
    await user.click(form.getByRole("button", { name: "Delete the channel" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Delete the channel" }));
    await waitFor(() => expect(sent(host.calls, "channel_delete")).toEqual([{ id: "channel-email" }]));
  });

  it("of this computer are switched off, not deleted", async () => {
    await open("/settings?channel=channel-desktop");
    const form = await drawer();
    expect(form.getByLabelText("On")).toBeChecked();
    expect(form.queryByRole("button", { name: "Delete the channel" })).toBeNull();
  });

  it("say that they could not be read", async () => {
    await open("/settings", "failing");
    // Neither the channels nor the rules of alerts, nor what waits on a low battery.
    await waitFor(() => expect(screen.getAllByRole("alert")).toHaveLength(3));
  });
});

it("takes what waits on a low battery, and the charge within its range", async () => {
  const { host } = await open("/settings");
  const user = userEvent.setup();
  const percent = await screen.findByLabelText("At this charge or less");
  expect(percent).toHaveValue("20 %");
  await user.clear(percent);
  await user.type(percent, "300");
  await user.tab();
  const wishes = () => host.calls.filter((call) => call.command === "battery_saver_update").map((call) => call.request);
  // The next press comes before the first change was read again, and adds to it.
  await user.click(screen.getByRole("switch", { name: /low battery/ }));
  await waitFor(() =>
    expect(wishes()).toEqual([
      { enabled: true, percent: 100 },
      { enabled: false, percent: 100 },
    ]),
  );
  await waitFor(() => expect(screen.getByLabelText("At this charge or less")).toBeDisabled());
});

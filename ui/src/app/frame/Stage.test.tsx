/** Screens of the rail stay as they were left, and cost nothing while they are out of sight. */
import { fakeHost } from "@harness/fakeHost";
import { fixtures } from "@harness/fixtures";
import { storyOf } from "@harness/world";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { App } from "@/app/App";
import { setHost } from "@/host/current";
import type { CommandName } from "@/host/host";
import { setPrefs } from "@/shared/prefs/prefs";

/** The console at an address. */
function openAt(address: string) {
  setPrefs({ language: "en" });
  const host = fakeHost(fixtures(storyOf("open")));
  setHost(host);
  window.location.hash = address;
  render(<App />);
  const user = userEvent.setup();
  return {
    host,
    user,
    goTo: (name: RegExp) => user.click(screen.getByRole("link", { name })),
    shown: (name: string) => screen.findByRole("heading", { level: 1, name }),
  };
}

it("forgets a sign-in that was left half entered", async () => {
  const { user, goTo, shown } = openAt("#/integrations/connect/vk_ads");
  const secret = () => screen.findByLabelText(/^Client secret/);
  await user.type(await secret(), "half a secret");
  await goTo(/^Audit log/);
  await shown("Audit log");
  expect(document.querySelector("input[type=password]")).toBeNull();
  act(() => window.history.back());
  expect(await secret()).toHaveValue("");
});

it("keeps what a person did on a screen, reads nothing for it out of sight and shows what has changed since", async () => {
  const { host, user, goTo, shown } = openAt("#/overview");
  const reads = (command: CommandName) => host.calls.filter((call) => call.command === command).length;
  const find = () => screen.findByRole("textbox", { name: "Client" });
  await user.type(await find(), "о");
  const rows = () => screen.getAllByRole("row").length;
  await waitFor(() => expect(rows()).toBeGreaterThan(2));
  const left = rows();

  await goTo(/^Audit log/);
  await shown("Audit log");
  expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1);
  const [before, audits] = [reads("overview_get"), reads("audit_list")];
  act(() => host.emit({ type: "changed", tags: ["stats", "audit"] }));
  await waitFor(() => expect(reads("audit_list")).toBeGreaterThan(audits));
  expect(reads("overview_get")).toBe(before);

  await goTo(/^Overview/);
  expect(await find()).toHaveValue("о");
  await waitFor(() => expect(reads("overview_get")).toBe(before + 1));
  await waitFor(() => expect(rows()).toBe(left));
});

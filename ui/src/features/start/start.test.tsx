/** First start and the locked workspace: nothing is created before the key is acknowledged, and every lock says its own word. */

import { refusal } from "@harness/fakeHost";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { AppStatus, KeychainState } from "@/gen/contract";
import { inConsole, status } from "../../../tests/inConsole";
import { FirstRunScreen } from "./screens/FirstRunScreen";
import { LockedScreen } from "./screens/LockedScreen";

const absent: AppStatus = { ...status, workspace: "absent", workspace_name: null, lock: null };
const draft = (keychain: KeychainState) => ({
  recovery_key: "7QKD-M4XR-9TFA",
  currency: "RUB",
  time_zone: "Europe/Moscow",
  keychain,
});

describe("first start", () => {
  it("creates only after a name is given and the recovery key is acknowledged", async () => {
    const { host } = await inConsole(<FirstRunScreen status={absent} />, {
      workspace_draft: () => draft("available"),
      workspace_create: () => ({ status }),
    });
    const user = userEvent.setup();
    const create = await screen.findByRole("button", { name: "Create workspace" });
    expect(screen.getByText("M4XR")).toBeInTheDocument();
    await user.type(screen.getByLabelText("Workspace name"), "Polyus");
    expect(create).toBeDisabled();
    await user.click(screen.getByLabelText("I have saved the key"));
    await user.click(create);
    await waitFor(() =>
      expect(host.calls).toContainEqual({
        command: "workspace_create",
        request: { name: "Polyus", currency: "RUB", time_zone: "Europe/Moscow", lock: "keychain", passphrase: null },
      }),
    );
    expect(host.calls.filter((call) => call.command === "workspace_draft")).toHaveLength(1);
  });

  it("without a keychain asks for a passphrase of ten characters, twice", async () => {
    const { host } = await inConsole(<FirstRunScreen status={{ ...absent, keychain: "missing" }} />, {
      workspace_draft: () => draft("missing"),
      workspace_create: () => ({ status }),
    });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("Workspace name"), "Polyus");
    expect(screen.getByRole("radio", { name: /System keychain/ })).toBeDisabled();
    await user.click(screen.getByLabelText("I have saved the key"));
    await user.type(screen.getByLabelText("Passphrase, at least 10 characters"), "long enough 1");
    await user.type(screen.getByLabelText("Passphrase again"), "long enough");
    expect(screen.getByRole("button", { name: "Create workspace" })).toBeDisabled();
    await user.type(screen.getByLabelText("Passphrase again"), " 1");
    await user.click(screen.getByRole("button", { name: "Create workspace" }));
    await waitFor(() =>
      expect(host.calls.at(-1)?.request).toMatchObject({ lock: "passphrase", passphrase: "long enough 1" }),
    );
  });

  it("says why the demo did not open", async () => {
    await inConsole(
      <FirstRunScreen status={absent} />,
      {
        workspace_draft: () => draft("available"),
        workspace_open_demo: () => {
          throw refusal("disk_full", "fix_settings", { path: "demo.db" });
        },
      },
      "ru",
    );
    await userEvent.setup().click(await screen.findByRole("button", { name: "Открыть демонстрацию" }));
    expect(await screen.findByText(/Не удалось записать в demo\.db/)).toBeInTheDocument();
  });
});

describe("a locked workspace", () => {
  it.each([
    ["locked", "The keychain is locked"],
    ["missing", "There is no keychain"],
    ["denied", "The system denies the keychain"],
    ["available", "The key does not open the workspace"],
  ] as const)("with a keychain that is %s says so", async (keychain, title) => {
    await inConsole(<LockedScreen status={{ ...status, workspace: "locked", keychain, lock: "keychain" }} />);
    expect(screen.getByRole("heading", { name: title })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Try again" })).toBeEnabled();
  });

  it("with a damaged file speaks of the file, not of the keychain", async () => {
    const failure = {
      code: "database_newer" as const,
      kind: "fix_settings" as const,
      params: { found: "14", known: "9" },
      detail: null,
      retry_at: null,
    };
    await inConsole(<LockedScreen status={{ ...status, workspace: "locked", lock: "keychain", failure }} />);
    expect(screen.getByRole("heading", { name: "The file is from a newer version" })).toBeInTheDocument();
  });

  it("refuses a wrong passphrase in words and keeps what can be tried again", async () => {
    await inConsole(
      <LockedScreen status={{ ...status, workspace: "locked", lock: "passphrase" }} />,
      {
        workspace_unlock: () => {
          throw refusal("wrong_passphrase", "fix_settings");
        },
      },
      "ru",
    );
    const user = userEvent.setup();
    await user.type(screen.getByLabelText("Пароль"), "не тот пароль");
    await user.click(screen.getByRole("button", { name: "Открыть" }));
    expect(await screen.findByText("Пароль или ключ не подходит")).toBeInTheDocument();
  });
});

/** The folder of a connection: how it is named, what is refused, and what stands there until it is mended. */
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { ConnectionDetail, Connector, FileSource } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { ConnectionDrawer } from "./parts/ConnectionDrawer";

const FILE = "conn-client-0-1";

async function open(files?: FileSource) {
  const world = storyOf("open");
  const handlers = { ...clientFixtures(world), ...integrationsFixtures(world) };
  const systems = (await handlers.connectors_list?.({}, () => undefined)) as Connector[];
  const read = handlers.connection_get;
  if (files && read) {
    handlers.connection_get = async (request, emit) => ({
      ...((await read(request, emit)) as ConnectionDetail),
      files,
    });
  }
  const view = await inConsole(<ConnectionDrawer id={FILE} connectors={systems} onClose={() => undefined} />, handlers);
  const part = within(await screen.findByTestId("watched-folder"));
  const asked = () => view.host.calls.filter((call) => call.command === "folder_watch").map((call) => call.request);
  return { part, user: userEvent.setup(), asked };
}

it("is named by its full path, shows what does not fit and why, and is let go", async () => {
  const { part, user, asked } = await open();
  expect(part.getByRole("button", { name: "Watch" })).toBeDisabled();
  await user.type(part.getByLabelText("Full path"), "Reports");
  await user.click(part.getByRole("button", { name: "Watch" }));
  expect(await part.findByText("A full path is needed, from the root of the disk")).toBeInTheDocument();
  await user.clear(part.getByLabelText("Full path"));
  await user.type(part.getByLabelText("Full path"), "/home/anna/Reports{Enter}");
  expect(await part.findByText("1 file does not fit")).toBeInTheDocument();
  expect(part.getByText("/home/anna/Reports")).toBeInTheDocument();
  expect(part.getByText("12 files")).toBeInTheDocument();
  expect(part.getByText("МТС, ноябрь.xlsx")).toBeInTheDocument();
  expect(part.getByText(/missing: Расход, руб\.; new: Расход с НДС, руб\./)).toBeInTheDocument();
  await user.click(part.getByRole("button", { name: "Stop watching" }));
  expect(await part.findByRole("button", { name: "Watch" })).toBeInTheDocument();
  expect(asked()).toEqual([
    { id: FILE, path: "Reports" },
    { id: FILE, path: "/home/anna/Reports" },
    { id: FILE, path: null },
  ]);
});

it("waits for the first file that a person brings", async () => {
  const { part } = await open({ agreed: false, folder: null });
  expect(part.getByText(/Import one file by hand first/)).toBeInTheDocument();
  expect(part.queryByRole("button")).toBeNull();
});

it("says that it is away, before anything that lies in it", async () => {
  const { part, user } = await open();
  await user.type(part.getByLabelText("Full path"), "/away{Enter}");
  await waitFor(() => expect(part.getAllByText("The file cannot be accessed").length).toBeGreaterThan(0));
  expect(part.getByText(/\/away cannot be read or written/)).toBeInTheDocument();
  expect(part.queryByText("1 file does not fit")).toBeNull();
});

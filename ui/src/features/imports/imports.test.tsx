/** Importing a file: what is said before anything is written, and what is never lost. */
import { clientFixtures } from "@harness/fixtures/clients";
import { importsFixtures } from "@harness/fixtures/imports";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { ImportPreview } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { assign, base64Of, samples, suggestSource } from "./logic/mapping";
import { ImportDialog } from "./parts/ImportDialog";

const file = (name: string) => new File(["Дата;Клики\n01.11.2026;4\n"], name, { type: "text/csv" });

async function open(clientId: string | null) {
  const view = await inConsole(<ImportDialog clientId={clientId} onClose={() => undefined} />, {
    ...clientFixtures(storyOf("open")),
    ...importsFixtures(),
  });
  await waitFor(() => expect(view.host.calls.some((call) => call.command === "clients_list")).toBe(true));
  const user = userEvent.setup();
  const last = (command: string) => view.host.calls.filter((call) => call.command === command).at(-1)?.request;
  return { ...view, user, last };
}

describe("meaning of columns", () => {
  it("is given to one column only, except where several may have it", () => {
    expect(assign(["date", "clicks", "ignore"], 2, "clicks")).toEqual(["date", "ignore", "clicks"]);
    expect(assign(["breakdown", "ignore"], 1, "breakdown")).toEqual(["breakdown", "breakdown"]);
    expect(assign(["date", "clicks"], 0, "ignore")).toEqual(["ignore", "clicks"]);
  });

  it("is recognised by a few different values", () => {
    const preview = { sample: [["a", ""], ["a", "2"], ["b"], ["c"], ["d"]] } as Partial<ImportPreview> as ImportPreview;
    expect(samples(preview, 0)).toEqual(["a", "b", "c"]);
    expect(samples(preview, 1)).toEqual(["2"]);
    expect(samples(preview, 9)).toEqual([]);
  });

  it.each([
    ["yandex_direct-2026-11.csv", "yandex direct 2026 11"],
    ["Отчёт.xlsx", "Отчёт"],
    ["noext", "noext"],
  ])("names the source after %s", (name, source) => {
    expect(suggestSource(name)).toBe(source);
  });

  it("hands over base64 without the head of the data URL", () => {
    expect(base64Of("data:text/csv;base64,QUI=")).toBe("QUI=");
  });
});

describe("import", () => {
  it("says what would happen before its button, then writes exactly that", async () => {
    const { user, last } = await open("client-1");
    await user.upload(await screen.findByTestId("import-file"), file("yandex_direct.csv"));
    expect(await screen.findByText("1,272 rows fit")).toBeInTheDocument();
    expect(last("import_open")).toMatchObject({ name: "yandex_direct.csv" });
    const verdict = within(screen.getByTestId("import-verdict"));
    expect(verdict.getByText(/12 rows have mistakes and will be skipped/)).toBeInTheDocument();
    expect(verdict.getByText(/there are 986 rows from this source already/)).toBeInTheDocument();
    const bad = within(screen.getByTestId("bad-rows"));
    expect(bad.getByText("118")).toBeInTheDocument();
    expect(bad.getByText("Not a date: “Дата”")).toBeInTheDocument();
    expect(bad.getByText("32.10.2026")).toBeInTheDocument();
    const write = screen.getByTestId("import-commit");
    await waitFor(() => expect(write).toBeEnabled());
    expect(write).toHaveTextContent("Write 1,272 rows");
    await user.click(write);
    expect(await screen.findByText("1,272 rows written")).toBeInTheDocument();
    expect(last("import_commit")).toMatchObject({
      check: { client_id: "client-1", source_name: "yandex direct", currency: "RUB", vat: "unknown" },
    });
    expect(screen.getByRole("button", { name: "Show the run" })).toBeInTheDocument();
  });

  it("waits for a client, and checks again when a meaning changes", async () => {
    const { user, host, last } = await open(null);
    await user.upload(await screen.findByTestId("import-file"), file("direct.csv"));
    expect(await screen.findByRole("status")).toHaveTextContent("Choose a client");
    expect(host.calls.some((call) => call.command === "import_check")).toBe(false);
    await user.click(screen.getByRole("combobox", { name: /Client/ }));
    await user.click(await screen.findByRole("option", { name: "СтройДом" }));
    await screen.findByText("1,272 rows fit");
    await user.selectOptions(screen.getByLabelText("Meaning of the column CTR (%)"), "clicks");
    await waitFor(() => expect((last("import_check") as { fields: string[] }).fields[5]).toBe("clicks"));
    expect((last("import_check") as { fields: string[] }).fields[4]).toBe("ignore");
  });

  it("does not offer to write while a column is missing, and says which", async () => {
    const { user } = await open("client-1");
    await user.upload(await screen.findByTestId("import-file"), file("direct.csv"));
    await screen.findByText("1,272 rows fit");
    await user.selectOptions(screen.getByLabelText("Meaning of the column Дата"), "ignore");
    expect(await screen.findByText("A column is missing")).toBeInTheDocument();
    expect(screen.getByTestId("import-commit")).toBeDisabled();
  });

  it("says what is wrong with a file and takes another one", async () => {
    const { user } = await open("client-1");
    await user.upload(await screen.findByTestId("import-file"), file("broken.csv"));
    expect(await screen.findByText("This is not a table")).toBeInTheDocument();
    await user.upload(screen.getByTestId("import-file"), file("direct.csv"));
    expect(await screen.findByText("1,272 rows fit")).toBeInTheDocument();
  });

  it("does not even read a file that is too large", async () => {
    const { user, host } = await open("client-1");
    const large = file("large.csv");
    Object.defineProperty(large, "size", { value: 65 * 1024 * 1024 });
    await user.upload(await screen.findByTestId("import-file"), large);
    expect(await screen.findByText("The file is too large")).toBeInTheDocument();
    expect(host.calls.some((call) => call.command === "import_open")).toBe(false);
  });
});

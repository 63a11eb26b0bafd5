/** Importing a file: what is said before anything is written, and what is never lost. */
import { clientFixtures } from "@harness/fixtures/clients";
import { connectors } from "@harness/fixtures/frame";
import { importsFixtures } from "@harness/fixtures/imports";
import { storyOf } from "@harness/world";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FileSystem, ImportPreview, KnownSource } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { type Answers, changedAnswers, firstAnswers, lacking } from "./logic/answers";
import { assign, base64Of, samples, suggestSource } from "./logic/mapping";
import { ImportDialog } from "./parts/ImportDialog";
import { ImportOverlay } from "./parts/ImportOverlay";

const file = (name: string) => new File(["Дата;Клики\n01.11.2026;4\n"], name, { type: "text/csv" });

async function open(clientId: string | null, system: string | null = null) {
  const view = await inConsole(<ImportDialog clientId={clientId} system={system} onClose={() => undefined} />, {
    ...clientFixtures(storyOf("open")),
    ...importsFixtures(),
    connectors_list: () => connectors,
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

describe("answers", () => {
  const known = (clientId: string, connector: string, source: string): KnownSource => ({
    connection_id: "c",
    client_id: clientId,
    connector,
    source_name: source,
    fields: ["date", "clicks"],
    currency: "USD",
    vat: "included",
  });
  const preview = (all: KnownSource[]) =>
    ({
      columns: [
        { header: "Дата", guess: "date" },
        { header: "Клики", guess: "ignore" },
      ],
      known: all,
    }) as Partial<ImportPreview> as ImportPreview;
  const asks: FileSystem = { level: "campaign", currency: null, asks_currency: true, asks_vat: true, columns: [] };
  const from = { fileName: "a.csv", clientId: null, system: "file_import", systemName: null, files: null };

  it("are those of the one source it can be from, and guesses otherwise", () => {
    const [a, b] = [known("client-1", "mts_rtb", "А"), known("client-2", "mts_rtb", "Б")];
    expect(firstAnswers(preview([a]), from)).toMatchObject({
      system: "mts_rtb",
      source: "А",
      fields: ["date", "clicks"],
      vat: "included",
    });
    expect(firstAnswers(preview([a, b]), from)).toMatchObject({
      system: "file_import",
      source: "a",
      fields: ["date", "ignore"],
    });
    expect(firstAnswers(preview([a, b]), { ...from, clientId: "client-2" })).toMatchObject({
      source: "Б",
      currency: "USD",
    });
    expect(firstAnswers(preview([]), { ...from, system: "roxot", systemName: "Roxot", files: asks })).toMatchObject({
      source: "Roxot",
      vat: null,
    });
  });

  it("come back when a source that is known is named, and stay as they are otherwise", () => {
    const old: Answers = { system: "mts_rtb", source: "x", vat: null, fields: ["date", "ignore"] };
    const all = preview([known("client-1", "mts_rtb", "А"), known("client-1", "roxot", "Р")]);
    expect(changedAnswers(old, { source: "А " }, all, "client-1")).toMatchObject({ source: "А", vat: "included" });
    for (const [part, clientId] of [
      [{ source: "А" }, "client-2"],
      [{ source: "Р" }, "client-1"],
      [{ vat: "excluded" }, "client-1"],
    ] as const) {
      expect(changedAnswers(old, part, all, clientId)).toEqual({ ...old, ...part });
    }
  });

  it.each([
    ["nothing", { fields: ["date", "cost"], vat: "excluded", currency: "RUB" }, "client-1", asks, null],
    ["a client", {}, null, asks, "client"],
    ["a source", { source: " " }, "client-1", asks, "source"],
    ["VAT", { fields: ["date", "cost"], vat: null, currency: "RUB" }, "client-1", asks, "vat"],
    ["VAT that is unknown", { fields: ["date", "revenue"], vat: "unknown", currency: "RUB" }, "client-1", asks, "vat"],
    ["a currency", { fields: ["date", "cost"], vat: "excluded" }, "client-1", asks, "currency"],
    ["nothing: the file names its currency", { fields: ["cost", "currency"], vat: "excluded" }, "client-1", asks, null],
    ["nothing: there is no money in it", { fields: ["date", "clicks"], vat: null }, "client-1", asks, null],
    ["nothing: any system may leave VAT unknown", { fields: ["cost"], vat: "unknown" }, "client-1", null, null],
  ] as const)("lack %s", (_, part, clientId, files, expected) => {
    const answers = { system: "roxot", source: "Roxot", vat: null, fields: [], ...part } as unknown as Answers;
    expect(lacking(answers, files, clientId)).toBe(expected);
  });
});

describe("import", () => {
  it("shows what a system's export is, and asks what it does not say", async () => {
    const { user, host, last } = await open("client-1", "mts_rtb");
    const usual = within(await screen.findByTestId("usual-export"));
    expect(usual.getByText("Расход, руб., Spend")).toBeInTheDocument();
    expect(usual.getByText(/not checked against a real one/)).toBeInTheDocument();
    await user.upload(screen.getByTestId("import-file"), file("mts.csv"));
    await waitFor(() => expect(screen.getByText("Say if sums contain VAT")).toBeInTheDocument());
    expect(last("import_open")).toMatchObject({ connector: "mts_rtb" });
    expect(host.calls.some((call) => call.command === "import_check")).toBe(false);
    await user.click(screen.getByRole("combobox", { name: /^VAT/ }));
    expect(screen.queryByRole("option", { name: "VAT not stated" })).toBeNull();
    await user.click(await screen.findByRole("option", { name: "with VAT" }));
    await screen.findByText("1,272 rows fit");
    expect(last("import_check")).toMatchObject({
      connector: "mts_rtb",
      source_name: "MTS RTB",
      currency: "RUB",
      vat: "included",
    });
  });

  it("needs nothing but a press for a file of a source that brought files before", async () => {
    const { user, last } = await open(null);
    await user.upload(await screen.findByTestId("import-file"), file("known.csv"));
    await screen.findByText("1,272 rows fit");
    const write = screen.getByTestId("import-commit");
    await waitFor(() => expect(write).toBeEnabled());
    await user.click(write);
    await screen.findByText("1,272 rows written");
    expect(last("import_commit")).toMatchObject({
      check: {
        client_id: "client-1",
        connector: "mts_rtb",
        source_name: "МТС, осень",
        vat: "excluded",
        currency: "RUB",
      },
    });
    expect((last("import_commit") as { check: { fields: string[] } }).check.fields[8]).toBe("ignore");
  });

  it("reads the file again with the words of another system", async () => {
    const { user, last } = await open("client-1");
    await user.upload(await screen.findByTestId("import-file"), file("direct.csv"));
    await screen.findByText("1,272 rows fit");
    await user.click(screen.getByRole("combobox", { name: /^System/ }));
    await user.click(await screen.findByRole("option", { name: "Weborama" }));
    await waitFor(() => expect(last("import_open")).toMatchObject({ name: "direct.csv", connector: "weborama" }));
    expect(await screen.findByText(/not added to the client's totals/)).toBeInTheDocument();
    expect(screen.getByText("Say which currency sums are in")).toBeInTheDocument();
  });

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

describe("files dropped on the window", () => {
  const over = async () => {
    const view = await inConsole(<ImportOverlay />, {
      ...clientFixtures(storyOf("open")),
      ...importsFixtures(),
      connectors_list: () => connectors,
    });
    const asked = (command: string) =>
      view.host.calls.filter((call) => call.command === command).map((call) => call.request);
    return { ...view, asked, user: userEvent.setup() };
  };
  const carrying = (names: string[]) => ({ dataTransfer: { types: ["Files"], files: names.map(file) } });

  it("are invited while they hang over it, and only then", async () => {
    await over();
    expect(screen.queryByTestId("drop-veil")).toBeNull();
    fireEvent.dragOver(window, carrying([]));
    expect(screen.getByTestId("drop-veil")).toHaveTextContent("Drop reports here");
    fireEvent.dragLeave(window, { relatedTarget: null });
    expect(screen.queryByTestId("drop-veil")).toBeNull();
    fireEvent.dragOver(window, { dataTransfer: { types: ["text/plain"], files: [] } });
    expect(screen.queryByTestId("drop-veil")).toBeNull();
  });

  it("need one press when it is one file of a source that is known", async () => {
    const { user, asked } = await over();
    fireEvent.drop(window, carrying(["known.csv"]));
    await screen.findByText("1,272 rows fit");
    const write = screen.getByTestId("import-commit");
    await waitFor(() => expect(write).toBeEnabled());
    await user.click(write);
    await screen.findByText("1,272 rows written");
    expect(asked("import_commit")).toHaveLength(1);
  });

  it("are imported in one confirmation where they are known, and opened one by one where not", async () => {
    const { user, asked } = await over();
    fireEvent.drop(window, carrying(["known-1.csv", "new.xlsx", "manifest.yaml", "broken.csv", "known-2.tsv"]));
    const commit = await screen.findByRole("button", { name: "Import 2 files" });
    expect(asked("import_open").map((request) => (request as { name: string }).name)).toEqual([
      "known-1.csv",
      "new.xlsx",
      "broken.csv",
      "known-2.tsv",
    ]);
    const list = within(screen.getByTestId("dropped"));
    expect(list.getAllByText(/МТС, осень/)).toHaveLength(2);
    expect(list.getAllByText(/there are 986 rows from this source already/)).toHaveLength(2);
    expect(list.getByText(/does not look like CSV/)).toBeInTheDocument();
    expect(asked("import_commit")).toHaveLength(0);
    await user.click(commit);
    expect(await list.findByText("2 files imported")).toBeInTheDocument();
    expect(asked("import_commit")).toHaveLength(2);
    expect(asked("import_commit")[1]).toMatchObject({ check: { connector: "mts_rtb", source_name: "МТС, осень" } });
    await user.click(list.getByRole("button", { name: "Open" }));
    expect(await screen.findByText("new.xlsx")).toBeInTheDocument();
    expect(await screen.findByText("Choose a client", { selector: "[role=status]" })).toBeInTheDocument();
  });

  it("are left alone when somebody else takes them, or an answer is awaited", async () => {
    const { asked } = await over();
    const zone = document.body.appendChild(document.createElement("div"));
    zone.addEventListener("drop", (event) => event.preventDefault());
    fireEvent.drop(zone, carrying(["known.csv"]));
    zone.remove();
    const question = document.body.appendChild(document.createElement("div"));
    question.setAttribute("role", "dialog");
    fireEvent.drop(window, carrying(["known.csv"]));
    fireEvent.dragOver(window, carrying([]));
    expect(screen.queryByTestId("drop-veil")).toBeNull();
    question.remove();
    fireEvent.drop(window, carrying(["manifest.yaml", "photo.png"]));
    await new Promise((done) => setTimeout(done, 50));
    expect(asked("import_open")).toEqual([]);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

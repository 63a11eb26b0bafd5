/** Connectors of one's own as a person brings them in, tries them and maps them; every part is looked over by axe. */
import { refusal } from "@harness/fakeHost";
import { manifest, mapping, workbenchFixtures } from "@harness/fixtures/workbench";
import { storyOf } from "@harness/world";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { ManifestReport, TestRead } from "@/gen/contract";
import { violations } from "../../../tests/axe";
import { inConsole } from "../../../tests/inConsole";
import { MappingEditor } from "./parts/MappingEditor";
import { TestPanel } from "./parts/TestPanel";
import { TestResults } from "./parts/TestResults";
import { ImportScreen } from "./screens/ImportScreen";

const fixtures = workbenchFixtures(storyOf("open"));
const report = async () =>
  (await fixtures.manifest_inspect?.(
    { manifest, mapping, file_name: "shop.yaml", copy_of: null },
    () => undefined,
  )) as ManifestReport;
const readOf = async (stream: string) =>
  (await fixtures.manifest_test_read?.(
    {
      connector: "own_shop",
      manifest,
      copy_of: null,
      connection_id: null,
      answers: {},
      stream,
      state: null,
      records: 100,
      pages: 3,
      slices: 2,
    },
    () => undefined,
  )) as TestRead;
const file = (text: string) => new File([text], "shop.yaml", { type: "text/yaml" });

describe("import of a connector", () => {
  it("shows what will run before anything is kept, then keeps it under the name that was typed", async () => {
    const user = userEvent.setup();
    const { host, container } = await inConsole(<ImportScreen />, fixtures);
    expect(await violations(container)).toEqual([]);
    await user.upload(screen.getByTestId("manifest-file"), file(manifest));
    const table = await screen.findByTestId("fidelity");
    const lost = within(table).getByText("audit_export").closest("tr") as HTMLElement;
    expect(lost).toHaveTextContent("unavailable");
    expect(lost).toHaveTextContent("source_shop.components.AuditRetriever");
    expect(host.calls.map((call) => call.command)).not.toContain("manifest_import");
    expect(await violations(container)).toEqual([]);
    const name = screen.getByLabelText(/Name in the catalogue/);
    await user.clear(name);
    await user.type(name, "My shop");
    await user.click(screen.getByTestId("import-connector"));
    await waitFor(() =>
      expect(host.calls.find((call) => call.command === "manifest_import")?.request).toMatchObject({
        manifest,
        name: "My shop",
        licence: "MIT",
        origin: "https://github.example/acme/manifests/source-shop",
      }),
    );
  });

  it("begins with the starter in the language of the screen, with its mapping, ready to be changed", async () => {
    const user = userEvent.setup();
    const { host, container } = await inConsole(<ImportScreen />, fixtures, "ru");
    await waitFor(() => expect(screen.getByTestId("starter")).toBeEnabled());
    await user.click(screen.getByTestId("starter"));
    await waitFor(() =>
      expect(host.calls.find((call) => call.command === "manifest_inspect")?.request).toMatchObject({
        manifest: `# 1. Где отвечает система.\n${manifest}`,
        mapping,
      }),
    );
    expect(container.querySelector("textarea, .cm-editor, [role=textbox]")).not.toBeNull();
    const name = await screen.findByLabelText(/Название в каталоге/);
    await user.clear(name);
    await user.type(name, "Мой отчёт");
    await waitFor(() => expect(screen.getByTestId("import-connector")).toBeEnabled());
    await user.click(screen.getByTestId("import-connector"));
    await waitFor(() =>
      expect(host.calls.find((call) => call.command === "manifest_import")?.request).toMatchObject({
        name: "Мой отчёт",
        mapping,
      }),
    );
  });

  it("does not offer to keep a manifest that cannot be read, and says where it is wrong", async () => {
    const user = userEvent.setup();
    const { container } = await inConsole(<ImportScreen />, fixtures);
    await user.upload(screen.getByTestId("manifest-file"), file("version: 6.48.0\n"));
    expect(await screen.findByTestId("problems")).toHaveTextContent("neither streams nor dynamic_streams");
    expect(screen.getByTestId("import-connector")).toBeDisabled();
    expect(await violations(container)).toEqual([]);
  });

  it("stays without a name until one is typed", async () => {
    const user = userEvent.setup();
    const { host } = await inConsole(<ImportScreen />, fixtures);
    await user.upload(screen.getByTestId("manifest-file"), file(manifest));
    await screen.findByTestId("fidelity");
    await user.clear(screen.getByLabelText(/Name in the catalogue/));
    await user.click(screen.getByTestId("import-connector"));
    expect(screen.getByLabelText(/Name in the catalogue/)).toBeInvalid();
    expect(host.calls.map((call) => call.command)).not.toContain("manifest_import");
  });

  it("counts streams in Russian as people do", async () => {
    const user = userEvent.setup();
    await inConsole(<ImportScreen />, fixtures, "ru");
    await user.upload(screen.getByTestId("manifest-file"), file(manifest));
    expect(await screen.findByText("2 потока работают")).toBeInTheDocument();
    expect(screen.getByText("1 недоступен")).toBeInTheDocument();
  });
});

describe("test read", () => {
  const panel = async (handlers = fixtures) => {
    const { form, streams } = await report();
    const onResult = vi.fn();
    const subject = { connector: "own_shop", copyOf: null, manifest, form, say: (key: string) => key, connections: [] };
    const view = await inConsole(
      <TestPanel
        subject={{ ...subject, streams }}
        stream="orders"
        onStream={() => undefined}
        results={new Map()}
        onResult={onResult}
      />,
      handlers,
    );
    return { ...view, onResult, user: userEvent.setup() };
  };

  it("sends nothing without a sign-in, then reads with what was typed and no more than was allowed", async () => {
    const { host, container, onResult, user } = await panel();
    expect(await violations(container)).toEqual([]);
    await user.click(screen.getByTestId("test-read"));
    expect(host.calls).toEqual([]);
    await user.type(screen.getByLabelText(/^API key/), "k-1");
    await user.type(screen.getByLabelText(/^Start date/), "2026-11-01");
    await user.click(screen.getByTestId("test-read"));
    await waitFor(() => expect(onResult).toHaveBeenCalled());
    expect(host.calls[0]?.request).toMatchObject({ stream: "orders", records: 100, pages: 3, slices: 2, state: null });
  });

  it("says in place of results why nothing could be read", async () => {
    const { user } = await panel({
      ...fixtures,
      manifest_test_read: () => {
        throw refusal("sign_in_rejected", "sign_in_again", { system: "Shop" });
      },
    });
    await user.type(screen.getByLabelText(/^API key/), "k-1");
    await user.type(screen.getByLabelText(/^Start date/), "2026-11-01");
    await user.click(screen.getByTestId("test-read"));
    expect(await screen.findByText("Sign-in rejected")).toBeInTheDocument();
  });

  it("opens the answer that was refused, keeping those before it", async () => {
    const { container } = await inConsole(
      <TestResults of={await readOf("refunds")} stream="refunds" connector="own_shop" />,
    );
    const requests = screen.getAllByRole("button").filter((one) => one.textContent?.includes("GET"));
    expect(requests.map((one) => one.getAttribute("aria-current"))).toEqual(["false", "true"]);
    expect(screen.getByText(/502 Bad Gateway/)).toBeInTheDocument();
    expect(await violations(container)).toEqual([]);
  });
});

describe("mapping", () => {
  it("shows rows and what would go to quarantine, from the records of the test read", async () => {
    const { streams, tables, mapping: mappings } = await report();
    const results = new Map([["campaign_stats", await readOf("campaign_stats")]]);
    const onChange = vi.fn();
    const { container, host } = await inConsole(
      <MappingEditor
        streams={streams}
        tables={tables}
        mappings={mappings}
        text={mapping}
        marks={[]}
        stream="campaign_stats"
        onStream={() => undefined}
        onChange={onChange}
        onText={() => undefined}
        results={results}
        onTest={() => undefined}
      />,
      fixtures,
    );
    expect(await screen.findByRole("tab", { name: /Rows/ })).toHaveTextContent("47");
    expect(screen.getByRole("tab", { name: /quarantine/i })).toHaveTextContent("1");
    expect(host.calls.find((call) => call.command === "mapping_preview")?.request).toMatchObject({
      stream: "campaign_stats",
    });
    expect(await violations(container)).toEqual([]);
  });
});

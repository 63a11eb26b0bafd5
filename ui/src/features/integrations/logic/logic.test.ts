/** Rules of the catalogue and of the connect wizard, without a screen. */
import { storyOf } from "@harness/world";
import { describe, expect, it } from "vitest";
import type { Connector, Draft, FoundAccount } from "@/gen/contract";
import { cardState, sortCatalogue, worstFirst } from "./catalogue";
import {
  choices,
  type Decisions,
  decide,
  depths,
  isEvident,
  knownStep,
  obstacle,
  picksOf,
  shownChoices,
  suggestedSettings,
  switchStream,
  testShare,
} from "./wizard";

const collator = new Intl.Collator("ru");

function connector(part: Partial<Connector>): Connector {
  return {
    id: "one",
    name: { ru: "Один", en: "One" },
    summary: { ru: "", en: "" },
    sign_in_help: { ru: "", en: "" },
    category: "ads",
    capabilities: ["statistics"],
    icon_svg: "",
    form: {},
    texts: {},
    streams: [],
    first_load_days: 90,
    max_history_days: 730,
    final_after_days: 30,
    in_totals: "counts",
    docs_url: null,
    connected: 0,
    problems: 0,
    declarative: true,
    files: null,
    imported: null,
    ...part,
  };
}

function account(part: Partial<FoundAccount>): FoundAccount {
  return {
    external_id: "1",
    name: "shop",
    currency: "RUB",
    campaigns: 3,
    spend_30d: 1,
    last_data: "2026-11-19",
    active: true,
    state: "done",
    suggested_client: null,
    connected_as: null,
    ...part,
  };
}

const draft = (part: Partial<Draft>): Draft => ({
  id: "d",
  connector: "vk_ads",
  state: "ready",
  signed_in_as: null,
  steps: [],
  accounts: [],
  ...part,
});

describe("catalogue", () => {
  const all = [
    connector({ id: "b", name: { ru: "Бета", en: "Beta" }, connected: 3 }),
    connector({ id: "a", name: { ru: "Альфа", en: "Alpha" }, category: "crm", capabilities: ["leads"] }),
    connector({ id: "c", name: { ru: "Вега", en: "Vega" }, connected: 1, problems: 1 }),
    connector({ id: "d", name: { ru: "Гамма", en: "Gamma" }, connected: 9 }),
  ];
  const words = (one: Connector) => [one.name.ru, one.name.en, one.category, ...one.capabilities];

  it("puts connected systems first, those in trouble on top, then by size; the rest by name", () => {
    const shown = sortCatalogue(all, "", "all", words, collator);
    expect(shown.connected.map((one) => one.id)).toEqual(["c", "d", "b"]);
    expect(shown.available.map((one) => one.id)).toEqual(["a"]);
    expect([...shown.shelves]).toEqual([
      ["all", 4],
      ["ads", 3],
      ["crm", 1],
    ]);
  });

  it("lays what can be connected on its shelves in their order", () => {
    const mixed = (["files", "audiences", "crm", "ads", "analytics"] as const).map((category) =>
      connector({ id: category, name: { ru: category, en: category }, category }),
    );
    const shown = sortCatalogue(mixed, "", "all", words, collator);
    expect(shown.available.map((one) => one.id)).toEqual(["ads", "analytics", "audiences", "crm", "files"]);
  });

  it.each([
    ["бета", ["b"]],
    ["BETA", ["b"]],
    ["leads", ["a"]],
    ["crm leads", ["a"]],
    ["crm statistics", []],
  ])("finds %s", (typed, ids) => {
    const shown = sortCatalogue(all, typed, "all", words, collator);
    expect([...shown.connected, ...shown.available].map((one) => one.id)).toEqual(ids);
  });

  it("counts shelves before the shelf is chosen, so that a chip never shows what it hides", () => {
    const shown = sortCatalogue(all, "", "crm", words, collator);
    expect(shown.connected).toEqual([]);
    expect(shown.shelves.get("ads")).toBe(3);
  });

  it("tells lost sign-ins from other trouble and from pauses", () => {
    const [row] = storyOf("calm").clients.flatMap((client) => client.connections);
    if (!row) throw new Error("the story has connections");
    const rows = [
      row,
      { ...row, state: "sign_in_needed" as const, health: "act" as const },
      { ...row, state: "paused" as const },
      { ...row, health: "act" as const },
      { ...row, health: "watch" as const },
    ];
    expect(cardState(rows)).toEqual({ signIns: 1, others: 1, paused: 1 });
    expect(worstFirst(rows, collator).map((one) => one.health)).toEqual(["act", "act", "watch", "good", "good"]);
  });
});

describe("choice of cabinets", () => {
  const none: Decisions = new Map();

  it.each([
    [
      "an active cabinet with a known owner is picked",
      [account({ suggested_client: "c1" }), account({ external_id: "2" })],
      null,
      [true, false],
    ],
    [
      "an idle one is not",
      [account({ suggested_client: "c1", active: false }), account({ external_id: "2" })],
      null,
      [false, false],
    ],
    ["the only one belongs to where the person came from", [account({ active: false })], "c9", [true]],
    [
      "of several none is guessed from where the person came from",
      [account({}), account({ external_id: "2" })],
      "c9",
      [false, false],
    ],
    ["a connected one cannot be picked", [account({ suggested_client: "c1", connected_as: "k" })], "c9", [false]],
  ])("%s", (_name, accounts, cameFrom, picked) => {
    expect(choices(accounts, none, cameFrom).map((choice) => choice.picked)).toEqual(picked);
  });

  it("keeps a decision when the cabinet is read a second later", () => {
    const decided = decide(none, ["1"], { picked: false });
    expect(
      choices([account({ suggested_client: "c1" }), account({ external_id: "2" })], decided, null)[0]?.picked,
    ).toBe(false);
    const owned = decide(decided, ["1"], { owner: { create: "Shop" }, picked: true });
    const [first] = choices([account({ suggested_client: "c1" })], owned, null);
    expect(first).toMatchObject({ picked: true, owner: { create: "Shop" }, guessed: false });
  });

  it("sends existing clients by id, new ones by name, and nothing without an owner", () => {
    const accounts = [
      account({ suggested_client: "c1" }),
      account({ external_id: "2" }),
      account({ external_id: "3" }),
    ];
    const decided = decide(decide(none, ["2"], { owner: { create: "New" }, picked: true }), ["3"], { picked: true });
    const list = choices(accounts, decided, null);
    expect(picksOf(list)).toEqual([
      { external_id: "1", client_id: "c1", new_client_name: null },
      { external_id: "2", client_id: null, new_client_name: "New" },
    ]);
    expect(obstacle(draft({ accounts }), list)).toEqual({ why: "no_owner", count: 1 });
  });

  it.each([
    ["nothing is known yet", undefined, [], "reading"],
    ["the test failed", draft({ state: "failed" }), [account({ suggested_client: "c" })], "failed"],
    ["cabinets are still looked for", draft({ state: "testing" }), [], "reading"],
    ["there are none", draft({}), [], "none_found"],
    ["all are connected already", draft({}), [account({ connected_as: "k" })], "all_connected"],
    ["none is picked", draft({}), [account({}), account({ external_id: "2" })], "none_picked"],
  ])("does not go on while %s", (_name, at, accounts, why) => {
    expect(obstacle(at, choices(accounts, none, null))?.why).toBe(why);
  });

  it("goes on while samples are still read", () => {
    expect(obstacle(draft({ state: "testing" }), choices([account({ suggested_client: "c" })], none, null))).toBeNull();
  });

  it("searches name, number and client, and never hides a picked cabinet as idle", () => {
    const clients = [{ id: "c1", name: "Ромашка" }] as Parameters<typeof shownChoices>[3];
    const list = choices(
      [account({ suggested_client: "c1" }), account({ external_id: "77", name: "old", active: false })],
      decide(none, ["77"], { picked: true }),
      null,
    );
    expect(shownChoices(list, "ромаш", false, clients)).toHaveLength(1);
    expect(shownChoices(list, "77", false, clients)).toHaveLength(1);
    expect(shownChoices(list, "", true, clients)).toHaveLength(2);
    expect(
      shownChoices(choices([account({ active: false }), account({ external_id: "2" })], none, null), "", true, clients),
    ).toHaveLength(1);
  });
});

describe("settings", () => {
  const vk = connector({
    max_history_days: 100,
    final_after_days: 30,
    in_totals: "counts",
    first_load_days: 45,
    streams: [
      {
        name: "plans",
        title: { ru: "", en: "" },
        kind: "dictionary",
        level: "campaign",
        on_by_default: false,
        required: true,
        lookback: null,
      },
      {
        name: "stats",
        title: { ru: "", en: "" },
        kind: "statistics",
        level: "campaign",
        on_by_default: true,
        required: false,
        lookback: { days: 7, weekly_days: 30 },
      },
    ],
  });

  it("offers depths within the platform's memory, the connector's own among them", () => {
    expect(depths(vk)).toEqual([7, 30, 45, 90]);
  });

  it("cannot switch off what the others need", () => {
    const { streams } = suggestedSettings(vk);
    expect(streams).toEqual([
      { name: "plans", on: true },
      { name: "stats", on: true },
    ]);
    expect(switchStream(streams, vk, "plans", false)[0]?.on).toBe(true);
    expect(switchStream(streams, vk, "stats", false)[1]?.on).toBe(false);
  });
});

describe("steps of the test", () => {
  it("counts a running step as half", () => {
    const step = { params: {}, millis: null, failure: null };
    expect(
      testShare(
        draft({
          steps: [
            { id: "sign_in", state: "done", ...step },
            { id: "accounts", state: "running", ...step },
            { id: "sample", state: "waiting", ...step },
            { id: "totals", state: "waiting", ...step },
          ],
        }),
      ),
    ).toBe(0.375);
  });

  it("has sentences for the known ones only, and only with their values", () => {
    expect(knownStep("accounts")).toBe("accounts");
    expect(knownStep("toString")).toBeNull();
    expect(isEvident("budget", { left: "1", limit: "2" })).toBe(true);
    expect(isEvident("budget", { left: "1" })).toBe(false);
  });
});

/**
 * What the connect wizard knows between its steps. Cabinets arrive while the person already decides about them, so a
 * decision is kept apart from what the test found, and what holds is "decided, or else the default": an answer is never
 * overwritten by a cabinet that is read a second later.
 */
import type {
  AccountPick,
  ClientRow,
  Connector,
  Draft,
  FoundAccount,
  Settings,
  StreamChoice,
  TemplateId,
} from "@/gen/contract";

/** The client a cabinet belongs to: an existing one, or one to create under this name. */
export type Owner = { client: string } | { create: string };

/** What a person said about one cabinet; what is absent was not touched. */
export interface Decision {
  /** Whether it is to be connected. */
  picked?: boolean;
  /** Whose it is. */
  owner?: Owner | null;
}

/** Decisions by the vendor's id of the cabinet. */
export type Decisions = ReadonlyMap<string, Decision>;

/** A cabinet with what holds for it now. */
export interface Choice {
  /** What the test found. */
  account: FoundAccount;
  /** Whether it will be connected. */
  picked: boolean;
  /** Whose it will be. */
  owner: Owner | null;
  /** Whether the owner is our guess, which the person should look at. */
  guessed: boolean;
}

/**
 * What holds for every cabinet. By default the active ones with a known owner are picked; when there is only one
 * cabinet, it is picked and belongs to the client the person came from.
 */
export function choices(accounts: FoundAccount[], decisions: Decisions, cameFrom: string | null): Choice[] {
  const only = accounts.length === 1;
  return accounts.map((account) => {
    const decision = decisions.get(account.external_id);
    const suggested: Owner | null = account.suggested_client
      ? { client: account.suggested_client }
      : only && cameFrom
        ? { client: cameFrom }
        : null;
    const free = account.connected_as === null;
    const owner = decision?.owner === undefined ? suggested : decision.owner;
    return {
      account,
      owner,
      picked: free && (decision?.picked ?? ((only || account.active) && owner !== null)),
      guessed: decision?.owner === undefined && account.suggested_client !== null && free,
    };
  });
}

/** Adds to what is decided about some cabinets. */
export function decide(decisions: Decisions, ids: Iterable<string>, decision: Decision): Decisions {
  const next = new Map(decisions);
  for (const id of ids) next.set(id, { ...next.get(id), ...decision });
  return next;
}

/** The picked cabinets as the surface wants them; a cabinet without an owner cannot be sent. */
export function picksOf(list: Choice[]): AccountPick[] {
  return list.flatMap(({ account, picked, owner }) =>
    picked && owner
      ? [
          {
            external_id: account.external_id,
            client_id: "client" in owner ? owner.client : null,
            new_client_name: "create" in owner ? owner.create : null,
          },
        ]
      : [],
  );
}

/** Why the wizard cannot go on from its test. */
export type Obstacle =
  | { why: "failed" }
  | { why: "reading" }
  | { why: "none_found" }
  | { why: "all_connected" }
  | { why: "none_picked" }
  | { why: "no_owner"; count: number };

/** What stands in the way after the test, or `null`. Cabinets can be chosen, and the wizard goes on, while samples are still read. */
export function obstacle(draft: Draft | undefined, list: Choice[]): Obstacle | null {
  if (!draft) return { why: "reading" };
  if (draft.state === "failed") return { why: "failed" };
  if (list.length === 0) return draft.state === "ready" ? { why: "none_found" } : { why: "reading" };
  const picked = list.filter((choice) => choice.picked);
  if (picked.length === 0)
    return { why: list.every((choice) => choice.account.connected_as !== null) ? "all_connected" : "none_picked" };
  const ownerless = picked.filter((choice) => !choice.owner).length;
  return ownerless > 0 ? { why: "no_owner", count: ownerless } : null;
}

/** Cabinets whose name, id or client contains what was typed; with `activeOnly` those that delivered in the last 30 days. */
export function shownChoices(list: Choice[], typed: string, activeOnly: boolean, clients: ClientRow[]): Choice[] {
  const needle = typed.trim().toLocaleLowerCase();
  return list.filter(({ account, owner, picked }) => {
    if (activeOnly && !account.active && !picked) return false;
    const client = owner
      ? "client" in owner
        ? clients.find((row) => row.id === owner.client)?.name
        : owner.create
      : "";
    return [account.name, account.external_id, client ?? ""].some((word) => word.toLocaleLowerCase().includes(needle));
  });
}

/** Share of the test's steps that are behind, counting a running one as half. */
export function testShare(draft: Draft): number {
  if (draft.steps.length === 0) return 0;
  const behind = draft.steps.reduce(
    (sum, step) => sum + (step.state === "done" || step.state === "failed" ? 1 : step.state === "running" ? 0.5 : 0),
    0,
  );
  return behind / draft.steps.length;
}

/** What is to be synced. */
export interface Wanted extends Settings {
  /** Days of the first run. */
  firstLoadDays: number;
  /** The template that the connections will follow. */
  template: TemplateId | null;
}

/** What a connector suggests. */
export function suggestedSettings(connector: Connector): Wanted {
  return {
    streams: connector.streams.map((stream) => ({ name: stream.name, on: stream.on_by_default || stream.required })),
    firstLoadDays: connector.first_load_days,
    lookbacks: {},
    vat: "unknown",
    zero_rows: "keep",
    in_totals: connector.in_totals,
    schedule: { kind: "daily", at: "06:00", days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
    template: null,
  };
}

/** Switches a stream; a required one stays on. */
export function switchStream(streams: StreamChoice[], connector: Connector, name: string, on: boolean): StreamChoice[] {
  const required = connector.streams.find((stream) => stream.name === name)?.required ?? false;
  return streams.map((stream) => (stream.name === name ? { name, on: on || required } : stream));
}

/** Depths of the first load on offer: the usual ones within the platform's memory, and always the connector's own. */
export function depths(connector: Connector): number[] {
  const usual = [7, 30, 90, 180, 365].filter((days) => days <= connector.max_history_days);
  return [...new Set([...usual, connector.first_load_days])].sort((a, b) => a - b);
}

/** Steps of a test that have sentences of their own, and the values each sentence needs. */
const evidence = {
  sign_in: ["user"],
  permissions: ["scopes"],
  accounts: ["count"],
  budget: ["left", "limit"],
  sample: ["done", "total"],
  totals: ["day"],
} as const;

/** A step with sentences of its own. */
export type KnownStep = keyof typeof evidence;

/** The step, when it is one with sentences of its own; another one is shown by its id. */
export function knownStep(id: string): KnownStep | null {
  return Object.hasOwn(evidence, id) ? (id as KnownStep) : null;
}

/** Whether a step brought what its full sentence needs; otherwise a shorter one is said. */
export function isEvident(id: KnownStep, params: Record<string, string>): boolean {
  return evidence[id].every((name) => Boolean(params[name]));
}

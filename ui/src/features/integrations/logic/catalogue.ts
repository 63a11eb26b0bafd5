/** What the catalogue shows for what was typed and which shelf is chosen. Pure, so that its rules are tested without a screen. */
import type { Category, ConnectionRow, Connector } from "@/gen/contract";

const SHELVES: Category[] = ["ads", "analytics", "audiences", "crm", "files", "imported"];

/** A choice of shelf. */
export type Shelf = Category | "all";

/** What the catalogue shows. */
export interface Catalogue {
  /** Systems with connections, those that need a person first, then by connections. */
  connected: Connector[];
  /** Systems without connections, by shelf and name. */
  available: Connector[];
  /** How many systems each shelf has among those that fit the search; empty shelves are absent. */
  shelves: Map<Shelf, number>;
}

/** Words of a system that a search may hit. */
export type Haystack = (connector: Connector) => string[];

/** Sorts the catalogue. `typed` may name a system or what it can do, in either language. */
export function sortCatalogue(
  all: Connector[],
  typed: string,
  shelf: Shelf,
  haystack: Haystack,
  collator: Intl.Collator,
): Catalogue {
  const needles = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fitting = all.filter((connector) => {
    const words = haystack(connector).join(" ").toLocaleLowerCase();
    return needles.every((needle) => words.includes(needle));
  });
  const shelves = new Map<Shelf, number>([["all", fitting.length]]);
  for (const connector of fitting) shelves.set(connector.category, (shelves.get(connector.category) ?? 0) + 1);
  const shown = fitting.filter((connector) => shelf === "all" || connector.category === shelf);
  const byName = (a: Connector, b: Connector) => collator.compare(haystack(a)[0] ?? a.id, haystack(b)[0] ?? b.id);
  return {
    connected: shown
      .filter((connector) => connector.connected > 0)
      .sort((a, b) => Number(b.problems > 0) - Number(a.problems > 0) || b.connected - a.connected || byName(a, b)),
    available: shown
      .filter((connector) => connector.connected === 0)
      .sort((a, b) => SHELVES.indexOf(a.category) - SHELVES.indexOf(b.category) || byName(a, b)),
    shelves,
  };
}

/** How the connections of one system are, for the foot of its card. */
export interface CardState {
  /** Connections whose sign-in no longer works. */
  signIns: number;
  /** Other connections that need a person. */
  others: number;
  /** Connections that are paused. */
  paused: number;
}

/** Counts what the foot of a system's card says. */
export function cardState(rows: ConnectionRow[]): CardState {
  const state: CardState = { signIns: 0, others: 0, paused: 0 };
  for (const row of rows) {
    if (row.state === "sign_in_needed" || row.failure?.kind === "sign_in_again") state.signIns += 1;
    else if (row.state === "paused") state.paused += 1;
    else if (row.health === "act") state.others += 1;
  }
  return state;
}

/** Connections by the system they belong to. */
export function bySystemId(rows: ConnectionRow[]): Map<string, ConnectionRow[]> {
  const groups = new Map<string, ConnectionRow[]>();
  for (const row of rows) groups.set(row.connector, [...(groups.get(row.connector) ?? []), row]);
  return groups;
}

const HEALTH_ORDER = { act: 0, watch: 1, good: 2, off: 3 } as const;

/** Connections with the ones that need a person on top, then by client. */
export function worstFirst(rows: ConnectionRow[], collator: Intl.Collator): ConnectionRow[] {
  return [...rows].sort(
    (a, b) =>
      HEALTH_ORDER[a.health] - HEALTH_ORDER[b.health] ||
      collator.compare(a.client_name, b.client_name) ||
      collator.compare(a.account_name, b.account_name),
  );
}

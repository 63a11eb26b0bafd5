/** The pivot's rows as they are shown: which branches are open, and in which order siblings stand. */
import type { PivotDimension, PivotNode, StatsPivot } from "@/gen/contract";
import type { SortValue, TreePlace } from "@/shared/ui/DataGrid";

/** A row of the tree. */
export interface PivotRow extends PivotNode {
  /** Keys of the way from the top: the same row in every reading. */
  path: string;
  /** What stands below it. */
  below: PivotRow[];
}

/** A row that is shown, and where it stands. */
export interface Shown {
  rows: PivotRow[];
  places: Map<PivotRow, TreePlace>;
}

/** Links the rows of an answer; the first are those without a parent. */
export function treeOf(pivot: StatsPivot): PivotRow[] {
  const all: PivotRow[] = [];
  const first: PivotRow[] = [];
  for (const node of pivot.nodes) {
    const above = node.parent === null ? undefined : all[node.parent];
    const row: PivotRow = { ...node, path: above ? `${above.path}/${node.key}` : node.key, below: [] };
    all.push(row);
    (above ? above.below : first).push(row);
  }
  return first;
}

/** Rows that are always the last of their siblings: what is left over, and what does not count. */
function last(row: PivotRow): number {
  return row.kind === "apart" ? 2 : row.kind === "not_split" ? 1 : 0;
}

/** The rows in sight. `order` compares siblings; without it they stand as they came. */
export function shownOf(
  first: PivotRow[],
  isOpen: (row: PivotRow) => boolean,
  order?: (a: PivotRow, b: PivotRow) => number,
): Shown {
  const rows: PivotRow[] = [];
  const places = new Map<PivotRow, TreePlace>();
  const flat = first.every((row) => row.below.length === 0);
  const show = (siblings: PivotRow[], depth: number) => {
    const sorted = order ? [...siblings].sort((a, b) => last(a) - last(b) || order(a, b)) : siblings;
    for (const [index, row] of sorted.entries()) {
      const open = row.below.length === 0 ? null : isOpen(row);
      rows.push(row);
      places.set(row, { depth, open, at: index + 1, of: sorted.length, flat });
      if (open) show(row.below, depth + 1);
    }
  };
  show(first, 0);
  return { rows, places };
}

/** Compares rows by a value; unknown sinks to the end in both directions. */
export function byValue(
  value: (row: PivotRow) => SortValue,
  down: boolean,
  collator: Intl.Collator,
): (a: PivotRow, b: PivotRow) => number {
  return (a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order =
      typeof one === "number" && typeof other === "number" ? one - other : collator.compare(String(one), String(other));
    return down ? -order : order;
  };
}

/** Rows that a screen opens of itself: as deep as they fit in sight together. */
export function openedFirst(first: PivotRow[], fit: number): ReadonlySet<string> {
  const open = new Set<string>();
  let count = first.length;
  let level = first;
  while (level.length > 0) {
    const branches = level.filter((row) => row.below.length > 0 && row.kind !== "apart");
    const next = branches.flatMap((row) => row.below);
    if (next.length === 0 || count + next.length > fit) break;
    for (const row of branches) open.add(row.path);
    count += next.length;
    level = next;
  }
  return open;
}

/** The plain dimensions, from the widest. */
export const plain = ["channel", "account", "campaign", "ad_group", "ad", "day", "week", "month"] as const;
const MOST = 4;

/** Whether two dimensions are one. */
export function same(a: PivotDimension, b: PivotDimension): boolean {
  return wordOf(a) === wordOf(b);
}

/** A dimension as it stands in the address. */
export function wordOf(dimension: PivotDimension): string {
  return typeof dimension === "string" ? dimension : `by-${dimension.breakdown}`;
}

/** Dimensions from the address; `null` when it names none that make a table. */
export function dimensionsOf(words: string | null): PivotDimension[] | null {
  const found = (words ?? "").split(",").flatMap((word): PivotDimension[] => {
    const known = plain.find((name) => name === word);
    if (known) return [known];
    return word.startsWith("by-") && word.length > 3 ? [{ breakdown: word.slice(3) }] : [];
  });
  const distinct = new Set(found.map(wordOf));
  const splits = found.filter((dimension) => typeof dimension !== "string");
  return found.length > 0 && found.length <= MOST && distinct.size === found.length && splits.length <= 1
    ? found
    : null;
}

/** What may still be added, of the plain dimensions and these splits. */
export function addable(chosen: PivotDimension[], kinds: string[]): PivotDimension[] {
  if (chosen.length >= MOST) return [];
  const split = chosen.some((dimension) => typeof dimension !== "string");
  const all: PivotDimension[] = [...plain, ...(split ? [] : kinds.map((breakdown) => ({ breakdown })))];
  return all.filter((dimension) => !chosen.some((one) => same(one, dimension)));
}

/** The level an export of these rows goes down to; `null` for the totals of each connection. */
export function exportLevel(dimensions: PivotDimension[]): "campaign" | "ad_group" | "ad" | null {
  return (["ad", "ad_group", "campaign"] as const).find((level) => dimensions.includes(level)) ?? null;
}

/** The period of the screen: from the address, else the one chosen last. */
import { useRouter, useRouterState } from "@tanstack/react-router";
import { useMemo } from "react";
import type { DateRange } from "@/gen/contract";
import { setPrefs, usePrefs } from "@/shared/prefs/prefs";
import { useStatus } from "@/shared/query/status";
import { type Comparison, compareRange, comparisons, rangeOf } from "./period";

/** The shared period and how to change it. */
export interface Period {
  /** The word in the address. */
  word: string;
  /** What it is compared with. */
  comparison: Comparison;
  /** Its days. */
  range: DateRange;
  /** Days of the comparison, if any. */
  compare: DateRange | null;
  /** Chooses another one. */
  choose(word: string, comparison: Comparison): void;
}

/** Reads and changes the shared period. */
export function usePeriod(): Period {
  const router = useRouter();
  const search = useRouterState({ select: (state) => state.location.searchStr });
  const prefs = usePrefs();
  const { today } = useStatus();
  const query = new URLSearchParams(search);
  const word = query.get("period") ?? prefs.period;
  const named = query.get("compare") ?? prefs.compare;
  const comparison = comparisons.find((known) => known === named) ?? "previous";
  return useMemo(
    () => ({
      word,
      comparison,
      range: rangeOf(word, today),
      compare: compareRange(word, comparison, today),
      choose(nextWord, nextComparison) {
        setPrefs({ period: nextWord, compare: nextComparison });
        const { pathname, searchStr } = router.state.location;
        const next = new URLSearchParams(searchStr);
        next.set("period", nextWord);
        next.set("compare", nextComparison);
        router.history.push(`${pathname}?${next}`);
      },
    }),
    [router, word, comparison, today],
  );
}

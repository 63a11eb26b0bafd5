/** The address as screens use it: a part of the path, and words of the query that open a drawer, a tab or a dialog. */
import { useRouter, useRouterState } from "@tanstack/react-router";
import { type FunctionComponent, useCallback } from "react";

/** A screen of a feature and where it stands. Paths may name parts: `/clients/$clientId`. */
export interface FeatureRoute {
  /** The path. */
  path: string;
  /** The screen. */
  screen: FunctionComponent;
}

/** A named part of the path, as text. */
export function usePathPart(name: string): string {
  return useRouterState({
    select: (state) => {
      const params: Record<string, string | undefined> = state.matches.at(-1)?.params ?? {};
      return params[name] ?? "";
    },
  });
}

/** A word of the query and how to change it. `null` removes it; `replace` leaves no step for "back". */
export function useQueryWord(
  name: string,
): [string | null, (value: string | null, options?: { replace?: boolean }) => void] {
  const router = useRouter();
  const value = useRouterState({ select: (state) => new URLSearchParams(state.location.searchStr).get(name) });
  const set = useCallback(
    (next: string | null, options?: { replace?: boolean }) => {
      const { pathname, searchStr } = router.state.location;
      const query = new URLSearchParams(searchStr);
      if (next === null) query.delete(name);
      else query.set(name, next);
      const to = query.size > 0 ? `${pathname}?${query}` : pathname;
      if (options?.replace) router.history.replace(to);
      else router.history.push(to);
    },
    [router, name],
  );
  return [value, set];
}

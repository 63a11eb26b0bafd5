/**
 * Where screens stand. Those of the rail stay as they were left, out of sight: coming back to one costs no drawing of it anew, and its
 * filter, its order and its place in a list are still there. Out of sight they neither listen nor read; what has changed meanwhile is
 * drawn when they are seen again. A screen that is left with something open over it (a drawer, a sign-in being entered) goes like all
 * others with its address: nobody comes back to half a sign-in.
 */
import { CatchBoundary, Outlet, useRouterState } from "@tanstack/react-router";
import { Activity, type FunctionComponent, memo, useRef } from "react";
import { features } from "../features";
import { CrashedScreen } from "./Faults";

/** A screen that stays. */
interface Kept {
  /** The path of its route, and its plain address. */
  route: string;
  home: string;
  screen: FunctionComponent;
}

/** The first screen of each feature of the rail; what stands at its foot is visited seldom and asks for secrets. Each is drawn again for
 * its own reasons only, and not because another one is shown. */
const rail: Kept[] = features
  .filter((feature) => !feature.foot)
  .flatMap(({ path, routes }) =>
    routes.slice(0, 1).map((first) => ({ route: first.path, home: path, screen: memo(first.screen) })),
  );

/** The stage. */
export function Stage() {
  const route = useRouterState({ select: (state): string => state.matches.at(-1)?.fullPath ?? "" });
  const at = useRouterState({
    select: ({ matches }) => {
      const { pathname = "", search = {} } = matches.at(-1) ?? {};
      return Object.keys(search).length > 0 ? `${pathname}?` : pathname;
    },
  });
  const here = rail.find((kept) => kept.route === route);
  const seen = useRef(new Set<Kept>());
  const last = useRef<{ kept: Kept | undefined; at: string }>({ kept: here, at });
  const left = last.current;
  if (left.kept && left.kept !== here && left.at !== left.kept.home) seen.current.delete(left.kept);
  last.current = { kept: here, at };
  if (here) seen.current.add(here);
  return (
    <>
      {rail
        .filter((kept) => seen.current.has(kept))
        .map((kept) => (
          <Activity key={kept.route} mode={kept === here ? "visible" : "hidden"}>
            <CatchBoundary getResetKey={() => at} errorComponent={CrashedScreen}>
              <kept.screen />
            </CatchBoundary>
          </Activity>
        ))}
      {here ? null : <Outlet />}
    </>
  );
}

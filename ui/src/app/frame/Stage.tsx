/**
 * Where screens stand. Those of the rail stay as they were left, out of sight: coming back to one costs no drawing of it anew, and its
 * filter, its order and its place in a list are still there. Out of sight they neither listen nor read; what has changed meanwhile is
 * drawn when they are seen again. All other screens come and go with their address.
 */
import { CatchBoundary, Outlet, useRouterState } from "@tanstack/react-router";
import { Activity, useRef } from "react";
import { features } from "../features";
import { CrashedScreen } from "./Faults";

/** A feature's own screen is the first of its screens. */
const rail = features.flatMap((feature) => feature.routes.slice(0, 1));

/** The stage. */
export function Stage() {
  const address = useRouterState({ select: (state): string => state.matches.at(-1)?.fullPath ?? "" });
  const href = useRouterState({ select: (state) => state.location.href });
  const here = rail.find((route) => route.path === address);
  const seen = useRef(new Set<string>());
  if (here) seen.current.add(here.path);
  return (
    <>
      {rail
        .filter((route) => seen.current.has(route.path))
        .map(({ path, screen: Screen }) => (
          <Activity key={path} mode={path === here?.path ? "visible" : "hidden"}>
            <CatchBoundary getResetKey={() => href} errorComponent={CrashedScreen}>
              <Screen />
            </CatchBoundary>
          </Activity>
        ))}
      {here ? null : <Outlet />}
    </>
  );
}

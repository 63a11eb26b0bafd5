/** Where the screens of syncs stand. The run is an optional part of one route, so its drawer opens over a board that stays. */
import type { FeatureRoute } from "@/shared/ui/address";
import { SyncsScreen } from "./screens/SyncsScreen";

/** `/syncs`, and `/syncs/<run id>` with the drawer of that run; `?client=` narrows both to one client. */
export const routes: FeatureRoute[] = [{ path: "/syncs/{-$runId}", screen: SyncsScreen }];

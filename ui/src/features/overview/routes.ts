/** Screens of the overview. */
import type { FeatureRoute } from "@/shared/ui/address";
import { OverviewScreen } from "./screens/OverviewScreen";

/** The nine o'clock screen. */
export const routes: FeatureRoute[] = [{ path: "/overview", screen: OverviewScreen }];

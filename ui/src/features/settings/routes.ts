/** Settings. */
import type { FeatureRoute } from "@/shared/ui/address";
import { SettingsScreen } from "./screens/SettingsScreen";

/** Their one screen. */
export const routes: FeatureRoute[] = [{ path: "/settings", screen: SettingsScreen }];

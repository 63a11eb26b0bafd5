/** Where connectors of one's own are brought in and worked on. Both stand under Integrations, so its item of the rail stays lit. */
import type { FeatureRoute } from "@/shared/ui/address";
import { ImportScreen } from "./screens/ImportScreen";
import { WorkbenchScreen } from "./screens/WorkbenchScreen";

/** `/integrations/manifest` (bring a manifest), `/integrations/workbench/vk_ads` (a connector; `?tab=` names the part). */
export const routes: FeatureRoute[] = [
  { path: "/integrations/manifest", screen: ImportScreen },
  { path: "/integrations/workbench/$connector", screen: WorkbenchScreen },
];

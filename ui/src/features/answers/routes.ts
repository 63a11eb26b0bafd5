/** What platforms' answers really contain stands under Integrations, whose connections it is about. */
import type { FeatureRoute } from "@/shared/ui/address";
import { ChangesScreen } from "./screens/ChangesScreen";
import { QuarantineScreen } from "./screens/QuarantineScreen";

/** `/integrations/changes` (with `?connection=` for one), `/integrations/quarantine/<connection>`. */
export const routes: FeatureRoute[] = [
  { path: "/integrations/changes", screen: ChangesScreen },
  { path: "/integrations/quarantine/$connection", screen: QuarantineScreen },
];

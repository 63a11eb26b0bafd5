/** Where the records of a connection stand: under Integrations, whose connection they belong to. */
import type { FeatureRoute } from "@/shared/ui/address";
import { RecordsScreen } from "./screens/RecordsScreen";

/** `/integrations/records/<connection>`, with `?stream=` for one of its streams. */
export const routes: FeatureRoute[] = [{ path: "/integrations/records/$connection", screen: RecordsScreen }];

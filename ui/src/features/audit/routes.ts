/** The audit log. */
import type { FeatureRoute } from "@/shared/ui/address";
import { AuditScreen } from "./screens/AuditScreen";

/** Its one screen. */
export const routes: FeatureRoute[] = [{ path: "/audit", screen: AuditScreen }];

/** Where the screens of integrations stand. One route with optional parts, so that a drawer or the wizard opens over a list that stays. */
import type { FeatureRoute } from "@/shared/ui/address";
import { IntegrationsScreen } from "./screens/IntegrationsScreen";

/**
 * `/integrations`, `/integrations/sign-ins` (the board), `/integrations/systems/vk_ads` (its connections), `/integrations/connections/<id>` (settings, with
 * `?sign_in=1` the sign-in), `/integrations/templates/<id>` (a template), `/integrations/connect/vk_ads` (the wizard; `choose` asks for the system first).
 */
export const routes: FeatureRoute[] = [{ path: "/integrations/{-$place}/{-$id}", screen: IntegrationsScreen }];

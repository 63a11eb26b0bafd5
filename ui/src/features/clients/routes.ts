/** Screens of clients. */
import type { FeatureRoute } from "@/shared/ui/address";
import { ClientScreen } from "./screens/ClientScreen";
import { ClientsScreen } from "./screens/ClientsScreen";

/** The list and one client. */
export const routes: FeatureRoute[] = [
  { path: "/clients", screen: ClientsScreen },
  { path: "/clients/$clientId", screen: ClientScreen },
];

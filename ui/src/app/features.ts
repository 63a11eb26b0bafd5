/** The features of this build, in the order of the rail. A feature that is not built is not listed, so no link is dead. */
import {
  IconHistory,
  IconLayoutDashboard,
  IconPlugConnected,
  IconRefresh,
  IconSettings,
  IconUsersGroup,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { routes as answersRoutes } from "@/features/answers/routes";
import { routes as auditRoutes } from "@/features/audit/routes";
import { routes as clientsRoutes } from "@/features/clients/routes";
import { ImportOverlay } from "@/features/imports/parts/ImportOverlay";
import { routes as integrationsRoutes } from "@/features/integrations/routes";
import { routes as overviewRoutes } from "@/features/overview/routes";
import { routes as recordsRoutes } from "@/features/records/routes";
import { routes as settingsRoutes } from "@/features/settings/routes";
import { routes as syncsRoutes } from "@/features/syncs/routes";
import { routes as workbenchRoutes } from "@/features/workbench/routes";
import type { AppStatus } from "@/gen/contract";
import type { FeatureRoute } from "@/shared/ui/address";

/** A feature as the frame knows it. */
export interface Feature {
  /** Key of its name in `nav` of the frame's texts. */
  id: "overview" | "clients" | "integrations" | "syncs" | "audit" | "settings";
  /** Where its rail item leads. */
  path: string;
  /** Its icon. */
  icon: typeof IconHistory;
  /** The number at the right of its rail item. */
  count?: (status: AppStatus) => number;
  /** Whether the number means work under way and is drawn in the accent colour. */
  live?: boolean;
  /** Whether it stands at the foot of the rail. */
  foot?: boolean;
  /** Its screens. */
  routes: FeatureRoute[];
}

/** All features. */
export const features: Feature[] = [
  { id: "overview", path: "/overview", icon: IconLayoutDashboard, routes: overviewRoutes },
  { id: "clients", path: "/clients", icon: IconUsersGroup, count: (status) => status.clients, routes: clientsRoutes },
  {
    id: "integrations",
    path: "/integrations",
    icon: IconPlugConnected,
    count: (status) => status.connections,
    routes: [...integrationsRoutes, ...workbenchRoutes, ...recordsRoutes, ...answersRoutes],
  },
  {
    id: "syncs",
    path: "/syncs",
    icon: IconRefresh,
    count: (status) => status.running,
    live: true,
    routes: syncsRoutes,
  },
  { id: "audit", path: "/audit", icon: IconHistory, routes: auditRoutes },
  { id: "settings", path: "/settings", icon: IconSettings, foot: true, routes: settingsRoutes },
];

/** What features show over any screen when the address asks for it. */
export const overlays: { id: string; show: ComponentType }[] = [{ id: "import", show: ImportOverlay }];

/**
 * The program: theme, cache, events, and the gate. Without an open workspace there is no frame: first start and locked
 * workspace are the only screens that exist then.
 */
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { FirstRunScreen } from "@/features/start/screens/FirstRunScreen";
import { LockedScreen } from "@/features/start/screens/LockedScreen";
import { StartFailedScreen } from "@/features/start/screens/StartFailedScreen";
import type { Connector } from "@/gen/contract";
import { usePrefs } from "@/shared/prefs/prefs";
import { followEvents, makeQueryClient, useRead } from "@/shared/query/query";
import { StatusContext } from "@/shared/query/status";
import { SystemsContext } from "@/shared/ui/systems";
import { makeRouter } from "./router";
import { theme, variables } from "./theme/theme";

/** The whole program. */
export function App() {
  const [client] = useState(makeQueryClient);
  const choice = usePrefs().theme;
  useEffect(() => followEvents(client), [client]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      {...(choice === "system" ? {} : { forceColorScheme: choice })}
    >
      <QueryClientProvider client={client}>
        <Gate />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Gate() {
  const status = useRead("app_status", {});
  const [router] = useState(makeRouter);
  if (status.isError) return <StartFailedScreen error={status.error} onRetry={() => status.refetch()} />;
  if (!status.data) return null;
  switch (status.data.workspace) {
    case "absent":
      return <FirstRunScreen status={status.data} />;
    case "locked":
      return <LockedScreen status={status.data} />;
    case "open":
      return (
        <StatusContext value={status.data}>
          <WithSystems>
            <RouterProvider router={router} />
          </WithSystems>
        </StatusContext>
      );
  }
}

function WithSystems(props: { children: ReactNode }) {
  const connectors = useRead("connectors_list", {});
  const known = useMemo(
    () => new Map<string, Connector>((connectors.data ?? []).map((connector) => [connector.id, connector])),
    [connectors.data],
  );
  return <SystemsContext value={known}>{props.children}</SystemsContext>;
}

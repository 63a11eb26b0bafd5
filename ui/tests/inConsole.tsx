/** Renders a part as it stands in the console: theme, cache, host, open workspace, and the language asked for. */

import { fakeHost, type Handlers } from "@harness/fakeHost";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { act, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { theme, variables } from "@/app/theme/theme";
import type { AppStatus } from "@/gen/contract";
import { setHost } from "@/host/current";
import type { Language } from "@/shared/format/format";
import { setPrefs } from "@/shared/prefs/prefs";
import { makeQueryClient } from "@/shared/query/query";
import { StatusContext } from "@/shared/query/status";

/** An open workspace. */
export const status: AppStatus = {
  workspace: "open",
  workspace_name: "Агентство Полюс",
  lock: "keychain",
  demo: false,
  keychain: "available",
  failure: null,
  currency: "RUB",
  time_zone: "Europe/Moscow",
  today: "2026-11-20",
  clients: 3,
  connections: 3,
  problems: 0,
  alerts: 0,
  running: 0,
  on_duty: null,
  next_sync_at: null,
  version: "0.1.0",
};

/** Renders and waits for the first screen. The answer holds the host, so that a test can read its calls and send events. */
export async function inConsole(part: ReactNode, handlers: Handlers = {}, language: Language = "en", at = "/") {
  setPrefs({ language });
  const host = fakeHost(handlers);
  setHost(host);
  const client = makeQueryClient();
  const root = createRootRoute({ component: () => part, notFoundComponent: () => part });
  // The addresses whose parts a screen reads; what is shown is the part whatever the address.
  const place = createRoute({ getParentRoute: () => root, path: "/integrations/$place/$id" });
  const routeTree = root.addChildren([place]);
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: [at] }) });
  const view = render(
    <MantineProvider theme={theme} cssVariablesResolver={variables} env="test">
      <QueryClientProvider client={client}>
        <StatusContext value={status}>
          {/* biome-ignore lint/suspicious/noExplicitAny: the test's own router is not the registered one */}
          <RouterProvider router={router as any} />
        </StatusContext>
      </QueryClientProvider>
    </MantineProvider>,
  );
  await act(() => router.load());
  return { ...view, host, client, router };
}

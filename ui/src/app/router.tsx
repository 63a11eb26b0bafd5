/**
 * Addresses to screens. The history lives in the hash: the desktop shell and `syncdeckctl serve` then both serve one file,
 * and no path of a screen can collide with a path of the backend.
 */
import {
  createBrowserHistory,
  createRootRoute,
  createRoute,
  createRouter,
  type HistoryLocation,
  redirect,
} from "@tanstack/react-router";
import { features } from "./features";
import { CrashedScreen, NoScreen } from "./frame/Faults";
import { Frame } from "./frame/Frame";

/**
 * The hash alone is the address. The router's own hash history glues the page's query to it, which would put whatever
 * `syncdeckctl serve` was opened with into every screen's words.
 */
function makeHistory() {
  return createBrowserHistory({
    parseLocation: () => {
      const href = window.location.hash.slice(1) || "/";
      const [pathname = "/", ...words] = href.split("?");
      const state: HistoryLocation["state"] = window.history.state ?? { __TSR_index: 0 };
      return { href, pathname, search: words.length > 0 ? `?${words.join("?")}` : "", hash: "", state };
    },
    createHref: (path) => `${window.location.pathname}${window.location.search}#${path}`,
  });
}

/** Builds the router; once per window and once per test. */
export function makeRouter() {
  const root = createRootRoute({ component: Frame, notFoundComponent: NoScreen });
  const start = createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      throw redirect({ href: "/overview", replace: true });
    },
  });
  const screens = features.flatMap((feature) =>
    feature.routes.map((route) =>
      createRoute({ getParentRoute: () => root, path: route.path, component: route.screen }),
    ),
  );
  return createRouter({
    routeTree: root.addChildren([start, ...screens]),
    history: makeHistory(),
    // Words of the query stay the words that were typed; the router's own reading turns "2026" into a number.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (words: Record<string, string>) => {
      const query = new URLSearchParams(words).toString();
      return query ? `?${query}` : "";
    },
    defaultErrorComponent: CrashedScreen,
    defaultPendingMs: 0,
    scrollRestoration: false,
  });
}

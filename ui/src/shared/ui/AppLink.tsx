/**
 * Links between features. A feature does not import another one, so it knows the others only by the addresses listed here;
 * `router.history` takes them as they are.
 */
import { useRouter } from "@tanstack/react-router";
import { type AnchorHTMLAttributes, type ReactNode, useCallback } from "react";
import classes from "./kit.module.css";

/** Every address that one feature may send people to in another. */
export const links = {
  overview: () => "/overview",
  clients: () => "/clients",
  newClient: () => "/clients?new=1",
  client: (id: string, tab?: "statistics" | "connections") => `/clients/${id}${tab ? `?tab=${tab}` : ""}`,
  integrations: () => "/integrations",
  signIns: () => "/integrations/sign-ins",
  template: (id: string) => `/integrations/templates/${id}`,
  connect: (connector?: string, clientId?: string) =>
    `/integrations/connect/${connector ?? "choose"}${clientId ? `?client=${clientId}` : ""}`,
  system: (connector: string) => `/integrations/systems/${connector}`,
  importFile: (clientId?: string, system?: string) =>
    `/integrations?${new URLSearchParams({
      import: "1",
      ...(clientId ? { client: clientId } : {}),
      ...(system ? { system } : {}),
    })}`,
  importConnector: () => "/integrations/manifest",
  workbench: (connector: string, tab?: "manifest" | "test" | "mapping") =>
    `/integrations/workbench/${connector}${tab ? `?tab=${tab}` : ""}`,
  records: (connectionId: string, stream?: string) =>
    `/integrations/records/${connectionId}${stream ? `?${new URLSearchParams({ stream })}` : ""}`,
  changes: (connectionId?: string) => `/integrations/changes${connectionId ? `?connection=${connectionId}` : ""}`,
  quarantine: (connectionId: string) => `/integrations/quarantine/${connectionId}`,
  connection: (id: string) => `/integrations/connections/${id}`,
  signIn: (connectionId: string) => `/integrations/connections/${connectionId}?sign_in=1`,
  syncs: (clientId?: string) => `/syncs${clientId ? `?client=${clientId}` : ""}`,
  run: (id: string) => `/syncs/${id}`,
  audit: () => "/audit",
  settings: () => "/settings",
} as const;

/** Goes to an address. */
export function useGo(): (to: string, options?: { replace?: boolean }) => void {
  const router = useRouter();
  return useCallback(
    (to, options) => (options?.replace ? router.history.replace(to) : router.history.push(to)),
    [router],
  );
}

/** A link to an address of {@link links}. */
export function AppLink(
  props: { to: string; children: ReactNode; plain?: boolean } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href">,
) {
  const router = useRouter();
  const { to, plain, className, onClick, ...rest } = props;
  return (
    <a
      {...rest}
      className={className ?? (plain ? undefined : classes.link)}
      href={router.history.createHref(to)}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        router.history.push(to);
      }}
    />
  );
}

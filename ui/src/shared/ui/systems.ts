/**
 * Names and icons of the connected systems, by connector id. The frame reads the catalogue once and everything that shows
 * a system takes it from here; an id that the catalogue does not know (a connector of a newer build) is shown as it is.
 */
import { createContext, useContext } from "react";
import type { Connector } from "@/gen/contract";
import { useLanguage } from "@/shared/format/useFormat";

/** The connector of files from any system. */
export const FILE_CONNECTOR = "file_import";

/** Whether statistics come as files: there is no sign-in and nothing to collect again, so "connect" means to import a file. */
export function comesByFile(connector: Connector): boolean {
  return connector.files !== null;
}

/** The catalogue by connector id; filled by `app/App.tsx`. */
export const SystemsContext = createContext<ReadonlyMap<string, Connector>>(new Map());

/** Words and icons of systems. */
export interface Systems {
  /** The name in the present language, or the id. */
  name(connector: string): string;
  /** The title of one of its streams in the present language, or the stream's name. */
  stream(connector: string, stream: string): string;
  /** The icon as SVG text, if there is one. */
  icon(connector: string): string | null;
  /** Whether some of its streams are kept as records. */
  keepsRecords(connector: string): boolean;
  /** Whether none of its streams becomes statistics, so that days, VAT and currencies mean nothing to it. */
  onlyRecords(connector: string): boolean;
  /** Whether its statistics come as files. */
  byFile(connector: string): boolean;
}

/** Whether a connector has nothing but records. */
export function onlyRecords(connector: Connector): boolean {
  return !connector.capabilities.includes("statistics");
}

/** Looks systems up. */
export function useSystems(): Systems {
  const known = useContext(SystemsContext);
  const language = useLanguage();
  return {
    name: (connector) => known.get(connector)?.name[language] ?? connector,
    stream: (connector, stream) =>
      known.get(connector)?.streams.find((one) => one.name === stream)?.title[language] ?? stream,
    icon: (connector) => known.get(connector)?.icon_svg ?? null,
    keepsRecords: (connector) => known.get(connector)?.streams.some((stream) => stream.kind === "records") ?? false,
    onlyRecords: (connector) => {
      const found = known.get(connector);
      return found !== undefined && onlyRecords(found);
    },
    byFile: (connector) => {
      const found = known.get(connector);
      return found !== undefined && comesByFile(found);
    },
  };
}

/** A channel as it is edited: what the form begins with, and what is sent. The backend alone says whether it can be right. */
import type { ChannelKind, ChannelRow, ChannelSave, ChannelSettings, Language } from "@/gen/contract";

/** Kinds that a person adds. This computer is there by itself. */
export const addable = ["telegram", "email", "slack"] as const satisfies readonly ChannelKind[];
/** A kind that a person adds. */
export type Addable = (typeof addable)[number];

const settings: { [K in Addable]: Extract<ChannelSettings, { kind: K }> } = {
  telegram: { kind: "telegram", chat_id: "", topic: null, server: null },
  email: { kind: "email", host: "", port: 465, tls: "implicit", user: "", from: "", to: [] },
  slack: { kind: "slack" },
};

/** What a new channel begins with. */
export function fresh(kind: Addable, name: string, language: Language, zone: string): ChannelSave {
  return {
    id: null,
    name,
    settings: settings[kind],
    secret: null,
    language,
    time_zone: zone,
    quiet: { from: "22:00", to: "08:00" },
    critical_at_night: false,
    wants: { critical: true, digest: "warning", clients: null },
    enabled: true,
  };
}

/** A saved channel as the form has it. Its secret stays where it is. */
export function draftOf(row: ChannelRow): ChannelSave {
  return {
    id: row.id,
    name: row.name,
    settings: row.settings,
    secret: null,
    language: row.language,
    time_zone: row.time_zone,
    quiet: row.quiet,
    critical_at_night: row.critical_at_night,
    wants: row.wants,
    enabled: row.enabled,
  };
}

/** Where a channel leads, in as few words as a row has room for; empty when its kind says it. */
export function placeOf(settings: ChannelSettings): string {
  switch (settings.kind) {
    case "telegram":
      return settings.chat_id;
    case "email":
      return settings.to.join(", ");
    default:
      return "";
  }
}

/** Addresses as people separate them: by commas, semicolons, spaces or lines. */
export function addresses(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== "");
}

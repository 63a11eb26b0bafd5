/**
 * What a person prefers on this computer: language, theme, folded rail, hidden columns. Kept in `localStorage`, because
 * none of it is data of the workspace and the first screen needs it before any workspace exists.
 */
import { useSyncExternalStore } from "react";
import type { Language } from "@/shared/format/format";

/** Theme as chosen; `system` follows the computer. */
export type ThemeChoice = "system" | "light" | "dark";
/** Language as chosen; `system` follows the computer. */
export type LanguageChoice = "system" | Language;

/** All preferences. */
export interface Prefs {
  /** Language. */
  language: LanguageChoice;
  /** Theme. */
  theme: ThemeChoice;
  /** Whether the rail shows icons only. */
  folded: boolean;
  /** Clients opened last, newest first. */
  recentClients: string[];
  /** Period and comparison chosen last; see `shared/period`. */
  period: string;
  /** Comparison chosen last. */
  compare: string;
  /** Hidden columns by table. */
  hidden: Record<string, string[]>;
}

const KEY = "syncdeck.prefs";
const defaults: Prefs = {
  language: "system",
  theme: "system",
  folded: false,
  recentClients: [],
  period: "month",
  compare: "previous",
  hidden: {},
};

function load(): Prefs {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof stored === "object" && stored !== null ? { ...defaults, ...stored } : defaults;
  } catch {
    return defaults;
  }
}

let prefs = load();
const listeners = new Set<() => void>();

/** The preferences now, outside React. */
export function currentPrefs(): Prefs {
  return prefs;
}

/** Changes some preferences and tells every screen. */
export function setPrefs(change: Partial<Prefs>): void {
  prefs = { ...prefs, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // A full or forbidden storage loses only the preference of the next start.
  }
  for (const listener of listeners) listener();
}

/** Hears every change of the preferences. */
export function onPrefs(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The preferences inside React. */
export function usePrefs(): Prefs {
  return useSyncExternalStore(onPrefs, currentPrefs);
}

/** The language in force: the chosen one, or the computer's when it is Russian, or English. */
export function languageOf(choice: LanguageChoice, system: readonly string[] = navigator.languages): Language {
  if (choice !== "system") return choice;
  const first = system.find((tag) => tag.startsWith("ru") || tag.startsWith("en"));
  return first?.startsWith("ru") ? "ru" : "en";
}

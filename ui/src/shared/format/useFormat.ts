/** The formatters of the language in force. */
import { languageOf, usePrefs } from "@/shared/prefs/prefs";
import { type Format, formatOf, type Language } from "./format";

/** The language in force; a component that asks is drawn again when it changes. */
export function useLanguage(): Language {
  return languageOf(usePrefs().language);
}

/** The formatters of the language in force. */
export function useFormat(): Format {
  return formatOf(useLanguage());
}

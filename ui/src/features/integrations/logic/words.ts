/** Texts that a connector brings along, in the language in force. */
import type { Connector, LocalText } from "@/gen/contract";
import { useLanguage } from "@/shared/format/useFormat";

/** Picks the present language of a connector's texts. */
export function useLocalText(): (text: LocalText) => string {
  const language = useLanguage();
  return (text) => text[language];
}

/** Turns a text key of a connector's form into words; a key it does not know is words already. */
export function useFormWords(connector: Connector): (key: string) => string {
  const language = useLanguage();
  return (key) => connector.texts[key]?.[language] ?? key;
}

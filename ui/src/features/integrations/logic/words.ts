/** Texts that a connector brings along, in the language in force, and what is said in more than one place. */
import { useTranslation } from "react-i18next";
import type { Connector, LocalText } from "@/gen/contract";
import type { CallError } from "@/host/host";
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

/** What stands under the name of a template that another one has already; `null` for every other refusal. */
export function useTakenName(): (error: CallError | null) => string | null {
  const { t } = useTranslation("integrations");
  return (error) => (error?.api.params.taken ? t("template.name_taken", { name: error.api.params.taken }) : null);
}

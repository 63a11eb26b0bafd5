/** Actions of the log in words. An action of a newer build is shown as it stands in the log rather than hidden. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import en from "../texts/en.json";

type Known = keyof typeof en.action;

function isKnown(action: string): action is Known {
  return action in en.action;
}

/** A function that names actions. */
export function useActionWord(): (action: string) => string {
  const { t } = useTranslation("audit");
  return useCallback((action) => (isKnown(action) ? t(`action.${action}`) : action), [t]);
}

/** Actions of the log in words. An action of a newer build is shown as it stands in the log rather than hidden. */

import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { AuditAction } from "@/gen/contract";
import en from "../texts/en.json";

/** Complete: an action of the backend without a text does not compile. */
const words: Record<AuditAction, string> = en.action;

function isKnown(action: string): action is AuditAction {
  return action in words;
}

/** A function that names actions. */
export function useActionWord(): (action: string) => string {
  const { t } = useTranslation("audit");
  return useCallback((action) => (isKnown(action) ? t(`action.${action}`) : action), [t]);
}

/**
 * Two languages, typed keys. Texts stand beside the feature they belong to and are listed here once; the English file is
 * the type of the keys and a test demands that the Russian one has the same keys with all four plural forms.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import answersEn from "@/features/answers/texts/en.json";
import answersRu from "@/features/answers/texts/ru.json";
import auditEn from "@/features/audit/texts/en.json";
import auditRu from "@/features/audit/texts/ru.json";
import clientsEn from "@/features/clients/texts/en.json";
import clientsRu from "@/features/clients/texts/ru.json";
import importsEn from "@/features/imports/texts/en.json";
import importsRu from "@/features/imports/texts/ru.json";
import integrationsEn from "@/features/integrations/texts/en.json";
import integrationsRu from "@/features/integrations/texts/ru.json";
import overviewEn from "@/features/overview/texts/en.json";
import overviewRu from "@/features/overview/texts/ru.json";
import recordsEn from "@/features/records/texts/en.json";
import recordsRu from "@/features/records/texts/ru.json";
import settingsEn from "@/features/settings/texts/en.json";
import settingsRu from "@/features/settings/texts/ru.json";
import startEn from "@/features/start/texts/en.json";
import startRu from "@/features/start/texts/ru.json";
import syncsEn from "@/features/syncs/texts/en.json";
import syncsRu from "@/features/syncs/texts/ru.json";
import workbenchEn from "@/features/workbench/texts/en.json";
import workbenchRu from "@/features/workbench/texts/ru.json";
import alertsEn from "@/shared/alerts/texts/en.json";
import alertsRu from "@/shared/alerts/texts/ru.json";
import anomaliesEn from "@/shared/anomalies/texts/en.json";
import anomaliesRu from "@/shared/anomalies/texts/ru.json";
import errorsEn from "@/shared/errors/texts/en.json";
import errorsRu from "@/shared/errors/texts/ru.json";
import { currentPrefs, languageOf, onPrefs } from "@/shared/prefs/prefs";
import sharedEn from "@/shared/texts/en.json";
import sharedRu from "@/shared/texts/ru.json";
import frameEn from "./texts/en.json";
import frameRu from "./texts/ru.json";

/** All texts by language and feature. */
export const texts = {
  en: {
    frame: frameEn,
    shared: sharedEn,
    errors: errorsEn,
    alerts: alertsEn,
    anomalies: anomaliesEn,
    start: startEn,
    overview: overviewEn,
    clients: clientsEn,
    answers: answersEn,
    audit: auditEn,
    imports: importsEn,
    integrations: integrationsEn,
    syncs: syncsEn,
    records: recordsEn,
    workbench: workbenchEn,
    settings: settingsEn,
  },
  ru: {
    frame: frameRu,
    shared: sharedRu,
    errors: errorsRu,
    alerts: alertsRu,
    anomalies: anomaliesRu,
    start: startRu,
    overview: overviewRu,
    clients: clientsRu,
    answers: answersRu,
    audit: auditRu,
    imports: importsRu,
    integrations: integrationsRu,
    syncs: syncsRu,
    records: recordsRu,
    workbench: workbenchRu,
    settings: settingsRu,
  },
};

/** Starts the texts and keeps them in step with the chosen language, without a restart. */
export function startTexts(): void {
  i18next.use(initReactI18next).init({
    resources: texts,
    lng: languageOf(currentPrefs().language),
    fallbackLng: false,
    defaultNS: "shared",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  const follow = () => {
    const language = languageOf(currentPrefs().language);
    document.documentElement.lang = language;
    if (i18next.language !== language) i18next.changeLanguage(language);
  };
  follow();
  onPrefs(follow);
}

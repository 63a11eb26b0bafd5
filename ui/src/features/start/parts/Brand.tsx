/** Name of the program and the language switch: the first thing a newcomer may need is to read. */
import { SegmentedControl } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { languages } from "@/shared/format/format";
import { useLanguage } from "@/shared/format/useFormat";
import { setPrefs } from "@/shared/prefs/prefs";
import classes from "../screens/start.module.css";

const names = { ru: "Русский", en: "English" } as const;

/** The head of every screen before the frame. */
export function Brand() {
  const { t } = useTranslation("start");
  const language = useLanguage();
  return (
    <div className={classes.brand}>
      <img src="./icon.svg" alt="" />
      <span>Syncdeck</span>
      <SegmentedControl
        aria-label={t("language")}
        data={[...languages].reverse().map((value) => ({ value, label: names[value] }))}
        value={language}
        onChange={(value) => {
          const chosen = languages.find((known) => known === value);
          if (chosen) setPrefs({ language: chosen });
        }}
      />
    </div>
  );
}

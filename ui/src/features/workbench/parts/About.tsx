/** Name, licence and origin of a connector: taken from the manifest where it says them, and the person's to correct. */
import { TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "../workbench.module.css";

/** What a person says of a connector. */
export interface Said {
  /** The name in the catalogue. */
  name: string;
  /** Its licence. */
  licence: string;
  /** Where it is from. */
  origin: string;
}

/** The longest name the catalogue takes. */
export const LONGEST_NAME = 80;

/** The three fields. */
export function About(props: { said: Said; onChange: (said: Said) => void; nameFault?: boolean }) {
  const { t } = useTranslation("workbench");
  const { said } = props;
  const change = (part: Partial<Said>) => props.onChange({ ...said, ...part });
  return (
    <div className={classes.about}>
      <TextInput
        label={t("about.name")}
        withAsterisk
        maxLength={LONGEST_NAME}
        value={said.name}
        error={props.nameFault ? t("about.name_missing") : null}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <TextInput
        label={t("about.licence")}
        description={t("about.licence_hint")}
        placeholder="MIT"
        value={said.licence}
        onChange={(event) => change({ licence: event.currentTarget.value })}
      />
      <TextInput
        label={t("about.origin")}
        description={t("about.origin_hint")}
        value={said.origin}
        onChange={(event) => change({ origin: event.currentTarget.value })}
      />
    </div>
  );
}

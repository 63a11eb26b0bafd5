/** Where the workspace key is kept. The keychain cannot be chosen when it does not work, and the row says why. */
import { PasswordInput } from "@mantine/core";
import { IconDeviceLaptop, IconPassword } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { KeychainState, Lock } from "@/gen/contract";
import { StateWord } from "@/shared/ui/States";
import classes from "../screens/start.module.css";

/** What was chosen and typed. */
export interface LockAnswer {
  /** Where. */
  lock: Lock;
  /** Passphrase. */
  passphrase: string;
  /** Passphrase typed again. */
  again: string;
}

/** The choice, and the two passphrase fields when they are needed. */
export function LockChoice(props: {
  keychain: KeychainState;
  answer: LockAnswer;
  fault: "passphrase_short" | "passphrase_differs" | null;
  onChange: (answer: LockAnswer) => void;
}) {
  const { t } = useTranslation("start");
  const { answer, onChange } = props;
  const works = props.keychain === "available";
  return (
    <>
      <div className={classes.box} role="radiogroup" aria-label={t("lock")}>
        <label className={classes.lock} data-on={answer.lock === "keychain"} data-off={!works}>
          <input
            type="radio"
            name="lock"
            disabled={!works}
            checked={answer.lock === "keychain"}
            onChange={() => onChange({ ...answer, lock: "keychain" })}
          />
          <IconDeviceLaptop size={18} stroke={1.7} aria-hidden />
          <span>
            <b>{t("keychain")}</b>
            <small>{t("keychain_note")}</small>
          </span>
          <StateWord tone={works ? "good" : "off"} word={t(`keychain_state.${props.keychain}`)} />
        </label>
        <label className={classes.lock} data-on={answer.lock === "passphrase"}>
          <input
            type="radio"
            name="lock"
            checked={answer.lock === "passphrase"}
            onChange={() => onChange({ ...answer, lock: "passphrase" })}
          />
          <IconPassword size={18} stroke={1.7} aria-hidden />
          <span>
            <b>{t("passphrase")}</b>
            <small>{t("passphrase_note")}</small>
          </span>
          <span />
        </label>
      </div>
      {answer.lock === "passphrase" ? (
        <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
          <PasswordInput
            label={t("passphrase_field")}
            value={answer.passphrase}
            error={props.fault === "passphrase_short" ? t("passphrase_short") : null}
            onChange={(event) => onChange({ ...answer, passphrase: event.currentTarget.value })}
            autoComplete="new-password"
          />
          <PasswordInput
            label={t("passphrase_again")}
            value={answer.again}
            error={props.fault === "passphrase_differs" ? t("passphrase_differs") : null}
            onChange={(event) => onChange({ ...answer, again: event.currentTarget.value })}
            autoComplete="new-password"
          />
        </div>
      ) : null}
    </>
  );
}

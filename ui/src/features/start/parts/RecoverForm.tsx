/** Brings a workspace's key back with the recovery key, and says where to keep it from now on. */
import { Button, TextInput } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { KeychainState } from "@/gen/contract";
import { passphraseFault } from "@/shared/places/places";
import { useChange } from "@/shared/query/query";
import { ErrorPanel } from "@/shared/ui/Notices";
import classes from "../screens/start.module.css";
import { type LockAnswer, LockChoice } from "./LockChoice";

/** The form. */
export function RecoverForm(props: { keychain: KeychainState; onBack: () => void }) {
  const { t } = useTranslation("start");
  const recover = useChange("workspace_recover");
  const [key, setKey] = useState("");
  const [asked, setAsked] = useState(false);
  const [lock, setLock] = useState<LockAnswer>({
    lock: props.keychain === "available" ? "keychain" : "passphrase",
    passphrase: "",
    again: "",
  });
  const fault = lock.lock === "passphrase" ? passphraseFault(lock.passphrase, lock.again) : null;
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (key.trim() === "" || fault) return;
        recover.mutate({
          recovery_key: key.trim(),
          lock: lock.lock,
          passphrase: lock.lock === "passphrase" ? lock.passphrase : null,
        });
      }}
    >
      <TextInput
        label={t("recover_field")}
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        withAsterisk={false}
        styles={{ input: { fontFamily: "var(--mono)" } }}
      />
      <LockChoice keychain={props.keychain} answer={lock} fault={asked ? fault : null} onChange={setLock} />
      {recover.isError ? <ErrorPanel error={recover.error} /> : null}
      <div className={classes.actions}>
        <Button type="submit" data-size="lg" disabled={key.trim() === ""} loading={recover.isPending}>
          {t("recover")}
        </Button>
        <Button variant="subtle" data-size="lg" leftSection={<IconArrowLeft size={15} />} onClick={props.onBack}>
          {t("back")}
        </Button>
      </div>
    </form>
  );
}

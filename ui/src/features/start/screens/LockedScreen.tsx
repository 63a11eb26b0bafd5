/**
 * There is a workspace and its key is out of reach. Four reasons, four messages: a passphrase is needed, the keychain is
 * locked, missing, or denies; and one more when the keychain is open but its key does not fit.
 */
import { Button, PasswordInput } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppStatus } from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useChange } from "@/shared/query/query";
import { CopyDetails, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { Brand } from "../parts/Brand";
import { RecoverForm } from "../parts/RecoverForm";
import classes from "./start.module.css";

/** The locked workspace. */
export function LockedScreen(props: { status: AppStatus }) {
  const { t } = useTranslation("start");
  const [recovering, setRecovering] = useState(false);
  return (
    <main className={classes.center}>
      <div className={classes.card}>
        <Brand />
        {recovering ? (
          <>
            <h1>{t("recover_title")}</h1>
            <p>{t("recover_intro")}</p>
            <RecoverForm keychain={props.status.keychain} onBack={() => setRecovering(false)} />
          </>
        ) : props.status.lock === "passphrase" ? (
          <ByPassphrase status={props.status} onRecover={() => setRecovering(true)} />
        ) : (
          <ByKeychain status={props.status} onRecover={() => setRecovering(true)} />
        )}
      </div>
    </main>
  );
}

function ByPassphrase(props: { status: AppStatus; onRecover: () => void }) {
  const { t } = useTranslation("start");
  const unlock = useChange("workspace_unlock");
  const [passphrase, setPassphrase] = useState("");
  const name = props.status.workspace_name;
  return (
    <>
      <h1>{t("locked_title")}</h1>
      <p>{name ? t("locked_passphrase", { name }) : t("locked_unnamed")}</p>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (passphrase) unlock.mutate({ passphrase });
        }}
      >
        <PasswordInput
          label={t("passphrase")}
          value={passphrase}
          onChange={(event) => setPassphrase(event.currentTarget.value)}
          autoFocus
          autoComplete="current-password"
        />
        {unlock.isError ? <ErrorPanel error={unlock.error} /> : null}
        <div className={classes.actions}>
          <Button type="submit" data-size="lg" disabled={passphrase === ""} loading={unlock.isPending}>
            {t("unlock")}
          </Button>
          <Button variant="subtle" data-size="lg" onClick={props.onRecover}>
            {t("enter_recovery")}
          </Button>
        </div>
      </form>
    </>
  );
}

function ByKeychain(props: { status: AppStatus; onRecover: () => void }) {
  const { t } = useTranslation("start");
  const words = useErrorWords();
  const unlock = useChange("workspace_unlock");
  const { keychain } = props.status;
  const failure = unlock.isError ? unlock.error.api : props.status.failure;
  // What the keychain says about itself explains its own failures; anything else (a damaged or newer file) speaks for itself.
  const own =
    !failure ||
    keychain !== "available" ||
    failure.code === "database_wrong_key" ||
    failure.code === "credential_missing";
  const said = failure ? words(failure) : null;
  return (
    <>
      <h1>{own || !said ? t(`keychain_title.${keychain}`) : said.title}</h1>
      <p>{own || !said ? t(`keychain_help.${keychain}`) : said.body}</p>
      <div style={{ marginTop: 12 }}>
        <StateWord tone="good" word={t("data_intact")} />
      </div>
      <div className={classes.actions} style={{ marginTop: 20 }}>
        <Button
          data-size="lg"
          leftSection={<IconRefresh size={15} />}
          loading={unlock.isPending}
          onClick={() => unlock.mutate({ passphrase: null })}
        >
          {t("try_again")}
        </Button>
        <Button variant="default" data-size="lg" onClick={props.onRecover}>
          {t("enter_recovery")}
        </Button>
      </div>
      {failure?.detail ? (
        <div style={{ marginTop: 12 }}>
          <CopyDetails error={failure} />
        </div>
      ) : null}
    </>
  );
}

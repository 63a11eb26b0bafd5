/** Step 1: the connector's form, and beside it where to get what it asks for. */
import { useTranslation } from "react-i18next";
import type { Connector } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { ErrorPanel } from "@/shared/ui/Notices";
import { SchemaForm } from "@/shared/ui/SchemaForm";
import classes from "../integrations.module.css";
import { useFormWords, useLocalText } from "../logic/words";

/** The form of a sign-in. `given` are the answers of an earlier try; secrets among them are kept and never shown again. */
export function SignInStep(props: {
  connector: Connector;
  formId: string;
  given: Record<string, unknown>;
  error: CallError | null;
  onSubmit: (answers: Record<string, unknown>) => void;
}) {
  const { t } = useTranslation("integrations");
  const say = useLocalText();
  const words = useFormWords(props.connector);
  const refused = props.error?.api.params.field;
  return (
    <div className={classes.signIn}>
      <div className={classes.signInForm}>
        <SchemaForm
          schema={props.connector.form}
          say={words}
          formId={props.formId}
          given={props.given}
          refused={refused ? [refused] : []}
          onSubmit={props.onSubmit}
        />
        {props.error ? <ErrorPanel error={props.error} context={{ connector: props.connector.id }} /> : null}
      </div>
      <aside className={classes.help} aria-label={t("sign_in.where")}>
        <h3>{t("sign_in.where")}</h3>
        {say(props.connector.sign_in_help)
          .split("\n")
          .filter((line) => line.trim() !== "")
          .map((line) => (
            <p key={line}>{line}</p>
          ))}
        {props.connector.docs_url ? (
          <p className={classes.docs}>
            <span>{t("sign_in.docs")}</span>
            <code>{props.connector.docs_url}</code>
          </p>
        ) : null}
      </aside>
    </div>
  );
}

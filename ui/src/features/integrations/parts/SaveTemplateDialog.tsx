/** Saves the settings of a connection under a name; the connection follows its template from then on. */
import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionDetail } from "@/gen/contract";
import { useChange } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { ErrorPanel } from "@/shared/ui/Notices";
import classes from "../integrations.module.css";
import { useTakenName } from "../logic/words";

/** Asks for the name and opens the template. */
export function SaveTemplateDialog(props: { detail: ConnectionDetail; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const go = useGo();
  const create = useChange("template_create");
  const takenName = useTakenName();
  const [name, setName] = useState("");
  const { connection, template } = props.detail;
  const taken = takenName(create.error);
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("template.save_title")}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={460}
    >
      <form
        className={classes.apply}
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ from: connection.id, name }, { onSuccess: (made) => go(links.template(made.id)) });
        }}
      >
        <p className={classes.hint}>
          {template
            ? t("template.save_leaves", { account: connection.account_name, name: template.name })
            : t("template.save_body", { account: connection.account_name })}
        </p>
        <TextInput
          label={t("template.name")}
          value={name}
          maxLength={80}
          autoComplete="off"
          data-autofocus
          error={taken}
          onChange={(event) => {
            setName(event.currentTarget.value);
            create.reset();
          }}
        />
        {create.error && !taken ? <ErrorPanel error={create.error} /> : null}
        <div className={classes.applyFoot}>
          <Button variant="default" onClick={props.onClose}>
            {shared("cancel")}
          </Button>
          <Button type="submit" disabled={name.trim() === ""} loading={create.isPending}>
            {t("template.save_action")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

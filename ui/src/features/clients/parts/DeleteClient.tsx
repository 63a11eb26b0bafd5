/** Deletes a client. The name is typed, because its credentials are destroyed and nothing brings them back. */
import { useTranslation } from "react-i18next";
import type { ClientRow } from "@/gen/contract";
import { useChange } from "@/shared/query/query";
import { ConfirmDialog } from "@/shared/ui/Dialogs";

/** The dialog. */
export function DeleteClient(props: { client: ClientRow; onDone: () => void; onClose: () => void }) {
  const { t } = useTranslation("clients");
  const change = useChange("client_delete");
  const { client } = props;
  return (
    <ConfirmDialog
      title={t("delete_title", { name: client.name })}
      action={t("delete_action")}
      typed={{ label: t("delete_type", { name: client.name }), expected: client.name }}
      pending={change.isPending}
      error={change.error}
      onConfirm={(typed) => change.mutate({ id: client.id, confirm_name: typed }, { onSuccess: props.onDone })}
      onClose={props.onClose}
    >
      {t("delete_body")}
    </ConfirmDialog>
  );
}

/** The settings of one connection for others of the same system: fifty clients are not set up one by one. */
import { Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionDetail, Connector, SettingsPart } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { onlyRecords } from "@/shared/ui/systems";
import classes from "../integrations.module.css";

/** Which parts, and to whom. Nothing is chosen before the person chooses it. */
export function ApplyDialog(props: { detail: ConnectionDetail; connector: Connector; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const connections = useRead("connections_list", {});
  const apply = useChange("settings_apply");
  const from = props.detail.connection;
  const offered: SettingsPart[] = onlyRecords(props.connector)
    ? ["schedule", "streams"]
    : ["schedule", "lookback", "streams", "vat"];
  const [parts, setParts] = useState<SettingsPart[]>(["schedule"]);
  const [chosen, setChosen] = useState<string[]>([]);
  const [typed, setTyped] = useState("");
  const needle = typed.trim().toLocaleLowerCase();
  const others = (connections.data ?? []).filter((row) => row.connector === from.connector && row.id !== from.id);
  const shown = others.filter((row) =>
    [row.client_name, row.account_name].some((word) => word.toLocaleLowerCase().includes(needle)),
  );
  const all = shown.length > 0 && shown.every((row) => chosen.includes(row.id));
  const toggle = (ids: string[], on: boolean) =>
    setChosen((before) => [...before.filter((id) => !ids.includes(id)), ...(on ? ids : [])]);
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("apply.title", { account: from.account_name })}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={520}
    >
      <form
        className={classes.apply}
        onSubmit={(event) => {
          event.preventDefault();
          apply.mutate(
            { from: from.id, to: chosen, parts },
            {
              onSuccess: (done) => {
                say(t("apply.done", { count: done.changed, printed: format.count(done.changed) }));
                props.onClose();
              },
            },
          );
        }}
      >
        <Checkbox.Group
          label={t("apply.parts")}
          value={parts}
          onChange={(next) => setParts(offered.filter((part) => next.includes(part)))}
        >
          <div className={classes.applyParts}>
            {offered.map((part) => (
              <Checkbox key={part} value={part} label={t(`apply.part.${part}`)} />
            ))}
          </div>
        </Checkbox.Group>
        <TextInput
          label={t("apply.to")}
          placeholder={t("find_connection")}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {connections.isError ? (
          <ErrorPanel error={connections.error} onAction={() => connections.refetch()} />
        ) : connections.data ? (
          <div className={classes.applyList}>
            <Checkbox
              label={t("apply.all", { count: shown.length, printed: format.count(shown.length) })}
              checked={all}
              indeterminate={!all && shown.some((row) => chosen.includes(row.id))}
              disabled={shown.length === 0}
              onChange={(event) =>
                toggle(
                  shown.map((row) => row.id),
                  event.currentTarget.checked,
                )
              }
            />
            {shown.map((row) => (
              <Checkbox
                key={row.id}
                label={`${row.client_name} \u00b7 ${row.account_name}`}
                checked={chosen.includes(row.id)}
                onChange={(event) => toggle([row.id], event.currentTarget.checked)}
              />
            ))}
          </div>
        ) : (
          <BoneRows rows={4} />
        )}
        {apply.error ? <ErrorPanel error={apply.error} /> : null}
        <div className={classes.applyFoot}>
          <Button variant="default" onClick={props.onClose}>
            {shared("cancel")}
          </Button>
          <Button type="submit" disabled={chosen.length === 0 || parts.length === 0} loading={apply.isPending}>
            {t("apply.action", { count: chosen.length, printed: format.count(chosen.length) })}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

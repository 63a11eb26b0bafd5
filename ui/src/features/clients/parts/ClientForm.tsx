/** Adds or changes a client. Currency and time zone start as the workspace's, because most clients share them. */
import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow } from "@/gen/contract";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { currencies, timeZones } from "@/shared/places/places";
import { useChange, useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import kit from "@/shared/ui/kit.module.css";
import { ErrorPanel } from "@/shared/ui/Notices";

/** The dialog; without a client it adds one. */
export function ClientForm(props: { client?: ClientRow; onDone: (client: ClientRow) => void; onClose: () => void }) {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const language = useLanguage();
  const status = useStatus();
  const create = useChange("client_create");
  const update = useChange("client_update");
  const others = useRead("clients_list", {}).data ?? [];
  const [name, setName] = useState(props.client?.name ?? "");
  const [currency, setCurrency] = useState(props.client?.currency ?? status.currency);
  const [zone, setZone] = useState(props.client?.time_zone ?? status.time_zone);
  const trimmed = name.trim();
  const taken = others.some(
    (other) => other.id !== props.client?.id && other.name.toLocaleLowerCase() === trimmed.toLocaleLowerCase(),
  );
  const error = create.error ?? update.error;
  const pending = create.isPending || update.isPending;
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.client ? t("edit_title") : t("new_title")}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={440}
    >
      <form
        className={kit.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (trimmed === "" || taken) return;
          if (props.client)
            update.mutate(
              { id: props.client.id, name: trimmed, currency, time_zone: zone },
              { onSuccess: props.onDone },
            );
          else create.mutate({ name: trimmed, currency, time_zone: zone }, { onSuccess: props.onDone });
        }}
      >
        <TextInput
          label={t("name")}
          description={t("name_hint")}
          value={name}
          maxLength={120}
          error={taken ? t("name_taken") : null}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
          required
          withAsterisk={false}
        />
        <div className={kit.formRow}>
          <Select
            label={t("currency")}
            data={currencies(currency).map((code) => ({ value: code, label: `${code}, ${format.sign(code)}` }))}
            value={currency}
            onChange={(value) => value && setCurrency(value)}
            searchable
          />
          <Select
            label={t("zone")}
            data={timeZones(language, zone, new Date())}
            value={zone}
            onChange={(value) => value && setZone(value)}
            searchable
            limit={60}
          />
        </div>
        {error ? <ErrorPanel error={error} /> : null}
        <div className={kit.formFoot}>
          <Button variant="default" onClick={props.onClose}>
            {shared("cancel")}
          </Button>
          <Button type="submit" disabled={trimmed === "" || taken} loading={pending}>
            {props.client ? shared("save") : t("create")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

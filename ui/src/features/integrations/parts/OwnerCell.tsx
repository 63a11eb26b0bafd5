/** Whose cabinet it is: words until touched, then a field in place that finds a client or creates one under the cabinet's name. */
import { Select } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow, FoundAccount } from "@/gen/contract";
import kit from "@/shared/ui/kit.module.css";
import classes from "../integrations.module.css";
import type { Owner } from "../logic/wizard";

const CREATE = "create:";

/** The cell. A list of clients is drawn only while it is open, because there is one in every row. */
export function OwnerCell(props: {
  account: FoundAccount;
  owner: Owner | null;
  guessed: boolean;
  clients: ClientRow[];
  onChange: (owner: Owner) => void;
}) {
  const { t } = useTranslation("integrations");
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const { owner } = props;
  const label = t("test.owner_of", { account: props.account.name });
  if (open) {
    const name = typed.trim() || props.account.name;
    const exists = props.clients.some((client) => client.name.toLocaleLowerCase() === name.toLocaleLowerCase());
    return (
      <Select
        size="xs"
        searchable
        autoFocus
        defaultDropdownOpened
        aria-label={label}
        placeholder={t("test.choose_client")}
        searchValue={typed}
        onSearchChange={setTyped}
        maxDropdownHeight={220}
        value={null}
        data={[
          ...props.clients.map((client) => ({ value: client.id, label: client.name })),
          ...(exists ? [] : [{ value: `${CREATE}${name}`, label: t("test.create_client", { name }) }]),
        ]}
        filter={({ options, search }) =>
          options.filter(
            (option) =>
              "value" in option &&
              (option.value.startsWith(CREATE) ||
                option.label.toLocaleLowerCase().includes(search.trim().toLocaleLowerCase())),
          )
        }
        onChange={(value) => {
          if (value)
            props.onChange(value.startsWith(CREATE) ? { create: value.slice(CREATE.length) } : { client: value });
          setOpen(false);
        }}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          setOpen(false);
        }}
      />
    );
  }
  const client = owner && "client" in owner ? props.clients.find((row) => row.id === owner.client) : undefined;
  const text =
    owner === null
      ? t("test.choose_client")
      : "create" in owner
        ? t("test.new_client", { name: owner.create })
        : (client?.name ?? owner.client);
  return (
    <button
      type="button"
      className={classes.owner}
      data-empty={owner === null}
      aria-haspopup="listbox"
      onClick={() => setOpen(true)}
    >
      <span className={kit.visually}>{label}</span>
      <span>{text}</span>
      {props.guessed ? <small title={t("test.guess_hint")}>{t("test.guess")}</small> : null}
      <IconChevronDown size={13} aria-hidden />
    </button>
  );
}

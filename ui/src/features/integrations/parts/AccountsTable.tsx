/**
 * The cabinets a sign-in can see, with the owner client in the same row as the cabinet. A plain table with its own boxes:
 * it holds controls in its rows, which the read-only `DataGrid` is not made for, and an agency has hundreds, not thousands.
 */
import { Button, Checkbox, TextInput } from "@mantine/core";
import { IconInfoCircle, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ClientRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { AppLink, links } from "@/shared/ui/AppLink";
import { Count, DateText, Money } from "@/shared/ui/Figures";
import { EmptyState } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import classes from "../integrations.module.css";
import { type Choice, type Decision, shownChoices } from "../logic/wizard";
import { OwnerCell } from "./OwnerCell";
import { StepMark } from "./StepMark";

/** The table with its search and its "active only". */
export function AccountsTable(props: {
  choices: Choice[];
  clients: ClientRow[];
  found: boolean;
  onDecide: (ids: string[], decision: Decision) => void;
}) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const [typed, setTyped] = useState("");
  const [activeOnly, setActiveOnly] = useState(false);
  const { choices } = props;
  if (choices.length === 0) {
    return props.found ? (
      <EmptyState icon={IconSearch} title={t("test.none_found")}>
        {t("test.none_found_body")}
      </EmptyState>
    ) : null;
  }
  const shown = shownChoices(choices, typed, activeOnly, props.clients);
  const free = shown.filter((choice) => choice.account.connected_as === null);
  const picked = free.filter((choice) => choice.picked);
  const active = choices.filter((choice) => choice.account.active).length;
  const ownerless = choices.filter((choice) => choice.picked && !choice.owner);
  const guessed = choices.filter((choice) => choice.picked && choice.guessed);
  const one = guessed[0];
  const guess =
    one?.owner && "client" in one.owner
      ? props.clients.find((client) => client.id === (one.owner as { client: string }).client)
      : undefined;

  return (
    <section className={classes.accounts} aria-label={t("test.cabinets")}>
      <div className={classes.accountsHead}>
        <h2>
          {t("test.cabinets")} <span>{t("test.found", { count: choices.length })}</span>
        </h2>
        <div className={classes.accountsTools}>
          <TextInput
            size="xs"
            w={190}
            placeholder={t("test.find")}
            aria-label={t("test.find")}
            leftSection={<IconSearch size={14} />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Checkbox
            className={classes.activeOnly}
            label={t("test.active_only", { active: format.count(active) })}
            checked={activeOnly}
            onChange={(event) => setActiveOnly(event.currentTarget.checked)}
          />
        </div>
      </div>
      <div className={classes.tableFrame}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th style={{ width: 36 }}>
                <Checkbox
                  aria-label={t("test.pick_all")}
                  checked={free.length > 0 && picked.length === free.length}
                  indeterminate={picked.length > 0 && picked.length < free.length}
                  disabled={free.length === 0}
                  onChange={(event) =>
                    props.onDecide(
                      free.map((choice) => choice.account.external_id),
                      { picked: event.currentTarget.checked },
                    )
                  }
                />
              </th>
              <th>{t("test.cabinet")}</th>
              <th style={{ width: 168 }}>{t("test.owner")}</th>
              <th data-align="right" style={{ width: 78 }}>
                {t("test.campaigns")}
              </th>
              <th data-align="right" style={{ width: 108 }}>
                {t("test.spend")}
              </th>
              <th data-align="right" style={{ width: 76 }}>
                {t("test.last_data")}
              </th>
              <th style={{ width: 96 }}>{t("test.state")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((choice) => (
              <AccountRow
                key={choice.account.external_id}
                choice={choice}
                clients={props.clients}
                onDecide={props.onDecide}
              />
            ))}
          </tbody>
        </table>
        {shown.length === 0 ? <p className={classes.none}>{t("test.nothing")}</p> : null}
      </div>
      {ownerless.length > 0 ? (
        <p className={classes.info} data-tone="watch">
          <IconInfoCircle size={16} aria-hidden />
          <span>{t("test.ownerless", { count: ownerless.length })}</span>
          <Button
            variant="default"
            size="compact-sm"
            onClick={() => {
              for (const { account } of ownerless)
                props.onDecide([account.external_id], { owner: { create: account.name } });
            }}
          >
            {t("test.create_for_all", { count: ownerless.length })}
          </Button>
        </p>
      ) : one && guess ? (
        <p className={classes.info}>
          <IconInfoCircle size={16} aria-hidden />
          <span>{t("test.guessed", { count: guessed.length, account: one.account.name, client: guess.name })}</span>
        </p>
      ) : null}
    </section>
  );
}

function AccountRow(props: {
  choice: Choice;
  clients: ClientRow[];
  onDecide: (ids: string[], decision: Decision) => void;
}) {
  const { t } = useTranslation("integrations");
  const { account, picked, owner, guessed } = props.choice;
  const taken = account.connected_as;
  const id = account.external_id;
  return (
    <tr data-testid={`account-${id}`} data-picked={picked} data-quiet={!account.active}>
      <td>
        <Checkbox
          aria-label={t("test.pick", { account: account.name })}
          checked={picked}
          disabled={taken !== null}
          onChange={(event) => props.onDecide([id], { picked: event.currentTarget.checked })}
        />
      </td>
      <td title={`${account.name} ${id}`}>
        <b>{account.name}</b> <code>{id}</code>
      </td>
      <td>
        {taken ? (
          <AppLink to={links.connection(taken)}>{t("test.connected")}</AppLink>
        ) : (
          <OwnerCell
            account={account}
            owner={owner}
            guessed={guessed}
            clients={props.clients}
            onChange={(next) => props.onDecide([id], { owner: next, picked: true })}
          />
        )}
      </td>
      <td data-align="right">
        <Count value={account.campaigns} />
      </td>
      <td data-align="right">
        {account.currency ? <Money micros={account.spend_30d} currency={account.currency} /> : null}
      </td>
      <td data-align="right">
        {account.last_data ? (
          <DateText day={account.last_data} />
        ) : account.state === "done" && !account.active ? (
          <span className={classes.dim}>{t("test.no_day")}</span>
        ) : null}
      </td>
      <td>
        {account.state === "done" ? (
          account.active ? (
            <StateWord tone="good" word={t("test.account.done")} />
          ) : account.last_data === null ? (
            <StateWord tone="off" word={t("test.account.empty")} />
          ) : (
            <StateWord tone="off" word={t("test.account.idle")} />
          )
        ) : (
          <span className={classes.accountState} data-state={account.state}>
            <StepMark state={account.state} />
            {t(`test.account.${account.state}`)}
          </span>
        )}
      </td>
    </tr>
  );
}

/**
 * How the answers of platforms changed: each change once, with what was and what is, whom it concerns, and two answers to it.
 * Nothing is lost meanwhile: rows are read as before, and what could not be read is in quarantine.
 */
import { ActionIcon, Button, Checkbox } from "@mantine/core";
import { IconArrowLeft, IconCheck, IconEyeOff, IconShieldCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DriftRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { useSystems } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../answers.module.css";
import { keyOf, kindsOf, sentenceOf } from "../logic/changes";

/** The screen. */
export function ChangesScreen() {
  const { t } = useTranslation("answers");
  const go = useGo();
  const [connection] = useQueryWord("connection");
  const read = useRead("drift_list", { connection_id: connection, all: false });
  const decide = useChange("drift_decide");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = read.data ?? [];
  const picked = rows.filter((row) => chosen.has(keyOf(row)));
  const answer = (which: DriftRow[], accept: boolean) =>
    decide.mutate(
      { numbers: which.flatMap((row) => row.numbers), accept },
      {
        onSuccess: () => {
          setChosen(new Set());
          say(t(accept ? "said_accepted" : "said_ignored", { count: which.length }));
        },
      },
    );
  return (
    <Screen>
      <PageHead
        title={t("changes")}
        answer={read.data ? t("changes_answer", { count: rows.length }) : undefined}
        before={
          <ActionIcon
            aria-label={t("back")}
            onClick={() => go(connection ? links.connection(connection) : links.integrations())}
          >
            <IconArrowLeft size={17} />
          </ActionIcon>
        }
      >
        {picked.length > 0 ? (
          <div className={classes.bulk}>
            <span>{t("chosen", { count: picked.length })}</span>
            <Button variant="default" loading={decide.isPending} onClick={() => answer(picked, false)}>
              {t("ignore_chosen")}
            </Button>
            <Button loading={decide.isPending} onClick={() => answer(picked, true)}>
              {t("accept_chosen")}
            </Button>
          </div>
        ) : null}
      </PageHead>
      {decide.error ? <ErrorPanel error={decide.error} /> : null}
      <Panel>
        {read.isError ? (
          <div className={classes.fault}>
            <ErrorPanel error={read.error} onAction={() => read.refetch()} />
          </div>
        ) : !read.data ? (
          <BoneRows rows={6} />
        ) : rows.length === 0 ? (
          <EmptyState icon={IconShieldCheck} title={t("no_changes")}>
            {t("no_changes_body")}
          </EmptyState>
        ) : (
          <ul className={classes.list} aria-label={t("changes")} data-testid="changes">
            {rows.map((row) => (
              <Change
                key={keyOf(row)}
                row={row}
                chosen={chosen.has(keyOf(row))}
                pending={decide.isPending}
                onChoose={(on) => {
                  const next = new Set(chosen);
                  if (on) next.add(keyOf(row));
                  else next.delete(keyOf(row));
                  setChosen(next);
                }}
                onAnswer={(accept) => answer([row], accept)}
              />
            ))}
          </ul>
        )}
      </Panel>
    </Screen>
  );
}

function Change(props: {
  row: DriftRow;
  chosen: boolean;
  pending: boolean;
  onChoose: (on: boolean) => void;
  onAnswer: (accept: boolean) => void;
}) {
  const { t } = useTranslation("answers");
  const format = useFormat();
  const systems = useSystems();
  const stream = systems.stream(props.row.connector, props.row.stream);
  const { row } = props;
  const types = (list: string) =>
    kindsOf(list)
      .map((kind) => t(`kind.${kind}`))
      .join(", ");
  const words = row.kind === "new_value" ? { before: row.before, after: row.after } : null;
  const before = words ? words.before : types(row.before);
  const after = words ? words.after : types(row.after);
  const title = t(`sentence.${sentenceOf(row)}`, { field: row.path, value: row.after });
  const first = row.connections[0];
  return (
    <li className={classes.change}>
      <Checkbox
        aria-label={t("choose", { change: title })}
        checked={props.chosen}
        onChange={(event) => props.onChoose(event.currentTarget.checked)}
      />
      <div className={classes.what}>
        <p>
          <b>{title}</b>
        </p>
        <p className={classes.diff}>
          <span className={classes.was}>{t("before", { what: before || t("nothing") })}</span>
          <span>{t("after", { what: after || t("nothing") })}</span>
        </p>
        <p className={classes.where}>
          <SystemTile connector={row.connector} size={18} />
          {t("where", { system: systems.name(row.connector), stream })}
          {row.connections.length === 1 && first ? (
            <AppLink to={links.connection(first.id)}>
              {t("whose", { client: first.client_name, account: first.account_name })}
            </AppLink>
          ) : (
            <span title={row.connections.map((one) => one.account_name).join(", ")}>
              {t("connections", { count: row.connections.length })}
            </span>
          )}
          <span>
            {t("seen", {
              at: format.moment(row.first_seen),
              records: t("records", { count: row.records, printed: format.count(row.records) }),
            })}
          </span>
          {first?.run_id ? <AppLink to={links.run(first.run_id)}>{t("show_run")}</AppLink> : null}
        </p>
        <p className={classes.where}>{t(`effect.${sentenceOf(row)}`)}</p>
      </div>
      <div className={classes.buttons}>
        <Button
          variant="default"
          leftSection={<IconEyeOff size={14} />}
          disabled={props.pending}
          onClick={() => props.onAnswer(false)}
          aria-label={t("ignore_one", { change: title })}
        >
          {t("ignore")}
        </Button>
        <Button
          variant="default"
          leftSection={<IconCheck size={14} />}
          disabled={props.pending}
          onClick={() => props.onAnswer(true)}
          aria-label={t("accept_one", { change: title })}
        >
          {t("accept")}
        </Button>
      </div>
    </li>
  );
}

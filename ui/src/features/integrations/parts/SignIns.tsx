/**
 * The board of sign-ins: who let us in where, until when, and which clients and connections stop when it dies. The most urgent stand
 * first, and each has one button: one sign-in repairs everything that lives by it.
 */
import { Button } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Connector, SignInRow, SignInState } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { InstantText } from "@/shared/ui/Figures";
import { Badge, type Fact, Facts } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { type StateTone, StateWord } from "@/shared/ui/States";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { useLocalText } from "../logic/words";

const tones: Record<SignInState, StateTone> = { good: "good", ends_soon: "watch", needed: "act" };

/** How a sign-in stands, in words. */
export function SignInWord(props: { state: SignInState }) {
  const { t } = useTranslation("integrations");
  return <StateWord tone={tones[props.state]} word={t(`sign_ins.state.${props.state}`)} />;
}

/** What is known of a sign-in. */
export function useSignInFacts(): (row: SignInRow) => Fact[] {
  const { t } = useTranslation("integrations");
  return (row) => [
    [t("sign_ins.owner"), row.owner ?? t("sign_ins.unknown")],
    [
      t("sign_ins.scopes"),
      row.scopes ? (
        <span key="scopes" className={classes.scopes}>
          {row.scopes.map((scope) => (
            <Badge key={scope}>{scope}</Badge>
          ))}
        </span>
      ) : (
        t("sign_ins.unknown")
      ),
    ],
    [t("sign_ins.issued"), <InstantText key="issued" at={row.issued_at} full />],
    [t("sign_ins.ends"), row.ends_at ? <InstantText key="ends" at={row.ends_at} full /> : t("sign_ins.no_end")],
    [
      t("sign_ins.access"),
      row.access_until ? <InstantText key="access" at={row.access_until} full /> : t("sign_ins.no_token"),
    ],
    [
      t("sign_ins.refreshed"),
      row.refreshed_at ? <InstantText key="refreshed" at={row.refreshed_at} full /> : t("never"),
    ],
    [t("sign_ins.used"), row.used_at ? <InstantText key="used" at={row.used_at} full /> : t("never")],
  ];
}

/** The board. */
export function SignIns(props: { connectors: Connector[] }) {
  const { t } = useTranslation("integrations");
  const read = useRead("sign_ins_list", {});
  if (read.isError) return <ErrorPanel error={read.error} onAction={() => read.refetch()} />;
  if (!read.data) return <BoneRows rows={8} />;
  if (read.data.length === 0) {
    return (
      <EmptyState icon={IconKey} title={t("sign_ins.empty_title")}>
        {t("sign_ins.empty_body")}
      </EmptyState>
    );
  }
  return (
    <ul className={classes.signIns} aria-label={t("tab.sign_ins")} data-testid="sign-ins">
      {read.data.map((row) => (
        <SignIn key={row.id} row={row} connector={props.connectors.find((one) => one.id === row.connector)} />
      ))}
    </ul>
  );
}

function SignIn(props: { row: SignInRow; connector: Connector | undefined }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const say = useLocalText();
  const go = useGo();
  const facts = useSignInFacts();
  const { row, connector } = props;
  const { renew } = row;
  const name = connector ? say(connector.name) : row.connector;
  return (
    <li className={classes.signInCard} data-state={row.state}>
      <div className={classes.signInHead}>
        <SystemTile connector={row.connector} size={30} />
        <div>
          <h2>{row.owner ? t("sign_ins.of", { system: name, owner: row.owner }) : name}</h2>
          <p>
            {t("sign_ins.breaks", {
              connections: t("sign_ins.connections", {
                count: row.uses.length,
                printed: format.count(row.uses.length),
              }),
              clients: t("sign_ins.clients", { count: row.clients, printed: format.count(row.clients) }),
            })}
          </p>
        </div>
        <SignInWord state={row.state} />
        <span className={classes.signInEnd}>
          {row.ends_at
            ? t("sign_ins.until", { at: format.moment(row.ends_at) })
            : row.state === "needed"
              ? null
              : t("sign_ins.renews")}
        </span>
        {renew ? (
          <Button
            variant={row.state === "good" ? "default" : "filled"}
            leftSection={<IconKey size={14} />}
            aria-label={t("sign_ins.again_of", { system: name, owner: row.owner ?? "" })}
            onClick={() => go(links.signIn(renew))}
          >
            {t("sign_in_again")}
          </Button>
        ) : null}
      </div>
      <details className={classes.signInMore}>
        <summary>{t("sign_ins.more")}</summary>
        <div className={classes.signInParts}>
          <Facts facts={facts(row)} />
          <ul className={classes.streams} aria-label={t("sign_ins.uses")}>
            {row.uses.map((used) => (
              <li key={used.connection_id}>
                <AppLink to={links.connection(used.connection_id)}>
                  {`${used.client_name} \u00b7 ${used.account_name}`}
                </AppLink>
                <span>
                  {used.state === "active" ? (
                    <StateWord tone="good" word={t("sign_ins.works")} />
                  ) : used.state === "paused" ? (
                    <StateWord tone="off" word={shared("connection.paused")} />
                  ) : (
                    <StateWord tone="act" word={t("sign_ins.stopped")} />
                  )}
                </span>
              </li>
            ))}
          </ul>
        </div>
      </details>
    </li>
  );
}

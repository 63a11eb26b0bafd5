/**
 * One connection: how it is and what helps, its streams and settings, its sign-in, and at the far end its deletion.
 * Settings are changed here and saved together; until then nothing is sent.
 */
import { Button } from "@mantine/core";
import { IconKey, IconPlayerPause, IconPlayerPlay, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type {
  ConnectionDetail,
  ConnectionRow,
  Connector,
  FailureKind,
  Setting,
  Settings,
  TrafficDay,
} from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { useQueryWord } from "@/shared/ui/address";
import { ConfirmDialog } from "@/shared/ui/Dialogs";
import { Count, DateText, InstantText } from "@/shared/ui/Figures";
import { Drawer, type Fact, Facts } from "@/shared/ui/Layout";
import { BoneRows, ConnectionFailure, ErrorPanel } from "@/shared/ui/Notices";
import { HealthBadge, StateWord } from "@/shared/ui/States";
import { useScreenSync, useSyncHere } from "@/shared/ui/screenSync";
import { comesByFile, onlyRecords } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { noChange, some } from "../logic/settings";
import { useLocalText } from "../logic/words";
import { ConnectWizard } from "./ConnectWizard";
import { FollowedTemplatePart, OwnMark, TemplateDialog, type TemplateWish } from "./FollowedTemplate";
import { Quota } from "./Quota";
import { SettingsForm } from "./SettingsForm";
import { SignInWord, useSignInFacts } from "./SignIns";
import { WatchedFolder } from "./WatchedFolder";

/** The drawer of a connection, read by its id. */
export function ConnectionDrawer(props: { id: string; connectors: Connector[]; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const read = useRead("connection_get", { id: props.id });
  useScreenSync(null, props.id);
  const connector = props.connectors.find((one) => one.id === read.data?.connection.connector);
  if (read.isError) {
    return (
      <Drawer title={t("connection")} onClose={props.onClose}>
        <div className={classes.drawerPart}>
          <ErrorPanel
            error={read.error}
            onAction={() => (read.error.api.code === "not_found" ? props.onClose() : read.refetch())}
          />
        </div>
      </Drawer>
    );
  }
  if (!read.data || !connector) {
    return (
      <Drawer title={t("connection")} onClose={props.onClose}>
        <BoneRows rows={8} />
      </Drawer>
    );
  }
  return <Opened detail={read.data} connector={connector} onClose={props.onClose} />;
}

function Opened(props: { detail: ConnectionDetail; connector: Connector; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const say = useLocalText();
  const go = useGo();
  const format = useFormat();
  const sync = useSyncHere();
  const update = useChange("connection_update");
  const [changes, setChanges] = useState<Partial<Settings>>({});
  const [returned, setReturned] = useState<Setting[]>([]);
  const [wish, setWish] = useState<TemplateWish | null>(null);
  const [deleting, setDeleting] = useState(false);
  const [signIn, setSignIn] = useQueryWord("sign_in");
  const { detail, connector } = props;
  const { connection } = detail;
  const paused = connection.state === "paused";
  const isFile = comesByFile(connector);
  const records = onlyRecords(connector);
  const failure = connection.failure;
  const needsSignIn = connection.state === "sign_in_needed" || failure?.kind === "sign_in_again";
  const dirty = Object.keys(changes).length > 0 || returned.length > 0;
  // What is going back to the template is shown as the template has it.
  const { template } = detail;
  const settings = { ...detail, ...changes, ...(template ? some(returned, template.settings) : {}) };
  const save = () =>
    update.mutate(
      { ...noChange, ...changes, id: connection.id, returned, paused: null },
      {
        onSuccess: () => {
          setChanges({});
          setReturned([]);
        },
      },
    );
  const pause = (paused: boolean) => update.mutate({ ...noChange, id: connection.id, returned: null, paused });

  // What the one button beside a failure does; its page is where settings are mended, so there it tries again.
  const again = () => sync.start({ connection_id: connection.id, client_id: null, range: null, streams: null });
  const remedy = (kind: FailureKind) => {
    // There is nobody to ask again: what mends a file is a file.
    if (isFile) return { onAction: () => go(links.importFile(connection.client_id, connector.id)) };
    if (needsSignIn) return { onAction: () => setSignIn("1") };
    switch (kind) {
      case "retry":
        return { onAction: again };
      case "sign_in_again":
      case "fix_settings":
        return { onAction: again, actionLabel: t("sync_now") };
      case "wait_until":
      case "vendor_changed":
      case "our_fault": {
        const run = connection.latest_run;
        return run ? { onAction: () => go(links.run(run)), actionLabel: t("show_run") } : {};
      }
      case "cancelled":
        return {};
    }
  };

  // The dialogs stand beside the drawer, not in it: Esc in a dialog must not reach the drawer.
  return (
    <>
      <Drawer
        title={connection.account_name}
        subtitle={
          <>
            {say(connector.name)} <code className={classes.mono}>{connection.account_external_id}</code>
          </>
        }
        before={<SystemTile connector={connector.id} size={30} />}
        onClose={props.onClose}
        footLeft={
          <Button variant="outline" onClick={() => setDeleting(true)}>
            {t("delete")}
          </Button>
        }
        footRight={
          <Button disabled={!dirty} loading={update.isPending} onClick={save}>
            {shared("save")}
          </Button>
        }
      >
        <div className={classes.drawerPart}>
          <div className={classes.stateLine}>
            {connection.running ? (
              <StateWord tone="move" word={shared("run.running")} />
            ) : paused ? (
              <StateWord tone="off" word={shared("connection.paused")} />
            ) : connection.retry_at && connection.health === "watch" ? (
              <StateWord tone="watch" word={t("pending", { at: format.moment(connection.retry_at) })} />
            ) : failure ? (
              <ConnectionFailure connection={connection} failure={failure} />
            ) : (
              <HealthBadge health={connection.health} />
            )}
            <div>
              {connection.running ? (
                <Button variant="default" onClick={() => connection.running && go(links.run(connection.running))}>
                  {t("show_run")}
                </Button>
              ) : isFile ? (
                <Button variant="default" onClick={() => go(links.importFile(connection.client_id, connector.id))}>
                  {t("file_action")}
                </Button>
              ) : connection.state !== "active" ? null : (
                <Button
                  variant="default"
                  leftSection={<IconRefresh size={14} />}
                  onClick={() =>
                    sync.start({ connection_id: connection.id, client_id: null, range: null, streams: null })
                  }
                >
                  {t("sync_now")}
                </Button>
              )}
              {isFile ? null : (
                <Button
                  variant="default"
                  loading={update.isPending && update.variables?.paused !== null}
                  leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
                  onClick={() => pause(!paused)}
                >
                  {paused ? t("resume") : t("pause")}
                </Button>
              )}
            </div>
          </div>
          {failure ? (
            <ErrorPanel
              error={failure}
              context={{
                connector: connector.id,
                account: connection.account_name,
                dataThrough: connection.data_through,
              }}
              {...remedy(failure.kind)}
            />
          ) : null}
          {update.error ? (
            <ErrorPanel error={update.error} context={{ connector: connector.id, account: connection.account_name }} />
          ) : null}
          <Facts
            facts={[
              [
                t("fact.client"),
                <AppLink key="client" to={links.client(connection.client_id, "connections")}>
                  {connection.client_name}
                </AppLink>,
              ],
              ...(records
                ? []
                : [
                    [t("fact.currency"), connection.currency] satisfies Fact,
                    [
                      t("fact.data_through"),
                      connection.data_through ? <DateText key="day" day={connection.data_through} /> : t("no_data_yet"),
                    ] satisfies Fact,
                  ]),
              [
                t("fact.synced"),
                connection.synced_at ? <InstantText key="at" at={connection.synced_at} full /> : t("never"),
              ],
              ...(isFile
                ? []
                : [
                    connection.retry_at
                      ? ([t("fact.retry"), <InstantText key="retry" at={connection.retry_at} full />] satisfies Fact)
                      : ([
                          t("fact.next"),
                          connection.next_at ? (
                            <InstantText key="next" at={connection.next_at} full />
                          ) : (
                            t(needsSignIn ? "fact.after_sign_in" : paused ? "fact.after_pause" : "fact.by_hand")
                          ),
                        ] satisfies Fact),
                  ]),
              ...(records ? [] : [[t("fact.rows"), <Count key="rows" value={detail.rows} />] satisfies Fact]),
            ]}
          />
        </div>
        {connector.streams.some((stream) => stream.kind === "records") ? <Records connection={connection} /> : null}
        <WatchedFolder detail={detail} />
        <Answers id={connection.id} />
        {isFile ? null : (
          <FollowedTemplatePart detail={detail} connector={connector} disabled={dirty} onWish={setWish} />
        )}
        <SettingsForm
          connector={connector}
          settings={settings}
          zone={detail.time_zone}
          mark={(setting) => (
            <OwnMark
              connector={connector}
              setting={setting}
              template={template}
              returned={returned.includes(setting)}
              onReturn={(back) => {
                setReturned([...returned.filter((one) => one !== setting), ...(back ? [setting] : [])]);
                setChanges(({ [setting]: _, ...others }) => others);
              }}
            />
          )}
          onChange={(change) => {
            setReturned(returned.filter((setting) => !(setting in change)));
            setChanges({ ...changes, ...change });
          }}
        />
        {isFile ? null : (
          <section className={classes.drawerPart}>
            <div className={classes.stateLine}>
              <h3>{t("credential.title")}</h3>
              <Button
                variant={needsSignIn ? "filled" : "default"}
                leftSection={<IconKey size={14} />}
                onClick={() => setSignIn("1")}
              >
                {t("sign_in_again")}
              </Button>
            </div>
            <Credential detail={detail} />
          </section>
        )}
        {detail.quota.length > 0 ? <Quota windows={detail.quota} /> : null}
        {detail.traffic.length > 0 ? <Traffic days={detail.traffic} /> : null}
      </Drawer>
      {deleting ? <Delete detail={detail} onDone={props.onClose} onClose={() => setDeleting(false)} /> : null}
      {wish ? <TemplateDialog wish={wish} detail={detail} connector={connector} onClose={() => setWish(null)} /> : null}
      {signIn && !isFile ? (
        <ConnectWizard
          connector={connector}
          clientId={connection.client_id}
          renewing={detail}
          onClose={() => setSignIn(null, { replace: true })}
        />
      ) : null}
    </>
  );
}

/** What the platform's answers contain besides good rows; silent while there is nothing. */
function Answers(props: { id: string }) {
  const { t } = useTranslation("integrations");
  const changes = useRead("drift_list", { connection_id: props.id, all: false });
  const quarantine = useRead("quarantine_open", { connection_id: props.id, reason: null, skip: 0, limit: 1 });
  const held = (quarantine.data?.reasons ?? []).reduce((sum, one) => sum + one.count, 0);
  const error = changes.error ?? quarantine.error;
  if (!error && (changes.data?.length ?? 0) === 0 && held === 0) return null;
  return (
    <section className={classes.drawerPart} data-testid="answers">
      <h3>{t("answers.title")}</h3>
      {error ? (
        <ErrorPanel error={error} onAction={() => (changes.isError ? changes.refetch() : quarantine.refetch())} />
      ) : (
        <ul className={classes.streams}>
          {(changes.data?.length ?? 0) > 0 ? (
            <li>
              <AppLink to={links.changes(props.id)}>{t("answers.changes")}</AppLink>
              <Count value={changes.data?.length ?? 0} />
            </li>
          ) : null}
          {held > 0 ? (
            <li>
              <AppLink to={links.quarantine(props.id)}>{t("answers.quarantine")}</AppLink>
              <Count value={held} />
            </li>
          ) : null}
        </ul>
      )}
    </section>
  );
}

/** The streams that are kept as records, each a way to look at them. */
function Records(props: { connection: ConnectionRow }) {
  const { t } = useTranslation("integrations");
  const streams = useRead("record_streams", { id: props.connection.id });
  return (
    <section className={classes.drawerPart}>
      <h3>{t("records")}</h3>
      {streams.isError ? (
        <ErrorPanel error={streams.error} onAction={() => streams.refetch()} />
      ) : !streams.data ? (
        <BoneRows rows={2} />
      ) : (
        <ul className={classes.streams}>
          {streams.data.map((one) => (
            <li key={one.stream}>
              <AppLink to={links.records(props.connection.id, one.stream)}>{one.stream}</AppLink>
              <Count value={one.count} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Credential(props: { detail: ConnectionDetail }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const facts = useSignInFacts();
  const { present, sign_in: signIn } = props.detail.credential;
  const others = (signIn?.uses.length ?? 1) - 1;
  return (
    <>
      <Facts
        facts={[
          [
            t("credential.state"),
            !present ? (
              <StateWord key="state" tone="act" word={t("credential.absent")} />
            ) : signIn ? (
              <SignInWord key="state" state={signIn.state} />
            ) : (
              <StateWord key="state" tone="good" word={t("credential.present")} />
            ),
          ],
          ...(signIn ? facts(signIn) : []),
        ]}
      />
      <p className={classes.hint}>
        {signIn ? (signIn.access_until ? t("credential.renews") : t("credential.sealed")) : t("credential.none")}
        {others > 0 ? ` ${t("sign_ins.shared", { count: others, printed: format.count(others) })}` : null}
      </p>
      <AppLink to={links.signIns()}>{t("sign_ins.all")}</AppLink>
    </>
  );
}

/** What the connection cost its platform, all days together. */
function Traffic(props: { days: TrafficDay[] }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const sum = (of: (day: TrafficDay) => number) => props.days.reduce((all, day) => all + of(day), 0);
  return (
    <section className={classes.drawerPart}>
      <h3>{t("traffic.title")}</h3>
      <Facts
        facts={[
          [t("traffic.requests"), format.count(sum((day) => day.requests))],
          [t("traffic.bytes"), format.bytes(sum((day) => day.bytes))],
          [t("traffic.retries"), format.count(sum((day) => day.retries))],
          [t("traffic.errors"), format.count(sum((day) => day.errors))],
          [t("traffic.waited"), format.duration(sum((day) => day.waited_millis))],
        ]}
      />
    </section>
  );
}

function Delete(props: { detail: ConnectionDetail; onDone: () => void; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const remove = useChange("connection_delete");
  const { connection, rows } = props.detail;
  return (
    <ConfirmDialog
      title={t("delete_title", { account: connection.account_name })}
      action={t("delete_action")}
      typed={{ label: t("delete_type", { account: connection.account_name }), expected: connection.account_name }}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ id: connection.id }, { onSuccess: props.onDone })}
      onClose={props.onClose}
    >
      {t("delete_body", {
        client: connection.client_name,
        rows: t("rows_written", { count: rows, printed: format.count(rows) }),
      })}
    </ConfirmDialog>
  );
}

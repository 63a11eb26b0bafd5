/**
 * A template for connections: to whom and what of it, then what that would change, and only then it is written. A changed template is rolled
 * out by the same dialog, which then begins with what would change. What is said in it comes from the backend's plan, and exactly this plan
 * is applied: when something has changed meanwhile, the backend refuses and the new plan is shown.
 */
import { Button, Checkbox, Modal, Radio, TextInput } from "@mantine/core";
import { IconArrowLeft, IconArrowRight } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  allSetting,
  type ConnectionId,
  type Connector,
  type Setting,
  type TemplateChange,
  type TemplateRow,
} from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { Badge } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import classes from "../integrations.module.css";
import { settingsOf, useSettingWords, type ValueChange } from "../logic/settings";

/** To whom: these at first, or all that follow the template. */
type Whom = { chosen: ConnectionId[] } | "followers";

/** The dialog. With nobody chosen it asks first; otherwise it begins with what would change. */
export function ApplyDialog(props: { template: TemplateRow; connector: Connector; to: Whom; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const { template, connector } = props;
  const followers = props.to === "followers";
  const [chosen, setChosen] = useState<ConnectionId[]>(props.to === "followers" ? [] : props.to.chosen);
  const [settings, setSettings] = useState<Setting[]>(() => settingsOf(connector));
  const [asked, setAsked] = useState(followers || chosen.length > 0);
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t(followers ? "template.roll_out_title" : "template.apply_title", { name: template.name })}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={640}
    >
      {asked ? (
        <Preview
          template={template}
          connector={connector}
          to={followers ? null : chosen}
          settings={settings}
          onBack={followers ? null : () => setAsked(false)}
          onClose={props.onClose}
        />
      ) : (
        <Choose
          template={template}
          connector={connector}
          settings={settings}
          chosen={chosen}
          onSettings={setSettings}
          onChosen={setChosen}
          onNext={() => setAsked(true)}
          onClose={props.onClose}
        />
      )}
    </Modal>
  );
}

function Choose(props: {
  template: TemplateRow;
  connector: Connector;
  settings: Setting[];
  chosen: ConnectionId[];
  onSettings: (settings: Setting[]) => void;
  onChosen: (chosen: ConnectionId[]) => void;
  onNext: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const words = useSettingWords(props.connector);
  const connections = useRead("connections_list", {});
  const [typed, setTyped] = useState("");
  const { chosen, settings } = props;
  const offered = settingsOf(props.connector);
  const following = new Set(props.template.followers.map((one) => one.connection_id));
  const needle = typed.trim().toLocaleLowerCase();
  const shown = (connections.data ?? [])
    .filter((row) => row.connector === props.connector.id)
    .filter((row) => [row.client_name, row.account_name].some((word) => word.toLocaleLowerCase().includes(needle)));
  const all = shown.length > 0 && shown.every((row) => chosen.includes(row.id));
  const toggle = (ids: ConnectionId[], on: boolean) =>
    props.onChosen([...chosen.filter((id) => !ids.includes(id)), ...(on ? ids : [])]);
  return (
    <form
      className={classes.apply}
      onSubmit={(event) => {
        event.preventDefault();
        props.onNext();
      }}
    >
      <Checkbox.Group
        label={t("template.what")}
        description={t("template.what_hint")}
        value={settings}
        onChange={(next) => props.onSettings(offered.filter((setting) => next.includes(setting)))}
      >
        <div className={classes.applyParts}>
          {offered.map((setting) => (
            <Checkbox key={setting} value={setting} label={words.name(setting)} />
          ))}
        </div>
      </Checkbox.Group>
      <TextInput
        label={t("template.to")}
        placeholder={t("find_connection")}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {connections.isError ? (
        <ErrorPanel error={connections.error} onAction={() => connections.refetch()} />
      ) : connections.data ? (
        <div className={classes.applyList}>
          <Checkbox
            label={t("template.all", { count: shown.length, printed: format.count(shown.length) })}
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
              description={following.has(row.id) ? t("template.follows_already") : undefined}
              checked={chosen.includes(row.id)}
              onChange={(event) => toggle([row.id], event.currentTarget.checked)}
            />
          ))}
        </div>
      ) : (
        <BoneRows rows={4} />
      )}
      <div className={classes.applyFoot}>
        <Button variant="default" onClick={props.onClose}>
          {shared("cancel")}
        </Button>
        <Button
          type="submit"
          disabled={chosen.length === 0 || settings.length === 0}
          rightSection={<IconArrowRight size={15} />}
        >
          {t("template.preview", { count: chosen.length, printed: format.count(chosen.length) })}
        </Button>
      </div>
    </form>
  );
}

function Preview(props: {
  template: TemplateRow;
  connector: Connector;
  to: ConnectionId[] | null;
  settings: Setting[];
  onBack: (() => void) | null;
  onClose: () => void;
}) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const apply = useChange("template_apply");
  const [keepOwn, setKeepOwn] = useState(true);
  const offered = settingsOf(props.connector);
  const request = {
    id: props.template.id,
    to: props.to,
    // What the system does not have is shown to nobody and can be nobody's own.
    settings: allSetting.filter((setting) => props.settings.includes(setting) || !offered.includes(setting)),
    keep_own: keepOwn,
  };
  const read = useRead("template_preview", request, { keep: true });
  const plan = read.data;
  const written = plan?.written ?? 0;
  return (
    <form
      className={classes.apply}
      onSubmit={(event) => {
        event.preventDefault();
        if (!plan) return;
        apply.mutate(
          { ...request, stamp: plan.stamp },
          {
            onSuccess: () => {
              say(t("template.applied", { count: plan.changed, printed: format.count(plan.changed) }));
              props.onClose();
            },
            // What it would do by now.
            onError: () => void read.refetch(),
          },
        );
      }}
    >
      {apply.error ? <ErrorPanel error={apply.error} /> : null}
      {!keepOwn || (plan?.kept ?? 0) > 0 ? (
        <Radio.Group
          label={t("template.own_values")}
          value={keepOwn ? "keep" : "replace"}
          onChange={(value) => {
            setKeepOwn(value === "keep");
            apply.reset();
          }}
        >
          <div className={classes.applyParts}>
            <Radio size="xs" value="keep" label={t("template.keep")} />
            <Radio size="xs" value="replace" label={t("template.replace")} />
          </div>
        </Radio.Group>
      ) : null}
      {read.isError ? (
        <ErrorPanel error={read.error} onAction={() => read.refetch()} />
      ) : plan ? (
        <>
          <p className={classes.planSum} role="status">
            <b>{t("template.sum.changed", { count: plan.changed, printed: format.count(plan.changed) })}</b>
            {[
              t("template.sum.unchanged", { count: plan.unchanged, printed: format.count(plan.unchanged) }),
              ...(plan.kept > 0
                ? [t("template.sum.kept", { count: plan.kept, printed: format.count(plan.kept) })]
                : []),
            ].join("; ")}
          </p>
          {plan.rows.length > 0 ? (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
            <ul className={classes.plan} aria-label={t("template.plan")} tabIndex={0} data-testid="plan">
              {plan.rows.map((row) => (
                <PlanRow key={row.connection_id} row={row} connector={props.connector} />
              ))}
            </ul>
          ) : null}
        </>
      ) : (
        <BoneRows rows={5} />
      )}
      <div className={classes.applyFoot}>
        {props.onBack ? (
          <Button variant="subtle" leftSection={<IconArrowLeft size={15} />} onClick={props.onBack}>
            {t("wizard.back")}
          </Button>
        ) : null}
        <Button variant="default" onClick={props.onClose}>
          {shared("cancel")}
        </Button>
        <Button type="submit" disabled={written === 0 || read.isError} loading={apply.isPending}>
          {plan && written === 0
            ? t("template.apply_none")
            : t("template.apply", { count: written, printed: format.count(written) })}
        </Button>
      </div>
    </form>
  );
}

function PlanRow(props: { row: TemplateChange; connector: Connector }) {
  const { t } = useTranslation("integrations");
  const words = useSettingWords(props.connector);
  const { row } = props;
  const nothing = row.changed.length === 0 && row.kept.length === 0;
  return (
    <li data-quiet={row.changed.length === 0}>
      <div>
        <b>{row.client_name}</b> <span>{row.account_name}</span>
        {row.leaves ? <Badge>{t("template.leaves", { name: row.leaves })}</Badge> : null}
      </div>
      {nothing ? (
        <p>{t(row.joins ? "template.only_follows" : "template.no_change")}</p>
      ) : (
        <dl>
          {row.changed.map((setting) => (
            <div key={setting}>
              <dt>{words.name(setting)}</dt>
              <dd>
                {words.changes(row.before, row.after, setting).map((change) => (
                  <Change key={change.of} change={change} />
                ))}
              </dd>
            </div>
          ))}
          {row.kept.map((setting) => (
            <div key={setting}>
              <dt>{words.name(setting)}</dt>
              <dd>
                <span className={classes.planChange}>
                  {words.value(row.after, setting)} <Badge>{t("template.own")}</Badge>
                </span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function Change(props: { change: ValueChange }) {
  const { t } = useTranslation("integrations");
  const { of, from, to } = props.change;
  return (
    <span className={classes.planChange}>
      {of ? `${of}: ` : null}
      <del>{from}</del>
      <IconArrowRight size={13} aria-label={t("template.becomes")} />
      <ins>{to}</ins>
    </span>
  );
}

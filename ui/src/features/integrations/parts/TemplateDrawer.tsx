/**
 * One template: what it gives, who follows it and with which values of their own. Its settings are changed and saved here; the connections
 * keep what they have until the change is applied to them, and until then it says how many still have what was before.
 */
import { Button, TextInput } from "@mantine/core";
import { IconTemplate } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Connector, Follower, Settings, TemplateRow } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { ConfirmDialog } from "@/shared/ui/Dialogs";
import { Drawer } from "@/shared/ui/Layout";
import { Banner, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { noChange, useSettingWords } from "../logic/settings";
import { useLocalText, useTakenName } from "../logic/words";
import { ApplyDialog } from "./ApplyDialog";
import { SettingsForm } from "./SettingsForm";

/** The drawer of a template, read by its id. */
export function TemplateDrawer(props: { id: string; connectors: Connector[]; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const read = useRead("templates_list", {});
  const template = read.data?.find((one) => one.id === props.id);
  const connector = props.connectors.find((one) => one.id === template?.connector);
  if (template && connector) return <Template template={template} connector={connector} onClose={props.onClose} />;
  return (
    <Drawer title={t("template.one")} onClose={props.onClose}>
      {read.isError ? (
        <div className={classes.drawerPart}>
          <ErrorPanel error={read.error} onAction={() => read.refetch()} />
        </div>
      ) : read.data && !template ? (
        <EmptyState icon={IconTemplate} title={t("template.gone")} />
      ) : (
        <BoneRows rows={8} />
      )}
    </Drawer>
  );
}

function Template(props: { template: TemplateRow; connector: Connector; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const say = useLocalText();
  const takenName = useTakenName();
  const update = useChange("template_update");
  const remove = useChange("template_delete");
  const [name, setName] = useState<string | null>(null);
  const [changes, setChanges] = useState<Partial<Settings>>({});
  const [applying, setApplying] = useState<"some" | "followers" | null>(null);
  const [deleting, setDeleting] = useState(false);
  const { template, connector } = props;
  const dirty = name !== null || Object.keys(changes).length > 0;
  const taken = takenName(update.error);
  return (
    <>
      <Drawer
        title={template.name}
        subtitle={t("template.of", { system: say(connector.name) })}
        before={<SystemTile connector={connector.id} size={30} />}
        onClose={props.onClose}
        footLeft={
          <Button variant="outline" onClick={() => setDeleting(true)}>
            {t("template.delete")}
          </Button>
        }
        footRight={
          <Button
            disabled={!dirty || name?.trim() === ""}
            loading={update.isPending}
            onClick={() =>
              update.mutate(
                { ...noChange, ...changes, id: template.id, name },
                {
                  onSuccess: () => {
                    setName(null);
                    setChanges({});
                  },
                },
              )
            }
          >
            {shared("save")}
          </Button>
        }
      >
        {template.behind > 0 ? (
          <Banner
            tone="watch"
            flat
            fact={t("template.behind", { count: template.behind, printed: format.count(template.behind) })}
            action={
              <Button size="xs" disabled={dirty} onClick={() => setApplying("followers")}>
                {t("template.roll_out")}
              </Button>
            }
          />
        ) : null}
        <section className={classes.drawerPart}>
          <TextInput
            label={t("template.name")}
            value={name ?? template.name}
            maxLength={80}
            autoComplete="off"
            error={taken}
            onChange={(event) => {
              const typed = event.currentTarget.value;
              setName(typed === template.name ? null : typed);
              update.reset();
            }}
          />
          {update.error && !taken ? <ErrorPanel error={update.error} /> : null}
          <p className={classes.hint}>{t("template.change_hint")}</p>
          <div>
            <Button variant="default" disabled={dirty} onClick={() => setApplying("some")}>
              {t("template.apply_open")}
            </Button>
          </div>
        </section>
        <SettingsForm
          connector={connector}
          settings={{ ...template.settings, ...changes }}
          onChange={(change) => setChanges({ ...changes, ...change })}
        />
        <section className={classes.drawerPart}>
          <h3>
            {t("template.followers_title")} {format.count(template.followers.length)}
          </h3>
          {template.followers.length === 0 ? (
            <p className={classes.hint}>{t("template.no_followers")}</p>
          ) : (
            <ul className={classes.streams} data-testid="followers">
              {template.followers.map((one) => (
                <FollowerItem key={one.connection_id} follower={one} connector={connector} />
              ))}
            </ul>
          )}
        </section>
      </Drawer>
      {applying ? (
        <ApplyDialog
          template={template}
          connector={connector}
          to={applying === "followers" ? "followers" : { chosen: [] }}
          onClose={() => setApplying(null)}
        />
      ) : null}
      {deleting ? (
        <ConfirmDialog
          title={t("template.delete_title", { name: template.name })}
          action={t("template.delete_action")}
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate({ id: template.id }, { onSuccess: props.onClose })}
          onClose={() => setDeleting(false)}
        >
          {template.followers.length === 0
            ? t("template.delete_body_none")
            : t("template.delete_body", {
                count: template.followers.length,
                printed: format.count(template.followers.length),
              })}
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function FollowerItem(props: { follower: Follower; connector: Connector }) {
  const { t } = useTranslation("integrations");
  const words = useSettingWords(props.connector);
  const { own, behind, ...one } = props.follower;
  const names = (settings: typeof own) => settings.map(words.name).join(", ");
  return (
    <li className={classes.follower}>
      <AppLink to={links.connection(one.connection_id)}>{`${one.client_name} \u00b7 ${one.account_name}`}</AppLink>
      {behind.length > 0 ? <StateWord tone="watch" word={t("template.former", { settings: names(behind) })} /> : null}
      {own.length > 0 ? <small>{t("template.own_of", { settings: names(own) })}</small> : null}
    </li>
  );
}

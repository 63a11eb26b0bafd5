/** What a connection has of a template: which it follows, what is its own, how it begins to follow one and how it stops. */
import { Button, Menu } from "@mantine/core";
import { IconArrowBackUp, IconChevronDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ConnectionDetail, Connector, FollowedTemplate, Setting, TemplateRow } from "@/gen/contract";
import { useChange, useRead } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { Badge } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import classes from "../integrations.module.css";
import { settingsOf, useSettingWords } from "../logic/settings";
import { ApplyDialog } from "./ApplyDialog";
import { SaveTemplateDialog } from "./SaveTemplateDialog";

/** What a person wants of a connection's template, which takes a dialog. */
export type TemplateWish = "save" | { apply: TemplateRow };

/** The section of a drawer. While settings are changed and not saved it is `disabled`: what is saved or applied is what is kept. */
export function FollowedTemplatePart(props: {
  detail: ConnectionDetail;
  connector: Connector;
  disabled: boolean;
  onWish: (wish: TemplateWish) => void;
}) {
  const { t } = useTranslation("integrations");
  const words = useSettingWords(props.connector);
  const all = useRead("templates_list", {});
  const leave = useChange("template_leave");
  const { detail, connector, disabled, onWish } = props;
  const { template, connection } = detail;
  const templates = (all.data ?? []).filter((one) => one.connector === connector.id);
  const followed = templates.find((one) => one.id === template?.id);
  const others = templates.filter((one) => one.id !== template?.id);
  const names = (settings: Setting[]) => settings.map(words.name).join(", ");
  const behind = template?.behind.filter((setting) => settingsOf(connector).includes(setting)) ?? [];
  return (
    <section className={classes.drawerPart} data-testid="template">
      <div className={classes.stateLine}>
        <h3>{t("template.one")}</h3>
        {template ? (
          <AppLink to={links.template(template.id)}>{template.name}</AppLink>
        ) : (
          <span className={classes.hint}>{t("template.none")}</span>
        )}
      </div>
      {behind.length > 0 ? (
        <div className={classes.stateLine}>
          <StateWord tone="watch" word={t("template.former", { settings: names(behind) })} />
          <Button
            variant="default"
            size="xs"
            disabled={disabled || !followed}
            onClick={() => followed && onWish({ apply: followed })}
          >
            {t("template.roll_out")}
          </Button>
        </div>
      ) : null}
      {leave.error ? <ErrorPanel error={leave.error} /> : null}
      <div className={classes.templateActions}>
        {others.length > 0 ? (
          <Menu position="bottom-start">
            <Menu.Target>
              <Button variant="default" disabled={disabled} rightSection={<IconChevronDown size={14} />}>
                {t(template ? "template.another" : "template.use")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {others.map((one) => (
                <Menu.Item key={one.id} onClick={() => onWish({ apply: one })}>
                  {one.name}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        ) : null}
        <Button variant="default" disabled={disabled} onClick={() => onWish("save")}>
          {t("template.save")}
        </Button>
        {template ? (
          <Button
            variant="subtle"
            disabled={disabled}
            loading={leave.isPending}
            onClick={() => leave.mutate({ id: connection.id })}
          >
            {t("template.leave")}
          </Button>
        ) : null}
      </div>
    </section>
  );
}

/** The dialog of a wish. It stands beside the drawer, not in it: Esc in a dialog must not reach the drawer. */
export function TemplateDialog(props: {
  wish: TemplateWish;
  detail: ConnectionDetail;
  connector: Connector;
  onClose: () => void;
}) {
  const { wish, detail, connector, onClose } = props;
  return wish === "save" ? (
    <SaveTemplateDialog detail={detail} onClose={onClose} />
  ) : (
    <ApplyDialog
      template={wish.apply}
      connector={connector}
      to={{ chosen: [detail.connection.id] }}
      onClose={onClose}
    />
  );
}

/** Below a setting: that it is the connection's own, and the way back. */
export function OwnMark(props: {
  connector: Connector;
  setting: Setting;
  template: FollowedTemplate | null;
  returned: boolean;
  onReturn: (back: boolean) => void;
}) {
  const { t } = useTranslation("integrations");
  const words = useSettingWords(props.connector);
  const { setting, template, returned, onReturn } = props;
  if (!template?.own.includes(setting)) return null;
  const action = returned
    ? t("template.keep_value")
    : t("template.return", { value: words.value(template.settings, setting) });
  return (
    <p className={classes.own}>
      <Badge>{t(returned ? "template.returning" : "template.own")}</Badge>
      <Button
        variant="subtle"
        size="compact-xs"
        leftSection={returned ? undefined : <IconArrowBackUp size={13} />}
        aria-label={`${action} (${words.name(setting)})`}
        onClick={() => onReturn(!returned)}
      >
        {action}
      </Button>
    </p>
  );
}

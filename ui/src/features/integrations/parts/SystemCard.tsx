/** The cards of the catalogue: a larger one for a connected system, a row of the shelf for one that can be connected. */
import { ActionIcon, Menu } from "@mantine/core";
import {
  IconChartLine,
  IconCopy,
  IconCurrencyRubel,
  IconDots,
  IconEdit,
  IconFileCode,
  IconListDetails,
  IconPlus,
  IconTargetArrow,
  IconUserPlus,
  IconWebhook,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Capability, ConnectionRow, Connector } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { AppLink, links, useGo } from "@/shared/ui/AppLink";
import { Badge } from "@/shared/ui/Layout";
import { StateWord } from "@/shared/ui/States";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { cardState } from "../logic/catalogue";
import { useLocalText } from "../logic/words";

const capabilityIcons: Record<Capability, typeof IconChartLine> = {
  statistics: IconChartLine,
  costs: IconCurrencyRubel,
  audiences: IconTargetArrow,
  leads: IconUserPlus,
  webhooks: IconWebhook,
};

const MOST = 3;

/** What a system can do, at most three words and a count of the rest. */
export function Capabilities(props: { of: Capability[]; bare?: boolean }) {
  const { t } = useTranslation("shared");
  const shown = props.of.slice(0, MOST);
  const rest = props.of.slice(MOST);
  return (
    <>
      {shown.map((one) => {
        const Icon = capabilityIcons[one];
        const words = (
          <>
            <Icon size={12} aria-hidden />
            {t(`capability.${one}`)}
          </>
        );
        return props.bare ? (
          <span key={one} className={classes.can}>
            {words}
          </span>
        ) : (
          <Badge key={one}>{words}</Badge>
        );
      })}
      {rest.length > 0 ? (
        <span title={rest.map((one) => t(`capability.${one}`)).join(", ")}>
          <Badge>+{rest.length}</Badge>
        </span>
      ) : null}
    </>
  );
}

/** The mark of a connector that somebody brought along, with what is known of it on hover. */
export function ImportedMark(props: { of: Connector }) {
  const { t } = useTranslation("integrations");
  const { imported } = props.of;
  if (!imported) return null;
  const known = [
    t("imported.revision", { revision: imported.revision }),
    imported.licence ? t("imported.licence", { licence: imported.licence }) : t("imported.no_licence"),
    imported.origin ? t("imported.origin", { origin: imported.origin }) : null,
  ];
  return (
    <span title={known.filter((one) => one !== null).join("\n")}>
      <Badge>
        <IconFileCode size={12} aria-hidden />
        {t("imported.mark")}
      </Badge>
    </span>
  );
}

/** The way into the workbench: a connector of one's own is edited, one of ours is copied. */
export function WorkbenchItem(props: { connector: Connector }) {
  const { t } = useTranslation("integrations");
  const go = useGo();
  const { connector } = props;
  if (!connector.declarative) return null;
  return (
    <Menu.Item
      leftSection={connector.imported ? <IconEdit size={14} /> : <IconCopy size={14} />}
      onClick={() => go(links.workbench(connector.id))}
    >
      {connector.imported ? t("edit_connector") : t("copy_and_edit")}
    </Menu.Item>
  );
}

/** The state of a system's connections in one phrase. */
export function SystemState(props: { rows: ConnectionRow[] }) {
  const { t } = useTranslation("integrations");
  const state = cardState(props.rows);
  if (state.signIns > 0) return <StateWord tone="act" word={t("state.sign_ins", { count: state.signIns })} />;
  if (state.others > 0) return <StateWord tone="act" word={t("state.others", { count: state.others })} />;
  if (state.paused > 0) return <StateWord tone="off" word={t("state.paused", { count: state.paused })} />;
  return <StateWord tone="good" word={t("state.all_work")} />;
}

/** A connected system. */
export function SystemCard(props: { connector: Connector; rows: ConnectionRow[]; open: boolean }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const say = useLocalText();
  const go = useGo();
  const { connector } = props;
  const name = say(connector.name);
  return (
    <article className={classes.card} data-open={props.open} data-testid={`system-${connector.id}`}>
      <div className={classes.cardTop}>
        <SystemTile connector={connector.id} size={30} />
        <div className={classes.cardName}>
          <h3>
            <AppLink className={classes.cardLink} to={links.system(connector.id)}>
              {name}
            </AppLink>
          </h3>
          <p>{shared(`category.${connector.category}`)}</p>
        </div>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon className={classes.cardMenu} aria-label={t("menu", { system: name })}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconPlus size={14} />} onClick={() => go(links.connect(connector.id))}>
              {t("connect_more")}
            </Menu.Item>
            <Menu.Item leftSection={<IconListDetails size={14} />} onClick={() => go(links.system(connector.id))}>
              {t("show_connections")}
            </Menu.Item>
            <WorkbenchItem connector={connector} />
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className={classes.badges}>
        <ImportedMark of={connector} />
        <Capabilities of={connector.capabilities} />
      </div>
      <footer className={classes.cardFoot}>
        <span>
          <b>{format.count(connector.connected)}</b> {t("connections_word", { count: connector.connected })}
        </span>
        <SystemState rows={props.rows} />
      </footer>
    </article>
  );
}

/** A system that can be connected. */
export function ShelfCard(props: { connector: Connector }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const say = useLocalText();
  const go = useGo();
  const { connector } = props;
  const name = say(connector.name);
  return (
    <article className={classes.shelfCard} title={say(connector.summary)} data-testid={`system-${connector.id}`}>
      <SystemTile connector={connector.id} size={30} />
      <div>
        <h3>
          {name} {connector.imported ? null : <span>{shared(`category.${connector.category}`)}</span>}
        </h3>
        <p>
          <ImportedMark of={connector} />
          <Capabilities of={connector.capabilities} bare />
        </p>
      </div>
      {connector.declarative ? (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon className={classes.plus} aria-label={t("menu", { system: name })}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <WorkbenchItem connector={connector} />
          </Menu.Dropdown>
        </Menu>
      ) : null}
      <ActionIcon
        variant="default"
        className={classes.plus}
        aria-label={t("connect_one", { system: name })}
        onClick={() => go(links.connect(connector.id))}
      >
        <IconPlus size={16} />
      </ActionIcon>
    </article>
  );
}

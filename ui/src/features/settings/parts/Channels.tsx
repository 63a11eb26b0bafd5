/** The ways in which alerts reach people outside the window: each with where it leads, what it carries and how it does. */
import { Button, Menu } from "@mantine/core";
import {
  IconBellRinging,
  IconBrandSlack,
  IconBrandTelegram,
  IconDeviceDesktop,
  IconMail,
  IconPlus,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ChannelKind, ChannelRow, ChannelState } from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { Panel } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { type StateTone, StateWord } from "@/shared/ui/States";
import { addable, placeOf } from "../logic/channel";
import classes from "../settings.module.css";

const icons: Record<ChannelKind, typeof IconMail> = {
  desktop: IconDeviceDesktop,
  telegram: IconBrandTelegram,
  email: IconMail,
  slack: IconBrandSlack,
};

const tones: Record<ChannelState, StateTone> = {
  off: "off",
  new: "off",
  works: "good",
  trying: "watch",
  broken: "act",
};

/** How a channel does, in one word or the name of what stops it. */
export function ChannelStateWord(props: { channel: ChannelRow }) {
  const { t } = useTranslation("settings");
  const format = useFormat();
  const words = useErrorWords();
  const { state, failure, retry_at } = props.channel;
  const word =
    state === "broken" && failure
      ? words(failure).title
      : state === "trying" && retry_at
        ? t("channels.trying_at", { at: format.moment(retry_at) })
        : t(`channels.state.${state}`);
  return <StateWord tone={tones[state]} word={word} />;
}

/** The panel. `open` is the id of the channel whose drawer is open. */
export function Channels(props: { open: string | null; onOpen: (channel: string) => void }) {
  const { t } = useTranslation("settings");
  const read = useRead("channels_list", {});
  const add = (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconPlus size={14} />}>
          {t("channels.add")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {addable.map((kind) => {
          const Icon = icons[kind];
          return (
            <Menu.Item key={kind} leftSection={<Icon size={15} />} onClick={() => props.onOpen(`new-${kind}`)}>
              {t(`channels.kind.${kind}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
  return (
    <Panel title={t("channels.title")} tools={read.data && read.data.length > 0 ? add : null}>
      {read.isError ? (
        <ErrorPanel error={read.error} onAction={() => read.refetch()} />
      ) : !read.data ? (
        <BoneRows rows={3} />
      ) : read.data.length === 0 ? (
        <EmptyState icon={IconBellRinging} title={t("channels.none")} action={add}>
          {t("channels.none_body")}
        </EmptyState>
      ) : (
        <ul className={classes.channels}>
          {read.data.map((channel) => {
            const Icon = icons[channel.kind];
            return (
              <li key={channel.id}>
                <button
                  type="button"
                  className={classes.channel}
                  aria-expanded={props.open === channel.id}
                  onClick={() => props.onOpen(channel.id)}
                >
                  <span className={classes.kind} title={t(`channels.kind.${channel.kind}`)}>
                    <Icon size={18} stroke={1.7} role="img" aria-label={t(`channels.kind.${channel.kind}`)} />
                  </span>
                  <span style={{ minWidth: 0 }}>
                    <b>{channel.name}</b>
                    <small>
                      <Carries channel={channel} />
                    </small>
                  </span>
                  <ChannelStateWord channel={channel} />
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

/** What a channel carries and where to. */
function Carries(props: { channel: ChannelRow }) {
  const { t } = useTranslation("settings");
  const { wants, settings } = props.channel;
  const parts = [
    placeOf(settings),
    wants.critical ? t("channels.carries_critical") : "",
    wants.digest ? t("channels.carries_digest") : "",
    wants.clients ? t("channels.carries_clients", { count: wants.clients.length }) : "",
  ].filter((part) => part !== "");
  return parts.length > 0 ? parts.join(" · ") : t("channels.carries_nothing");
}

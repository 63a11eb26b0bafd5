/** Words of state. Always an icon and a word together, never a colour alone, and no pill: fifty in a column stay quiet. */
import {
  IconAlertOctagonFilled,
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconClock,
  IconClockPause,
  IconMinus,
  IconPlayerPause,
  IconPlayerStopFilled,
  IconRefresh,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import type { Health, RunState } from "@/gen/contract";
import classes from "./kit.module.css";

/** Colour of a state. */
export type StateTone = "good" | "watch" | "act" | "move" | "off";

type Icon = ComponentType<{ size?: number | string; "aria-hidden"?: boolean }>;

const toneIcons: Record<StateTone, Icon> = {
  good: IconCircleCheckFilled,
  watch: IconAlertTriangleFilled,
  act: IconAlertOctagonFilled,
  move: IconRefresh,
  off: IconMinus,
};

/** Any state: its tone, its word, and an icon when the tone's own does not fit. */
export function StateWord(props: { tone: StateTone; word: string; icon?: Icon; title?: string }) {
  const Icon = props.icon ?? toneIcons[props.tone];
  return (
    <span className={classes.state} data-tone={props.tone} title={props.title}>
      <Icon size={14} aria-hidden />
      {props.word}
    </span>
  );
}

const healthTones: Record<Health, StateTone> = { act: "act", watch: "watch", good: "good", off: "off" };

/** Health of a client or connection. */
export function HealthBadge(props: { health: Health }) {
  const { t } = useTranslation("shared");
  return <StateWord tone={healthTones[props.health]} word={t(`health.${props.health}`)} />;
}

/** Only the icon of a health, for rows where the words beside it say the rest. */
export function HealthIcon(props: { health: Health; size?: number }) {
  const { t } = useTranslation("shared");
  const Icon = toneIcons[healthTones[props.health]];
  return (
    <span
      className={classes.state}
      data-tone={healthTones[props.health]}
      role="img"
      aria-label={t(`health.${props.health}`)}
    >
      <Icon size={props.size ?? 14} aria-hidden />
    </span>
  );
}

const runLooks: Record<RunState, { tone: StateTone; icon?: Icon }> = {
  queued: { tone: "off", icon: IconClock },
  running: { tone: "move" },
  waiting: { tone: "move", icon: IconClockPause },
  paused: { tone: "off", icon: IconPlayerPause },
  done: { tone: "good" },
  done_with_remarks: { tone: "watch" },
  failed: { tone: "act" },
  stopped: { tone: "off", icon: IconPlayerStopFilled },
};

/** What a run does or how it ended. */
export function RunWord(props: { state: RunState }) {
  const { t } = useTranslation("shared");
  const look = runLooks[props.state];
  return <StateWord tone={look.tone} word={t(`run.${props.state}`)} {...(look.icon ? { icon: look.icon } : {})} />;
}

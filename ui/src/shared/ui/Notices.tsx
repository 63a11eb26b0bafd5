/** What a screen says when it has something else to show than its data: a banner, an empty state, a failure, a skeleton. */
import { Button } from "@mantine/core";
import { IconAlertOctagonFilled, IconAlertTriangleFilled, IconClockPause, IconInfoCircle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ApiError, ConnectionRow } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { type ErrorContext, type Tone, useErrorWords } from "@/shared/errors/errors";
import classes from "./kit.module.css";
import { StateWord } from "./States";

const icons: Record<Tone, typeof IconInfoCircle> = {
  act: IconAlertOctagonFilled,
  watch: IconAlertTriangleFilled,
  wait: IconClockPause,
  calm: IconInfoCircle,
};

/** A sentence over the panel whose data it qualifies: a bold fact, the rest, one button. `flat` joins it to a panel's top. */
export function Banner(props: {
  tone: Tone;
  fact: string;
  children?: ReactNode;
  action?: ReactNode;
  flat?: boolean;
  icon?: typeof IconInfoCircle;
}) {
  const Icon = props.icon ?? icons[props.tone];
  return (
    <div className={classes.banner} data-tone={props.tone} data-flat={props.flat ?? false} role="status">
      <Icon size={16} aria-hidden />
      <p>
        <b>{props.fact}</b> {props.children}
      </p>
      {props.action ? <div className={classes.bannerSide}>{props.action}</div> : null}
    </div>
  );
}

/** What is wrong with a connection, or what it waits for, in a word: a wait is no alarm, whatever else is well. */
export function ConnectionFailure(props: { connection: ConnectionRow; failure: ApiError }) {
  const { connection, failure } = props;
  const said = useErrorWords()(failure, { connector: connection.connector, account: connection.account_name });
  if (failure.kind === "wait_until") return <StateWord tone="move" word={said.title} icon={IconClockPause} />;
  return <StateWord tone={said.tone === "act" || connection.health === "act" ? "act" : "watch"} word={said.title} />;
}

/** Nothing to show: says what to do, with the button that does it. */
export function EmptyState(props: {
  icon: typeof IconInfoCircle;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const Icon = props.icon;
  return (
    <div className={classes.empty}>
      <Icon size={26} stroke={1.6} aria-hidden />
      <h2>{props.title}</h2>
      {props.children ? <p>{props.children}</p> : null}
      {props.action ? <div className={classes.emptySide}>{props.action}</div> : null}
    </div>
  );
}

/** Copies what a specialist needs and nothing secret: code, parameters and the redacted detail. */
export function CopyDetails(props: { error: ApiError }) {
  const { t } = useTranslation("errors");
  const [copied, setCopied] = useState(false);
  return (
    <Button
      variant="transparent"
      onClick={() => {
        const { code, params, detail } = props.error;
        navigator.clipboard?.writeText(JSON.stringify({ code, params, detail }, null, 2)).then(
          () => setCopied(true),
          () => setCopied(false),
        );
      }}
    >
      {copied ? t("copied") : t("copy")}
    </Button>
  );
}

/** A failure in place of data: what happened, to what, what was kept, what to do, one button. */
export function ErrorPanel(props: {
  error: ApiError | CallError;
  context?: ErrorContext;
  onAction?: () => void;
  /** What the button says, where it does something else than the failure's own words offer. */
  actionLabel?: string;
}) {
  const words = useErrorWords();
  const error = "api" in props.error ? props.error.api : props.error;
  const said = words(error, props.context);
  const tones = { act: "act", watch: "watch", wait: "move", calm: "off" } as const;
  return (
    <div className={`${classes.panel} ${classes.fault}`} data-tone={said.tone} role="alert">
      <StateWord tone={tones[said.tone]} word={said.title} />
      <p>
        {said.body} {said.kept}
      </p>
      <p className={classes.faultCode}>
        {error.code}
        {error.detail ? `: ${error.detail}` : ""}
      </p>
      <div className={classes.faultFoot}>
        {props.onAction ? (
          <Button variant="filled" onClick={props.onAction}>
            {props.actionLabel ?? said.action}
          </Button>
        ) : null}
        <CopyDetails error={error} />
      </div>
    </div>
  );
}

/** A grey bar where a text will be. */
export function Bone(props: { width: number | string; height?: number }) {
  return <span className={classes.bone} style={{ width: props.width, height: props.height ?? 8 }} aria-hidden />;
}

/** Rows of a table that is being read. */
export function BoneRows(props: { rows: number }) {
  const { t } = useTranslation("shared");
  return (
    <div role="status" aria-label={t("loading")}>
      {Array.from({ length: props.rows }, (_, row) => (
        <div className={classes.boneRow} key={String(row)} style={{ opacity: Math.max(0.25, 1 - row * 0.07) }}>
          <Bone width={16} height={16} />
          <Bone width={110 + ((row * 37) % 60)} />
          <Bone width={60 + ((row * 23) % 40)} />
          <Bone width={90} />
          <span style={{ flex: 1 }} />
          <Bone width={48} />
        </div>
      ))}
    </div>
  );
}

/** Dialogs: one that asks before something cannot be undone, and the shell of every wizard. */
import { ActionIcon, Button, Modal, TextInput } from "@mantine/core";
import { IconCheck, IconShieldLock, IconX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CallError } from "@/host/host";
import classes from "./kit.module.css";
import { ErrorPanel } from "./Notices";

/**
 * Asks before something cannot be undone. With `typed` the person types the name of what will be lost; the button stays
 * off until it fits.
 */
export function ConfirmDialog(props: {
  title: string;
  children: ReactNode;
  action: string;
  typed?: { label: string; expected: string };
  pending?: boolean;
  error?: CallError | null;
  onConfirm: (typed: string) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("shared");
  const [typed, setTyped] = useState("");
  const fits = !props.typed || typed.trim() === props.typed.expected;
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ "aria-label": t("close") }}
      size={460}
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (fits) props.onConfirm(typed.trim());
        }}
      >
        <div style={{ color: "var(--tx2)" }}>{props.children}</div>
        {props.typed ? (
          <TextInput
            label={props.typed.label}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        ) : null}
        {props.error ? <ErrorPanel error={props.error} /> : null}
        <div className={classes.formFoot}>
          <Button variant="default" onClick={props.onClose}>
            {t("cancel")}
          </Button>
          <Button variant="outline" type="submit" disabled={!fits} loading={props.pending ?? false}>
            {props.action}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** A step of a wizard as its list shows it. */
export interface WizardStep {
  /** Its name. */
  title: string;
  /** What was decided there, or what it is about. */
  note: string;
}

/** The shell of a wizard, 1096 by 694: steps at the left, the present one at the right, decisions at the foot. */
export function Wizard(props: {
  label: string;
  who: ReactNode;
  steps: WizardStep[];
  current: number;
  title: string;
  subtitle?: string;
  note?: string;
  onClose: () => void;
  footLeft?: ReactNode;
  footRight: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation("shared");
  return (
    <Modal.Root opened onClose={props.onClose} size={1096} yOffset={24} centered>
      <Modal.Overlay />
      <Modal.Content aria-label={props.label} data-testid="wizard">
        <div className={classes.wizard}>
          <div className={classes.wizardSide}>
            <div className={classes.wizardWho}>{props.who}</div>
            <ol className={classes.steps}>
              {props.steps.map((step, index) => {
                const state = index < props.current ? "done" : index === props.current ? "current" : "next";
                return (
                  <li
                    key={step.title}
                    className={classes.step}
                    data-state={state}
                    aria-current={state === "current" ? "step" : undefined}
                  >
                    <span className={classes.stepDot}>
                      {state === "done" ? <IconCheck size={13} stroke={2.4} aria-label={t("step_done")} /> : index + 1}
                    </span>
                    <span>
                      <b>{step.title}</b>
                      <small>{step.note}</small>
                    </span>
                  </li>
                );
              })}
            </ol>
            {props.note ? (
              <p className={classes.wizardNote}>
                <IconShieldLock size={17} stroke={1.7} aria-hidden />
                {props.note}
              </p>
            ) : null}
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <div className={classes.wizardMain} tabIndex={0} data-scrolls>
            <header>
              <h1>{props.title}</h1>
              {props.subtitle ? <p>{props.subtitle}</p> : null}
            </header>
            <ActionIcon className={classes.wizardClose} aria-label={t("close")} onClick={props.onClose}>
              <IconX size={17} />
            </ActionIcon>
            {props.children}
          </div>
          <div className={classes.wizardFoot}>
            {props.footLeft}
            <div className={classes.wizardFootSide}>{props.footRight}</div>
          </div>
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}

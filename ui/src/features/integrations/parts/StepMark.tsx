/** The mark of a test step: tick, ring, empty circle, or the sign of a failure. Its word is read out for those who cannot see it. */
import { IconAlertOctagonFilled, IconCircle, IconCircleCheckFilled } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { StepState } from "@/gen/contract";
import classes from "../integrations.module.css";

/** The mark alone. */
export function StepMark(props: { state: StepState }) {
  const { t } = useTranslation("integrations");
  return (
    <span className={classes.mark} data-state={props.state} role="img" aria-label={t(`step_state.${props.state}`)}>
      {props.state === "done" ? <IconCircleCheckFilled size={16} aria-hidden /> : null}
      {props.state === "failed" ? <IconAlertOctagonFilled size={16} aria-hidden /> : null}
      {props.state === "waiting" ? <IconCircle size={16} stroke={1.6} aria-hidden /> : null}
      {props.state === "running" ? <i className={classes.ring} /> : null}
    </span>
  );
}

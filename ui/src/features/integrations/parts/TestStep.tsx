/**
 * Step 2: not a tick but evidence. Each step of the test says what it saw and how long it took, while it runs; the cabinets
 * appear as they are found and can be chosen meanwhile. A failed step carries its reason and the one button that helps.
 */
import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ApiError, ClientRow, Connector, Draft, TestStep as Step } from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import classes from "../integrations.module.css";
import { type Choice, type Decision, isEvident, knownStep, testShare } from "../logic/wizard";
import { AccountsTable } from "./AccountsTable";
import { StepMark } from "./StepMark";

/** The test. Without `choices` (a sign-in that is renewed) there are no cabinets to choose. */
export function TestStep(props: {
  connector: Connector;
  draft: Draft;
  choices: Choice[] | null;
  clients: ClientRow[];
  onDecide: (ids: string[], decision: Decision) => void;
  onCorrect: () => void;
  onRepeat: () => void;
}) {
  const { t } = useTranslation("integrations");
  const { draft } = props;
  const share = Math.round(testShare(draft) * 100);
  return (
    <>
      <div className={classes.steps}>
        <div
          className={classes.stepsBar}
          role="progressbar"
          aria-label={t("test.progress")}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share}
          data-state={draft.state}
        >
          <i style={{ width: `${share}%` }} />
        </div>
        <ul aria-live="polite">
          {draft.steps.map((step) => (
            <StepRow
              key={step.id}
              step={step}
              connector={props.connector}
              onCorrect={props.onCorrect}
              onRepeat={props.onRepeat}
            />
          ))}
        </ul>
      </div>
      {props.choices && (props.choices.length > 0 || draft.state === "ready") ? (
        <AccountsTable
          choices={props.choices}
          clients={props.clients}
          found={draft.state !== "testing"}
          onDecide={props.onDecide}
        />
      ) : null}
    </>
  );
}

function StepRow(props: { step: Step; connector: Connector; onCorrect: () => void; onRepeat: () => void }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const { step } = props;
  const id = knownStep(step.id);
  const seen = () => {
    if (!id) return Object.values(step.params).join(", ");
    if (step.state === "waiting" || !isEvident(id, step.params)) return t(`test.about.${id}`);
    const day = step.params.day;
    return t(`test.seen.${id}`, {
      ...step.params,
      count: Number(step.params.count ?? step.params.total ?? 0),
      ...(day ? { day: format.day(day) } : {}),
    });
  };
  return (
    <li className={classes.step} data-state={step.state} data-testid={`step-${step.id}`}>
      <StepMark state={step.state} />
      <b>{id ? t(`test.name.${id}`) : step.id}</b>
      {step.state === "failed" && step.failure ? (
        <Reason
          failure={step.failure}
          connector={props.connector}
          onCorrect={props.onCorrect}
          onRepeat={props.onRepeat}
        />
      ) : (
        <span className={classes.evidence}>{seen()}</span>
      )}
      {step.state === "failed" ? null : (
        <span className={classes.took}>
          {step.millis !== null && step.state !== "waiting"
            ? format.duration(step.millis)
            : t(`step_state.${step.state}`)}
        </span>
      )}
    </li>
  );
}

function Reason(props: { failure: ApiError; connector: Connector; onCorrect: () => void; onRepeat: () => void }) {
  const { t, i18n } = useTranslation("integrations");
  const words = useErrorWords();
  const said = words(props.failure, { connector: props.connector.id });
  const { code, kind } = props.failure;
  // In a test nothing has been saved yet, so the shared texts, which say what was kept, would puzzle here.
  const here = `test.reason.${code}`;
  const body = i18n.exists(here, { ns: "integrations" }) ? t(here as "test.reason.sign_in_rejected") : said.body;
  const correct = kind === "sign_in_again" || kind === "fix_settings";
  return (
    <div className={classes.reason}>
      <p>
        <b>{said.title}.</b> {body}
      </p>
      {props.failure.detail ? <code>{props.failure.detail}</code> : null}
      <Button variant="default" onClick={correct ? props.onCorrect : props.onRepeat}>
        {correct ? t("test.correct") : t("test.again")}
      </Button>
    </div>
  );
}

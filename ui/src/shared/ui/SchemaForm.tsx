/**
 * The form of a connector, drawn from its schema. Secret fields are write-only: they start empty, are never filled from
 * anywhere, and the browser is told not to remember them.
 */
import { Button, NumberInput, PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./kit.module.css";
import {
  type Field,
  faultOf,
  fieldsOf,
  initialAnswers,
  object,
  openAnswers,
  variantAt,
  variantStart,
  withKept,
} from "./schema";

/** The form. `say` turns a title or description key into words; `formId` lets a button outside submit it. */
export function SchemaForm(props: {
  schema: unknown;
  say: (key: string) => string;
  formId?: string;
  submit?: ReactNode;
  pending?: boolean;
  /** Names of fields the backend found wrong. */
  refused?: string[];
  /** Answers given before; secrets among them are kept but never put back into their inputs. */
  given?: Record<string, unknown>;
  onSubmit: (answers: Record<string, unknown>) => void;
}) {
  const ownId = useId();
  const fields = fieldsOf(props.schema);
  const [answers, setAnswers] = useState<Record<string, unknown>>(() => ({
    ...initialAnswers(fields),
    ...openAnswers(fields, props.given ?? {}),
  }));
  const [asked, setAsked] = useState(false);
  const id = props.formId ?? ownId;

  return (
    <form
      id={id}
      className={classes.form}
      autoComplete="off"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        const all = withKept(fields, answers, props.given ?? {});
        const wrong = fields.find((field) => faultOf(field, all[field.name]) !== null);
        if (!wrong) props.onSubmit(all);
        else event.currentTarget.querySelector<HTMLElement>(`[name="${CSS.escape(wrong.name)}"]`)?.focus();
      }}
    >
      <Inputs
        fields={fields}
        say={props.say}
        answers={answers}
        given={props.given ?? {}}
        asked={asked}
        refused={props.refused ?? []}
        focus
        onChange={setAnswers}
      />
      {props.submit ? (
        <div className={classes.formFoot}>
          <Button type="submit" loading={props.pending ?? false}>
            {props.submit}
          </Button>
        </div>
      ) : null}
    </form>
  );
}

/** Inputs of one level: the form's own, or those of a group inside it. */
function Inputs(props: {
  fields: Field[];
  say: (key: string) => string;
  answers: Record<string, unknown>;
  given: Record<string, unknown>;
  asked: boolean;
  refused: string[];
  /** Whether the first input takes the focus when a dialog opens. */
  focus?: boolean;
  onChange: (answers: Record<string, unknown>) => void;
}) {
  const { t } = useTranslation("shared");
  const { answers, given, asked } = props;
  return props.fields.map((field, index) => {
    const set = (value: unknown) => props.onChange({ ...answers, [field.name]: value });
    if (field.kind === "group" || field.kind === "variants") {
      const refused = props.refused
        .filter((name) => name.startsWith(`${field.name}.`))
        .map((name) => name.slice(field.name.length + 1));
      return (
        <GroupInput
          key={field.name}
          field={field}
          say={props.say}
          value={answers[field.name]}
          given={object(given[field.name])}
          asked={asked && faultOf(field, answers[field.name]) !== null}
          refused={refused}
          onChange={set}
        />
      );
    }
    const kept = field.kind === "secret" && Boolean(given[field.name]);
    const fault = asked && !(kept && !answers[field.name]) ? faultOf(field, answers[field.name]) : null;
    const bound = fault === "min" ? field.min : field.max;
    const error = fault
      ? t(`fault.${fault}`, { bound: bound ?? 0 })
      : props.refused.includes(field.name)
        ? t("fault.pattern")
        : null;
    return (
      <FieldInput
        key={field.name}
        field={field}
        say={props.say}
        error={error}
        kept={kept}
        first={props.focus === true && index === 0}
        value={answers[field.name]}
        onChange={set}
      />
    );
  });
}

/** An object inside the answers: its fields, and before them which of its forms it has when there are several. */
function GroupInput(props: {
  field: Field;
  say: (key: string) => string;
  value: unknown;
  given: Record<string, unknown>;
  asked: boolean;
  refused: string[];
  onChange: (value: unknown) => void;
}) {
  const { t } = useTranslation("shared");
  const { field, say, value } = props;
  const chosen = field.kind === "variants" ? variantAt(field, value) : 0;
  const fields = field.kind === "group" ? field.fields : (field.variants[chosen]?.fields ?? []);
  return (
    <fieldset className={classes.group} data-chosen={fields.length > 0}>
      {field.kind === "variants" ? (
        <Select
          name={field.name}
          label={say(field.title)}
          description={field.description ? say(field.description) : undefined}
          withAsterisk={field.required}
          clearable={!field.required}
          error={props.asked && chosen < 0 ? t("fault.required") : null}
          data={field.variants.map((variant, index) => ({ value: String(index), label: say(variant.title) }))}
          value={chosen < 0 ? null : String(chosen)}
          onChange={(index) => {
            const variant = index === null ? undefined : field.variants[Number(index)];
            props.onChange(variant ? variantStart(variant) : undefined);
          }}
        />
      ) : (
        <legend>{say(field.title)}</legend>
      )}
      {fields.length > 0 ? (
        <div className={classes.groupFields}>
          <Inputs
            fields={fields}
            say={say}
            answers={object(value)}
            given={props.given}
            asked={props.asked}
            refused={props.refused}
            onChange={props.onChange}
          />
        </div>
      ) : null}
    </fieldset>
  );
}

function FieldInput(props: {
  field: Field;
  say: (key: string) => string;
  error: string | null;
  kept: boolean;
  first: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const { field, say, error, onChange } = props;
  const { t } = useTranslation("shared");
  const common = {
    name: field.name,
    "data-autofocus": props.first || undefined,
    label: say(field.title),
    description: field.description ? say(field.description) : undefined,
    placeholder: field.example ?? undefined,
    withAsterisk: field.required,
    error,
  };
  const text = typeof props.value === "string" ? props.value : "";
  switch (field.kind) {
    case "secret":
      return (
        <PasswordInput
          {...common}
          placeholder={props.kept ? t("secret_kept") : common.placeholder}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="new-password"
          spellCheck={false}
          visibilityToggleButtonProps={{ "aria-label": t("secret_reveal"), disabled: text === "" }}
        />
      );
    case "lines":
      return (
        <Textarea
          {...common}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          autosize
          minRows={3}
          maxRows={8}
        />
      );
    case "list":
      return (
        <Textarea
          {...common}
          description={common.description ?? t("one_per_line")}
          value={Array.isArray(props.value) ? props.value.join("\n") : text}
          onChange={(event) => {
            const typed = event.currentTarget.value;
            onChange(typed === "" ? undefined : typed.split("\n"));
          }}
          autosize
          minRows={2}
          maxRows={8}
          spellCheck={false}
        />
      );
    case "number":
      return (
        <NumberInput
          {...common}
          value={typeof props.value === "number" ? props.value : ""}
          onChange={(value) => onChange(value === "" ? undefined : Number(value))}
        />
      );
    case "switch":
      return (
        <Switch
          name={field.name}
          label={common.label}
          description={common.description}
          checked={props.value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...common}
          data={field.options.map((option) => ({ value: option.value, label: say(option.title) }))}
          value={props.value === undefined ? null : String(props.value)}
          onChange={(value) => onChange(value ?? undefined)}
        />
      );
    case "date":
      return (
        <TextInput {...common} type="date" value={text} onChange={(event) => onChange(event.currentTarget.value)} />
      );
    case "group":
    case "variants":
      return null;
    case "text":
      return (
        <TextInput
          {...common}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      );
  }
}

/**
 * The form of a connector, drawn from its schema. Secret fields are write-only: they start empty, are never filled from
 * anywhere, and the browser is told not to remember them.
 */
import { Button, NumberInput, PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./kit.module.css";
import { type Field, faultOf, fieldsOf, initialAnswers, openAnswers, withKept } from "./schema";

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
  const { t } = useTranslation("shared");
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
      {fields.map((field, index) => {
        const kept = field.kind === "secret" && Boolean(props.given?.[field.name]);
        const fault = asked && !(kept && !answers[field.name]) ? faultOf(field, answers[field.name]) : null;
        const bound = fault === "min" ? field.min : field.max;
        const error = fault
          ? t(`fault.${fault}`, { bound: bound ?? 0 })
          : props.refused?.includes(field.name)
            ? t("fault.pattern")
            : null;
        return (
          <FieldInput
            key={field.name}
            field={field}
            say={props.say}
            error={error}
            kept={kept}
            first={index === 0}
            value={answers[field.name]}
            onChange={(value) => setAnswers((old) => ({ ...old, [field.name]: value }))}
          />
        );
      })}
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

/**
 * The test read: with whose sign-in, which stream, how much. It reads a little from the platform and keeps nothing; what is
 * typed here is used once and forgotten.
 */
import { Button, NumberInput, Select, Switch } from "@mantine/core";
import { IconPlayerPlay, IconTestPipe } from "@tabler/icons-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionRow, StreamReport, TestRead } from "@/gen/contract";
import { useChange } from "@/shared/query/query";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { SchemaForm } from "@/shared/ui/SchemaForm";
import { fieldsOf } from "@/shared/ui/schema";
import classes from "../workbench.module.css";
import { TestResults } from "./TestResults";

const OWN = "own";
const MOST = { records: 1_000, pages: 20, slices: 20 };

/** What a test reads with. */
export interface TestSubject {
  /** The saved connector, or `null` before it is saved. */
  connector: string | null;
  /** The connector of ours that it is a copy of. */
  copyOf: string | null;
  /** The manifest as it is now. */
  manifest: string;
  /** Its form. */
  form: unknown;
  /** Words of the form. */
  say: (key: string) => string;
  /** Connections whose sign-in may be borrowed. */
  connections: ConnectionRow[];
  /** Its streams. */
  streams: StreamReport[];
}

/** The panel. `results` are kept by the workbench, so that the mapping can use their records. */
export function TestPanel(props: {
  subject: TestSubject;
  stream: string | null;
  onStream: (stream: string) => void;
  results: ReadonlyMap<string, TestRead>;
  onResult: (stream: string, read: TestRead) => void;
}) {
  const { t } = useTranslation("workbench");
  const formId = useId();
  const { subject } = props;
  const [source, setSource] = useState(subject.connections[0]?.id ?? OWN);
  const [given, setGiven] = useState<Record<string, unknown>>({});
  const [limits, setLimits] = useState({ records: 100, pages: 3, slices: 2 });
  const [goesOn, setGoesOn] = useState(false);
  const read = useChange("manifest_test_read");
  const runnable = subject.streams.filter((stream) => stream.fidelity !== "unavailable");
  const stream = runnable.find((one) => one.name === props.stream) ?? runnable[0];
  const result = stream ? props.results.get(stream.name) : undefined;
  const own = source === OWN;
  const start = (answers: Record<string, unknown>) => {
    if (!stream) return;
    setGiven(answers);
    read.mutate(
      {
        connector: subject.connector,
        manifest: subject.manifest,
        copy_of: subject.copyOf,
        connection_id: own ? null : source,
        answers: own ? answers : {},
        stream: stream.name,
        state: goesOn ? (result?.state ?? null) : null,
        ...limits,
      },
      { onSuccess: (seen) => props.onResult(stream.name, seen) },
    );
  };
  const bound = (name: keyof typeof limits) => (
    <NumberInput
      label={t(`test.most.${name}`)}
      min={1}
      max={MOST[name]}
      clampBehavior="blur"
      allowDecimal={false}
      allowNegative={false}
      value={limits[name]}
      onChange={(value) => setLimits((old) => ({ ...old, [name]: Math.max(1, Number(value) || 1) }))}
    />
  );

  return (
    <div className={classes.test}>
      <section className={classes.settings} aria-label={t("test.settings")}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
        <div className={classes.settingsBody} tabIndex={0} data-scrolls>
          <Select
            label={t("test.stream")}
            searchable={runnable.length > 8}
            nothingFoundMessage={t("no_streams")}
            data={runnable.map((one) => one.name)}
            value={stream?.name ?? null}
            onChange={(name) => name && props.onStream(name)}
            allowDeselect={false}
          />
          <div className={classes.limits}>
            {bound("records")}
            {bound("pages")}
            {bound("slices")}
          </div>
          {result?.state !== undefined && result.state !== null ? (
            <Switch
              label={t("test.go_on")}
              checked={goesOn}
              onChange={(event) => setGoesOn(event.currentTarget.checked)}
            />
          ) : null}
          <Select
            label={t("test.sign_in")}
            description={own ? t("test.forgotten") : undefined}
            data={[
              ...subject.connections.map((row) => ({
                value: row.id,
                label: `${row.client_name}, ${row.account_name}`,
              })),
              { value: OWN, label: t("test.typed") },
            ]}
            value={source}
            onChange={(value) => setSource(value ?? OWN)}
            allowDeselect={false}
          />
          {own ? (
            fieldsOf(subject.form).length > 0 ? (
              <SchemaForm
                key={JSON.stringify(subject.form)}
                schema={subject.form}
                say={subject.say}
                formId={formId}
                given={given}
                refused={read.error?.api.params.field ? [read.error.api.params.field] : []}
                onSubmit={start}
              />
            ) : (
              <p className={classes.quiet}>{t("form.none")}</p>
            )
          ) : null}
        </div>
        <div className={classes.settingsFoot}>
          <Button
            leftSection={<IconPlayerPlay size={15} />}
            loading={read.isPending}
            disabled={!stream}
            data-testid="test-read"
            {...(own && fieldsOf(subject.form).length > 0
              ? { type: "submit" as const, form: formId }
              : { onClick: () => start({}) })}
          >
            {t("test.start")}
          </Button>
        </div>
      </section>
      <section className={classes.outcome} aria-label={t("test.outcome")} aria-busy={read.isPending}>
        {read.isPending ? (
          <BoneRows rows={9} />
        ) : read.error ? (
          <div className={classes.pad}>
            <ErrorPanel error={read.error} context={{ connector: subject.connector ?? subject.copyOf ?? "" }} />
          </div>
        ) : result && stream ? (
          <TestResults
            key={`${stream.name} ${result.millis}`}
            of={result}
            stream={stream.name}
            connector={subject.connector ?? subject.copyOf ?? ""}
          />
        ) : (
          <EmptyState icon={IconTestPipe} title={t("test.none")}>
            {t("test.none_body")}
          </EmptyState>
        )}
      </section>
    </div>
  );
}

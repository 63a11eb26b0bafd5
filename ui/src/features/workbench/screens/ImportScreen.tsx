/**
 * Bringing a connector in. First the manifest, by file, pasted, or a starter to change; then what it would do here, stream by stream, before
 * anything is kept; then its name, licence and origin, and the one button.
 */
import { ActionIcon, Button } from "@mantine/core";
import { IconArrowLeft, IconFileCode } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ManifestReport } from "@/gen/contract";
import { CallError } from "@/host/host";
import { useLanguage } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { Facts, PageHead, Panel, Screen, Tabs } from "@/shared/ui/Layout";
import { BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";
import { fieldsOf } from "@/shared/ui/schema";
import { marksOf, placed, useInspection } from "../logic/inspection";
import { About, type Said } from "../parts/About";
import { CodeEditor } from "../parts/CodeEditor";
import { DropManifest, MOST_BYTES } from "../parts/DropManifest";
import { FidelityTable, VerdictCounts } from "../parts/Fidelity";
import { Problems } from "../parts/Problems";
import classes from "../workbench.module.css";

interface Brought {
  manifest: string;
  /** What comes with a starter. */
  mapping: string | null;
  fileName: string | null;
}

/** The screen. */
export function ImportScreen() {
  const { t } = useTranslation("workbench");
  const go = useGo();
  const [brought, setBrought] = useState<Brought | null>(null);
  const [refused, setRefused] = useState<CallError | null>(null);
  const take = (file: File) => {
    if (file.size > MOST_BYTES) {
      setRefused(
        new CallError({
          code: "file_too_large",
          kind: "fix_settings",
          params: { bytes: String(file.size), limit: String(MOST_BYTES) },
          detail: null,
          retry_at: null,
        }),
      );
      return;
    }
    setRefused(null);
    const reader = new FileReader();
    reader.onload = () => setBrought({ manifest: String(reader.result ?? ""), mapping: null, fileName: file.name });
    reader.readAsText(file);
  };
  const back = (
    <ActionIcon aria-label={t("back")} onClick={() => (brought ? setBrought(null) : go(links.integrations()))}>
      <IconArrowLeft size={17} />
    </ActionIcon>
  );
  if (brought) return <Report brought={brought} onChange={setBrought} back={back} />;
  return (
    <Screen>
      <PageHead title={t("bring.title")} answer={t("bring.answer")} before={back} />
      {refused ? <ErrorPanel error={refused} /> : null}
      <DropManifest onFile={take} onPaste={(manifest) => setBrought({ manifest, mapping: null, fileName: null })} />
      <Starter onTake={(manifest, mapping) => setBrought({ manifest, mapping, fileName: null })} />
    </Screen>
  );
}

/** For a system that gives an address and a token and has no manifest yet. */
function Starter(props: { onTake: (manifest: string, mapping: string) => void }) {
  const { t } = useTranslation("workbench");
  const language = useLanguage();
  const starter = useRead("manifest_starter", {});
  return (
    <section className={classes.starter} aria-label={t("starter.title")}>
      <div>
        <h2>{t("starter.title")}</h2>
        <p>{t("starter.body")}</p>
      </div>
      {starter.error ? (
        <ErrorPanel error={starter.error} onAction={() => starter.refetch()} />
      ) : (
        <Button
          variant="default"
          disabled={!starter.data}
          data-testid="starter"
          onClick={() => starter.data && props.onTake(starter.data.manifest[language], starter.data.mapping[language])}
        >
          {t("starter.take")}
        </Button>
      )}
    </section>
  );
}

function Report(props: { brought: Brought; onChange: (brought: Brought) => void; back: ReactNode }) {
  const { t } = useTranslation("workbench");
  const go = useGo();
  const { manifest, mapping, fileName } = props.brought;
  const inspection = useInspection({ manifest, mapping, file_name: fileName, copy_of: null });
  // A starter is there to be changed.
  const [tab, setTab] = useState<"report" | "text">(mapping === null ? "report" : "text");
  const [said, setSaid] = useState<Partial<Said>>({});
  const [goTo, setGoTo] = useState<{ line: number } | null>(null);
  const [asked, setAsked] = useState(false);
  const keep = useChange("manifest_import");
  const { report } = inspection;
  const problems = useMemo(() => placed(report?.problems ?? [], manifest, ""), [report, manifest]);
  const whole: Said = {
    name: said.name ?? report?.name ?? "",
    licence: said.licence ?? report?.licence ?? "",
    origin: said.origin ?? report?.origin ?? "",
  };
  const send = () => {
    setAsked(true);
    if (whole.name.trim() === "") return;
    keep.mutate(
      { manifest, mapping, name: whole.name, licence: whole.licence, origin: whole.origin, copy_of: null },
      {
        onSuccess: (saved) => {
          say(t("bring.done", { name: whole.name }));
          go(links.workbench(saved.connector, "mapping"), { replace: true });
        },
      },
    );
  };
  const ready = report !== undefined && problems.length === 0 && !inspection.busy;

  return (
    <Screen fill>
      <PageHead
        title={report?.name || fileName || t(mapping === null ? "bring.pasted" : "starter.name")}
        answer={report ? <VerdictCounts streams={report.streams} /> : t("inspecting")}
        before={props.back}
      >
        <Button onClick={send} disabled={!ready} loading={keep.isPending} data-testid="import-connector">
          {t("bring.keep")}
        </Button>
      </PageHead>
      {inspection.error && !report ? (
        <ErrorPanel error={inspection.error} onAction={inspection.again} />
      ) : (
        <div className={classes.split}>
          <Panel grow>
            <div className={classes.tabsRow}>
              <Tabs
                inset
                label={t("bring.parts")}
                tabs={[
                  { id: "report", label: t("report") },
                  { id: "text", label: t("text") },
                ]}
                active={tab}
                onChange={setTab}
              />
            </div>
            {problems.length > 0 ? (
              <Problems
                of={problems}
                onShow={({ line }) => {
                  setTab("text");
                  if (line !== null) setGoTo({ line });
                }}
              />
            ) : null}
            {tab === "text" ? (
              <CodeEditor
                label={t("file.manifest")}
                value={manifest}
                marks={marksOf(problems, "manifest")}
                goTo={goTo}
                onChange={(text) => props.onChange({ manifest: text, mapping, fileName })}
              />
            ) : !report ? (
              <BoneRows rows={8} />
            ) : problems.length > 0 && report.streams.length === 0 ? (
              <EmptyState icon={IconFileCode} title={t("unreadable")}>
                {t("unreadable_body")}
              </EmptyState>
            ) : (
              <FidelityTable streams={report.streams} generates={report.generates_streams} />
            )}
          </Panel>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <aside className={classes.side} aria-label={t("about.title")} tabIndex={0} data-scrolls>
            {keep.error ? <ErrorPanel error={keep.error} /> : null}
            <Panel title={t("about.title")}>
              <About said={whole} onChange={setSaid} nameFault={asked && whole.name.trim() === ""} />
            </Panel>
            {report && report.streams.length > 0 ? <FormFacts report={report} /> : null}
          </aside>
        </div>
      )}
    </Screen>
  );
}

/** What the connector will ask for, and which of it goes to the keychain. */
function FormFacts(props: { report: ManifestReport }) {
  const { t } = useTranslation("workbench");
  const { report } = props;
  const fields = fieldsOf(report.form);
  return (
    <Panel title={t("form.title")}>
      <div className={classes.sidePart}>
        {report.description ? <p>{report.description}</p> : null}
        <Facts
          facts={[
            [t("form.version"), report.version || t("unknown")],
            [t("form.fields"), fields.length > 0 ? fields.map((field) => field.title).join(", ") : t("form.none")],
            [t("form.secrets"), report.secrets.length > 0 ? report.secrets.join(", ") : t("form.no_secrets")],
            ...(report.docs_url
              ? ([[t("form.docs"), <code key="docs">{report.docs_url}</code>]] as [string, ReactNode][])
              : []),
          ]}
        />
      </div>
    </Panel>
  );
}

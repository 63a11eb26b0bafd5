/**
 * The workbench of a connector: its manifest with what it does, a test read of any stream, and where the streams go. A
 * connector of ours is opened as a copy; saving makes it a connector of one's own and leaves ours as it is.
 */
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconArrowLeft, IconDots, IconHistory, IconPlugConnected, IconTrash } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ManifestSource, TestRead } from "@/gen/contract";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { usePathPart, useQueryWord } from "@/shared/ui/address";
import { ConfirmDialog } from "@/shared/ui/Dialogs";
import { PageHead, Panel, Screen, Tabs } from "@/shared/ui/Layout";
import { BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { say } from "@/shared/ui/saying";
import { SystemTile } from "@/shared/ui/Tiles";
import { useDraft } from "../logic/drafts";
import { marksOf, placed, useInspection } from "../logic/inspection";
import { mappingText } from "../logic/mapping";
import { streamLine } from "../logic/places";
import { About } from "../parts/About";
import { CodeEditor } from "../parts/CodeEditor";
import { Remark, VerdictCounts, VerdictWord } from "../parts/Fidelity";
import { MappingEditor } from "../parts/MappingEditor";
import { Problems } from "../parts/Problems";
import { TestPanel } from "../parts/TestPanel";
import classes from "../workbench.module.css";

type Part = "manifest" | "test" | "mapping";
const parts: Part[] = ["manifest", "test", "mapping"];

/** The screen. */
export function WorkbenchScreen() {
  const { t } = useTranslation("workbench");
  const go = useGo();
  const connector = usePathPart("connector");
  const source = useRead("manifest_source", { connector, revision: null }, { enabled: connector !== "" });
  if (source.isError || !source.data) {
    return (
      <Screen>
        <PageHead title={t("workbench")} before={<Back />} />
        {source.isError ? (
          <ErrorPanel
            error={source.error}
            onAction={() => (source.error.api.code === "not_found" ? go(links.integrations()) : void source.refetch())}
          />
        ) : (
          <Panel>
            <BoneRows rows={12} />
          </Panel>
        )}
      </Screen>
    );
  }
  return <Workbench key={connector} source={source.data} />;
}

function Back() {
  const { t } = useTranslation("workbench");
  const go = useGo();
  return (
    <ActionIcon aria-label={t("back")} onClick={() => go(links.integrations())}>
      <IconArrowLeft size={17} />
    </ActionIcon>
  );
}

function Workbench(props: { source: ManifestSource }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  const language = useLanguage();
  const go = useGo();
  const { source } = props;
  const [draft, change, forget] = useDraft(source.connector);
  const [word, setWord] = useQueryWord("tab");
  const part = parts.find((one) => one === word) ?? "manifest";
  const [stream, setStream] = useState<string | null>(null);
  const [results, setResults] = useState<ReadonlyMap<string, TestRead>>(new Map());
  const [goTo, setGoTo] = useState<{ line: number } | null>(null);
  const [removing, setRemoving] = useState(false);
  const [revision, setRevision] = useState<number | null>(null);
  const connectors = useRead("connectors_list", {});
  const connections = useRead("connections_list", {});
  const create = useChange("manifest_import");
  const update = useChange("manifest_update");

  const own = source.imported === null;
  const original = own ? source.connector : (source.imported?.copy_of ?? null);
  const copyOf = own ? source.connector : null;
  const name = source.name[language];
  const manifest = draft.manifest ?? source.manifest;
  const mapping = draft.mapping ?? source.mapping;
  const inspection = useInspection({ manifest, mapping, file_name: null, copy_of: original });
  const { report } = inspection;
  const mappings = draft.mappings ?? report?.mapping ?? [];
  const said = draft.said ?? {
    name: own ? t("copy_name", { name }) : name,
    licence: source.imported?.licence ?? report?.licence ?? "",
    origin: source.imported?.origin ?? report?.origin ?? "",
  };
  const problems = useMemo(() => placed(report?.problems ?? [], manifest, mapping), [report, manifest, mapping]);
  const dirty = manifest !== source.manifest || mapping !== source.mapping || (draft.said !== undefined && !own);
  const error = create.error ?? update.error;
  const catalogued = connectors.data?.find((one) => one.id === (original ?? source.connector));
  const subject = {
    connector: own ? null : source.connector,
    copyOf,
    manifest,
    // A copy asks for what ours asks for: its sign-in is ours, whatever the manifest says of a form.
    form: (original ? catalogued?.form : report?.form) ?? {},
    say: (key: string) => (original ? catalogued?.texts[key]?.[language] : undefined) ?? key,
    connections: (connections.data ?? []).filter(
      (row) => row.connector === source.connector || row.connector === original,
    ),
    streams: report?.streams ?? [],
  };

  const earlier = useRead("manifest_source", { connector: source.connector, revision }, { enabled: revision !== null });
  useEffect(() => {
    if (revision === null || !earlier.data) return;
    change({ manifest: earlier.data.manifest, mapping: earlier.data.mapping, mappings: undefined });
    setRevision(null);
  }, [revision, earlier.data, change]);

  const save = () => {
    if (own) {
      create.mutate(
        { manifest, mapping, name: said.name, licence: said.licence, origin: said.origin, copy_of: copyOf },
        {
          onSuccess: (saved) => {
            forget();
            say(t("saved_copy", { name: said.name }));
            go(links.workbench(saved.connector, part), { replace: true });
          },
        },
      );
    } else {
      update.mutate(
        {
          connector: source.connector,
          revision: source.imported?.revision ?? 0,
          manifest,
          mapping,
          name: said.name,
          licence: said.licence,
          origin: said.origin,
        },
        {
          onSuccess: (saved) => {
            forget();
            say(t("saved", { revision: saved.revision }));
          },
        },
      );
    }
  };

  return (
    <Screen fill>
      <PageHead
        title={own ? said.name : name}
        answer={
          own
            ? t("copy_answer", { name })
            : source.imported
              ? t("revision_answer", {
                  revision: source.imported.revision,
                  at: format.instant(source.imported.saved_at),
                })
              : null
        }
        before={
          <>
            <Back />
            <SystemTile connector={source.connector} size={24} />
          </>
        }
      >
        {dirty ? <StateWord tone="watch" word={t("unsaved")} /> : null}
        {own ? null : (
          <>
            <Button
              variant="default"
              leftSection={<IconPlugConnected size={15} />}
              onClick={() => go(links.connect(source.connector))}
            >
              {t("connect")}
            </Button>
            <More source={source} onRevision={setRevision} onRemove={() => setRemoving(true)} />
          </>
        )}
        <Button
          data-testid="save-connector"
          disabled={problems.length > 0 || inspection.busy || said.name.trim() === "" || !(own || dirty)}
          loading={create.isPending || update.isPending}
          onClick={save}
        >
          {own ? t("save_copy") : t("save")}
        </Button>
      </PageHead>
      {error ? <ErrorPanel error={error} context={{ connector: source.connector }} /> : null}
      {earlier.error && revision !== null ? <ErrorPanel error={earlier.error} /> : null}
      {inspection.error && !report ? <ErrorPanel error={inspection.error} onAction={inspection.again} /> : null}
      <Tabs
        label={t("parts")}
        active={part}
        onChange={(next) => setWord(next, { replace: true })}
        tabs={[
          {
            id: "manifest",
            label: t("part.manifest"),
            mark: problems.length > 0 ? format.count(problems.length) : undefined,
          },
          { id: "test", label: t("part.test") },
          {
            id: "mapping",
            label: t("part.mapping"),
            mark: mappings.length > 0 ? format.count(mappings.length) : undefined,
          },
        ]}
      />
      {part !== "manifest" && problems.length > 0 ? (
        <Panel>
          <Problems
            of={problems}
            onShow={({ line, problem }) => {
              if (problem.file === "mapping") return setWord("mapping", { replace: true });
              setWord("manifest", { replace: true });
              if (line !== null) setGoTo({ line });
            }}
          />
        </Panel>
      ) : null}
      {part === "test" ? (
        <Panel grow>
          <TestPanel
            subject={subject}
            stream={stream}
            onStream={setStream}
            results={results}
            onResult={(of, read) => setResults((old) => new Map(old).set(of, read))}
          />
        </Panel>
      ) : part === "mapping" ? (
        <Panel grow>
          {report ? (
            <MappingEditor
              streams={report.streams}
              tables={report.tables}
              mappings={mappings}
              text={mapping}
              marks={marksOf(problems, "mapping")}
              stream={stream}
              onStream={setStream}
              onChange={(next) => change({ mappings: next, mapping: mappingText(next) })}
              onText={(text) => change({ mapping: text, mappings: undefined })}
              results={results}
              onTest={(of) => {
                setStream(of);
                setWord("test", { replace: true });
              }}
            />
          ) : (
            <BoneRows rows={10} />
          )}
        </Panel>
      ) : (
        <div className={classes.split}>
          <Panel grow>
            <CodeEditor
              label={t("file.manifest")}
              value={manifest}
              marks={marksOf(problems, "manifest")}
              goTo={goTo}
              onChange={(text) => change({ manifest: text })}
            />
          </Panel>
          <aside
            className={classes.side}
            aria-label={t("inspection")}
            aria-busy={inspection.busy}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
            tabIndex={0}
            data-scrolls
          >
            {problems.length > 0 ? (
              <Panel title={t("problems")}>
                <Problems of={problems} onShow={({ line }) => line !== null && setGoTo({ line })} />
              </Panel>
            ) : null}
            <Panel title={t("streams")} count={report ? format.count(report.streams.length) : ""}>
              {report ? (
                <>
                  <div className={classes.sideCounts}>
                    <VerdictCounts streams={report.streams} />
                  </div>
                  <ul className={classes.streamList}>
                    {report.streams.map((one) => {
                      const line = streamLine(manifest, one.name);
                      return (
                        <li key={one.name}>
                          <div>
                            {line === null ? (
                              <b title={one.name}>{one.name}</b>
                            ) : (
                              <button
                                type="button"
                                className={classes.jump}
                                title={t("show_line", { line })}
                                onClick={() => setGoTo({ line })}
                              >
                                {one.name}
                              </button>
                            )}
                            <VerdictWord of={one.fidelity} />
                          </div>
                          {one.remarks.map((remark) => (
                            <Remark
                              key={`${remark.path} ${remark.component} ${remark.message}`}
                              verdict={one.fidelity}
                              remark={remark}
                            />
                          ))}
                        </li>
                      );
                    })}
                  </ul>
                  {report.generates_streams ? <p className={classes.none}>{t("generates")}</p> : null}
                </>
              ) : (
                <BoneRows rows={5} />
              )}
            </Panel>
            <Panel title={t("about.title")}>
              <About said={said} onChange={(next) => change({ said: next })} nameFault={said.name.trim() === ""} />
            </Panel>
          </aside>
        </div>
      )}
      {removing ? <Remove source={source} name={name} onClose={() => setRemoving(false)} onDone={forget} /> : null}
    </Screen>
  );
}

function More(props: { source: ManifestSource; onRevision: (revision: number) => void; onRemove: () => void }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  const { revisions, imported } = props.source;
  const older = revisions.filter((one) => one.revision !== imported?.revision);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={t("more")} size={28}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {older.length > 0 ? <Menu.Label>{t("revisions")}</Menu.Label> : null}
        {older.slice(0, 12).map((one) => (
          <Menu.Item
            key={one.revision}
            leftSection={<IconHistory size={14} />}
            onClick={() => props.onRevision(one.revision)}
          >
            {t("revision_of", { revision: one.revision, at: format.instant(one.saved_at) })}
          </Menu.Item>
        ))}
        <Menu.Item leftSection={<IconTrash size={14} />} onClick={props.onRemove}>
          {t("remove")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Remove(props: { source: ManifestSource; name: string; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("workbench");
  const go = useGo();
  const remove = useChange("manifest_remove");
  const { name, source } = props;
  return (
    <ConfirmDialog
      title={t("remove_title", { name })}
      action={t("remove")}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(
          { connector: source.connector, revision: null },
          {
            onSuccess: () => {
              props.onDone();
              say(t("removed", { name }));
              go(links.integrations(), { replace: true });
            },
          },
        )
      }
      onClose={props.onClose}
    >
      {t("remove_body")}
    </ConfirmDialog>
  );
}

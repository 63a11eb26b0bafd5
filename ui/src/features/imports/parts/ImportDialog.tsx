/**
 * Statistics from a file: of a system that publishes no interface, or of any when it is down. The file is read and its columns
 * are guessed, or known from the last file of its source; the person corrects them and sees, before anything is written, how
 * many rows fit, which do not and why, and what stands in those days already and would be replaced.
 */
import { ActionIcon, Button, Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowLeft, IconCircleCheckFilled, IconFileTypeCsv, IconFileUpload, IconX } from "@tabler/icons-react";
import { useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Connector, ImportCheck, ImportPreview, RunStarted } from "@/gen/contract";
import { type CallError, toCallError } from "@/host/host";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { useStatus } from "@/shared/query/status";
import { links, useGo } from "@/shared/ui/AppLink";
import { DropZone } from "@/shared/ui/DropZone";
import { EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { comesByFile, FILE_CONNECTOR } from "@/shared/ui/systems";
import classes from "../imports.module.css";
import { type Answers, changedAnswers, firstAnswers, lacking } from "../logic/answers";
import { assign, contentOf } from "../logic/mapping";
import { CheckPanel } from "./CheckPanel";
import { BadRows, Mapping } from "./Mapping";
import { UsualExport } from "./UsualExport";

/** The dialog. */
export function ImportDialog(props: {
  clientId: string | null;
  system: string | null;
  /** A file that was handed over already. */
  file?: File;
  onClose: () => void;
}) {
  const { t } = useTranslation("imports");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const go = useGo();
  const status = useStatus();
  const open = useChange("import_open");
  const commit = useChange("import_commit");
  const clients = useRead("clients_list", {});
  const connectors = useRead("connectors_list", {});
  const language = useLanguage();
  const [file, setFile] = useState<File | null>(null);
  const [unread, setUnread] = useState<CallError | null>(null);
  const [preview, setPreview] = useState<ImportPreview | null>(null);
  const [answers, setAnswers] = useState<Answers | null>(null);
  const [written, setWritten] = useState<RunStarted | null>(null);

  const client = clients.data?.find((row) => row.id === (answers?.clientId ?? props.clientId));
  const clientId = client?.id ?? null;
  const systems = connectors.data?.filter(comesByFile) ?? [];
  const of = (id: string): Connector | undefined => systems.find((one) => one.id === id);
  const preset = (id: string | null) => (id && id !== FILE_CONNECTOR ? of(id) : undefined);
  const system = answers ? of(answers.system) : preset(props.system);
  const files = system?.files ?? null;
  const currency = answers?.currency ?? files?.currency ?? (files?.asks_currency ? null : client?.currency);
  const lack = answers ? lacking(answers, files, clientId) : null;
  const request: ImportCheck | null =
    preview && answers && clientId && lack === null
      ? {
          upload_id: preview.upload_id,
          client_id: clientId,
          connector: answers.system,
          source_name: answers.source.trim(),
          fields: answers.fields,
          currency: currency ?? client?.currency ?? status.currency,
          vat: answers.vat ?? "unknown",
        }
      : null;
  const [settled] = useDebouncedValue(request, 300);
  const key = JSON.stringify(request);
  const fresh = JSON.stringify(settled) === key;
  const check = useRead("import_check", settled ?? nothingToCheck, {
    enabled: settled !== null && written === null,
    keep: true,
  });

  const take = (chosen: File, wanted = props.system ?? FILE_CONNECTOR) => {
    setFile(chosen);
    setUnread(null);
    open.reset();
    contentOf(chosen).then(
      (content) =>
        open.mutate(
          { ...content, connector: wanted === FILE_CONNECTOR ? null : wanted },
          {
            onSuccess: (read) => {
              const named = preset(wanted);
              setPreview(read);
              setAnswers((old) =>
                firstAnswers(read, {
                  fileName: chosen.name,
                  clientId: old?.clientId ?? props.clientId,
                  system: wanted,
                  systemName: named?.name[language] ?? null,
                  files: named?.files ?? null,
                }),
              );
            },
          },
        ),
      (error: unknown) => setUnread(toCallError(error)),
    );
  };
  const takeDropped = useEffectEvent(() => props.file && take(props.file));
  useEffect(() => {
    takeDropped();
  }, []);
  const change = (part: Partial<Answers>) =>
    setAnswers((old) => (old && preview ? changedAnswers(old, part, preview, props.clientId) : old));
  const again = () => {
    setPreview(null);
    setAnswers(null);
    setFile(null);
    commit.reset();
  };
  const result = check.data;
  const ready =
    request !== null && fresh && !check.isFetching && !check.isError && result !== undefined && result.good > 0;
  const run = written?.run_ids[0];

  return (
    <Modal.Root
      opened
      onClose={props.onClose}
      size={1096}
      yOffset={24}
      centered
      closeOnClickOutside={preview === null || written !== null}
    >
      <Modal.Overlay />
      <Modal.Content aria-label={t("title")} data-testid="import">
        <div className={classes.dialog}>
          <header className={classes.head}>
            <div>
              <h1>{t("title")}</h1>
              <p>{preview && file ? <FileFacts file={file} preview={preview} /> : t("subtitle")}</p>
            </div>
            <ActionIcon aria-label={shared("close")} onClick={props.onClose}>
              <IconX size={17} />
            </ActionIcon>
          </header>
          {written ? (
            <div className={classes.middle}>
              <EmptyState
                icon={IconCircleCheckFilled}
                title={t("done", { count: result?.good ?? 0, printed: format.count(result?.good ?? 0) })}
                action={
                  <>
                    {run ? (
                      <Button variant="default" onClick={() => go(links.run(run))}>
                        {t("show_run")}
                      </Button>
                    ) : null}
                    {clientId ? <Button onClick={() => go(links.client(clientId))}>{t("show_client")}</Button> : null}
                  </>
                }
              >
                {result && result.bad > 0
                  ? t("done_bad", { count: result.bad, printed: format.count(result.bad) })
                  : t("done_body")}
              </EmptyState>
            </div>
          ) : preview && answers ? (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
              <div className={classes.main} tabIndex={0} data-scrolls>
                <Mapping
                  preview={preview}
                  fields={answers.fields}
                  onChange={(column, field) => change({ fields: assign(answers.fields, column, field) })}
                />
                {result && result.bad > 0 ? <BadRows checked={result} /> : null}
              </div>
              <CheckPanel
                clients={clients.data ?? []}
                clientId={clientId}
                systems={systems}
                system={system}
                source={answers.source}
                currency={currency ?? null}
                vat={answers.vat}
                onChange={change}
                onSystem={(wanted) => file && take(file, wanted)}
                fields={answers.fields}
                asked={request !== null}
                busy={request !== null && (!fresh || check.isFetching)}
                checked={request === null ? undefined : result}
                error={commit.error ?? (fresh ? check.error : null)}
              />
              <footer className={classes.foot}>
                <Button size="lg" variant="subtle" leftSection={<IconArrowLeft size={15} />} onClick={again}>
                  {t("other_file")}
                </Button>
                <div>
                  {lack ? <span role="status">{t(`need_${lack}`)}</span> : null}
                  <Button
                    size="lg"
                    disabled={!ready}
                    loading={commit.isPending}
                    data-testid="import-commit"
                    onClick={() => request && commit.mutate({ check: request }, { onSuccess: setWritten })}
                  >
                    {result && ready
                      ? t("write", { count: result.good, printed: format.count(result.good) })
                      : t("write_none")}
                  </Button>
                </div>
              </footer>
            </>
          ) : (
            <div className={classes.middle}>
              <div className={classes.bring}>
                <DropZone
                  icon={<IconFileUpload size={28} stroke={1.5} aria-hidden />}
                  label={t("drop_label")}
                  title={open.isPending ? t("reading", { name: file?.name ?? "" }) : t("drop")}
                  body={t("drop_body")}
                  choose={t("choose")}
                  accept=".csv,.tsv,.txt,.xlsx"
                  testId="import-file"
                  busy={open.isPending}
                  button={{ size: "lg", "data-autofocus": true }}
                  onFile={(chosen) => take(chosen)}
                />
                {system ? <UsualExport of={system} /> : null}
              </div>
              {(unread ?? open.error) ? <ErrorPanel error={(unread ?? open.error) as CallError} /> : null}
            </div>
          )}
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Stands in for the request while there is none; never sent, as the read is off then. */
const nothingToCheck: ImportCheck = {
  upload_id: "",
  client_id: "",
  connector: "",
  source_name: "",
  fields: [],
  currency: "",
  vat: "unknown",
};

function FileFacts(props: { file: File; preview: ImportPreview }) {
  const { t } = useTranslation("imports");
  const format = useFormat();
  const { preview } = props;
  const facts = [
    t("facts.rows", { count: preview.rows, printed: format.count(preview.rows) }),
    format.bytes(props.file.size),
    preview.encoding,
    preview.delimiter === null
      ? null
      : t("facts.delimiter", { sign: preview.delimiter === "\t" ? "Tab" : preview.delimiter }),
    preview.decimal_comma ? t("facts.comma") : null,
    preview.header_line > 1 ? t("facts.header", { line: preview.header_line }) : null,
    preview.sheets.length > 1 ? t("facts.sheet", { name: preview.sheets[0] ?? "" }) : null,
  ].filter((fact) => fact !== null);
  return (
    <span className={classes.facts}>
      <IconFileTypeCsv size={15} stroke={1.7} aria-hidden />
      <b>{props.file.name}</b>
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </span>
  );
}

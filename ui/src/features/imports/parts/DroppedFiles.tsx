/**
 * Several files dropped together. Each is read in its turn; those whose columns are known from one source are imported there in one
 * confirmation that says what it would do, and the others are opened one by one.
 */
import { ActionIcon, Button, Modal } from "@mantine/core";
import { IconAlertTriangleFilled, IconCircleCheckFilled, IconFileTypeCsv, IconX } from "@tabler/icons-react";
import { useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { currentHost } from "@/host/current";
import { toCallError } from "@/host/host";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { useSystems } from "@/shared/ui/systems";
import classes from "../imports.module.css";
import { agreedCheck, type Dropped, onlySource } from "../logic/dropped";
import { contentOf } from "../logic/mapping";

/** The dialog. `onOpen` opens one file by itself. */
export function DroppedFiles(props: { files: File[]; onOpen: (file: File) => void; onClose: () => void }) {
  const { t } = useTranslation("imports");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const open = useChange("import_open");
  const commit = useChange("import_commit");
  const [rows, setRows] = useState<Dropped[]>(() => props.files.map((file) => ({ file, state: "waits" })));
  const [writing, setWriting] = useState(false);
  const set = (at: number, part: Partial<Dropped>) =>
    setRows((old) => old.map((row, place) => (place === at ? { ...row, ...part } : row)));

  // One after the other: the backend keeps few files at a time, for they are held in memory alone.
  const look = useEffectEvent(async (gone: AbortSignal) => {
    for (const [at, { file }] of rows.entries()) {
      if (gone.aborted) return;
      set(at, { state: "reading" });
      try {
        const preview = await open.mutateAsync({ ...(await contentOf(file)), connector: null });
        const known = onlySource(preview);
        if (!known) {
          set(at, { state: "asks" });
          continue;
        }
        const checked = await currentHost().call("import_check", agreedCheck(preview.upload_id, known));
        set(at, { state: checked.good > 0 ? "fits" : "asks", known, checked });
      } catch (error) {
        set(at, { state: "failed", error: toCallError(error) });
      }
    }
  });
  useEffect(() => {
    const gone = new AbortController();
    void look(gone.signal);
    return () => gone.abort();
  }, []);

  const write = async () => {
    setWriting(true);
    for (const [at, { file, state, known }] of rows.entries()) {
      if (state !== "fits" || !known) continue;
      try {
        const preview = await open.mutateAsync({ ...(await contentOf(file)), connector: null });
        await commit.mutateAsync({ check: agreedCheck(preview.upload_id, known) });
        set(at, { state: "written" });
      } catch (error) {
        set(at, { state: "failed", error: toCallError(error) });
      }
    }
    setWriting(false);
  };

  const fitting = rows.filter((row) => row.state === "fits").length;
  const reading = rows.some((row) => row.state === "waits" || row.state === "reading");
  const written = rows.filter((row) => row.state === "written").length;
  return (
    <Modal.Root opened onClose={props.onClose} size={760} yOffset={24} centered closeOnClickOutside={false}>
      <Modal.Overlay />
      <Modal.Content aria-label={t("several.title")} data-testid="dropped">
        <header className={classes.head}>
          <div>
            <h1>{t("several.title")}</h1>
            <p>{t("several.subtitle")}</p>
          </div>
          <ActionIcon aria-label={shared("close")} onClick={props.onClose}>
            <IconX size={17} />
          </ActionIcon>
        </header>
        <ul className={classes.several} aria-busy={reading || writing}>
          {rows.map((row, at) => (
            <Row
              key={`${row.file.name} ${String(at)}`}
              row={row}
              onOpen={() => props.onOpen(row.file)}
              busy={writing}
            />
          ))}
        </ul>
        <footer className={classes.foot}>
          <span role="status">
            {reading
              ? t("several.reading")
              : written > 0
                ? t("several.written", { count: written, printed: format.count(written) })
                : fitting === 0
                  ? t("several.none")
                  : null}
          </span>
          <div>
            <Button size="lg" variant="default" onClick={props.onClose}>
              {shared(written > 0 ? "close" : "cancel")}
            </Button>
            <Button
              size="lg"
              disabled={reading || fitting === 0}
              loading={writing}
              data-testid="dropped-commit"
              onClick={() => void write()}
            >
              {fitting === 0
                ? t("several.import_none")
                : t("several.import", { count: fitting, printed: format.count(fitting) })}
            </Button>
          </div>
        </footer>
      </Modal.Content>
    </Modal.Root>
  );
}

function Row(props: { row: Dropped; onOpen: () => void; busy: boolean }) {
  const { t } = useTranslation("imports");
  const format = useFormat();
  const systems = useSystems();
  const say = useErrorWords();
  const clients = useRead("clients_list", {});
  const { file, state, known, checked, error } = props.row;
  const client = clients.data?.find((one) => one.id === known?.client_id)?.name;
  const range = checked?.range;
  return (
    <li data-state={state}>
      {state === "written" ? (
        <IconCircleCheckFilled size={16} aria-hidden />
      ) : state === "failed" ? (
        <IconAlertTriangleFilled size={16} aria-hidden />
      ) : (
        <IconFileTypeCsv size={16} stroke={1.7} aria-hidden />
      )}
      <div>
        <b>{file.name}</b>
        <p>
          {error
            ? say(error.api).body
            : known && checked
              ? t("several.to", {
                  client: client ?? "",
                  system: systems.name(known.connector),
                  source: known.source_name,
                })
              : t(`several.state.${state}`)}
        </p>
        {known && checked && range && !error ? (
          <>
            <p>{t("good", { count: checked.good, printed: format.count(checked.good) })}</p>
            {checked.bad > 0 ? <p>{t("bad", { count: checked.bad, printed: format.count(checked.bad) })}</p> : null}
            <p>
              {state === "written"
                ? t("several.state.written")
                : checked.replaces > 0
                  ? t("replaces", {
                      days: format.range(range.from, range.to),
                      count: checked.replaces,
                      printed: format.count(checked.replaces),
                    })
                  : t("replaces_none", { days: format.range(range.from, range.to) })}
            </p>
          </>
        ) : null}
      </div>
      {state === "asks" ? (
        <Button variant="default" disabled={props.busy} onClick={props.onOpen}>
          {t("several.open")}
        </Button>
      ) : null}
    </li>
  );
}

/**
 * The folder from which a connection takes files by itself. Named once, it is looked into for good; what does not fit stands here
 * with its reason until it is mended, whatever good files came after it.
 */
import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionDetail, FolderState } from "@/gen/contract";
import { useErrorWords } from "@/shared/errors/errors";
import { useFormat } from "@/shared/format/useFormat";
import { useChange } from "@/shared/query/query";
import { AppLink, links } from "@/shared/ui/AppLink";
import { InstantText } from "@/shared/ui/Figures";
import { Facts } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import classes from "../integrations.module.css";

/** The part of a connection's drawer; nothing for a connection that is asked over the network. */
export function WatchedFolder(props: { detail: ConnectionDetail }) {
  const { t } = useTranslation("integrations");
  const watch = useChange("folder_watch");
  const [typed, setTyped] = useState("");
  const { connection, files } = props.detail;
  if (!files) return null;
  const { folder } = files;
  const refused = watch.error?.api.code === "setting_invalid" ? watch.error.api.params : null;
  const wrong = refused?.taken
    ? t("folder.taken", { account: refused.taken })
    : refused?.field === "path"
      ? t("folder.not_full")
      : null;
  const set = (path: string | null) => watch.mutate({ id: connection.id, path }, { onSuccess: () => setTyped("") });
  return (
    <section className={classes.drawerPart} data-testid="watched-folder">
      <div className={classes.stateLine}>
        <h3>{t("folder.title")}</h3>
        {folder ? (
          <Button variant="default" loading={watch.isPending} onClick={() => set(null)}>
            {t("folder.stop")}
          </Button>
        ) : null}
      </div>
      {folder ? (
        <State folder={folder} paused={connection.state === "paused"} />
      ) : !files.agreed ? (
        <p className={classes.hint}>{t("folder.first")}</p>
      ) : (
        <>
          <p className={classes.hint}>{t("folder.hint")}</p>
          <form
            className={classes.folder}
            onSubmit={(event) => {
              event.preventDefault();
              set(typed);
            }}
          >
            <TextInput
              label={t("folder.path")}
              placeholder={t("folder.example")}
              value={typed}
              error={wrong}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <Button type="submit" disabled={typed.trim() === ""} loading={watch.isPending}>
              {t("folder.watch")}
            </Button>
          </form>
        </>
      )}
      {watch.error && wrong === null ? <ErrorPanel error={watch.error} /> : null}
    </section>
  );
}

function State(props: { folder: FolderState; paused: boolean }) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const say = useErrorWords();
  const { folder } = props;
  return (
    <>
      <Facts
        facts={[
          [
            t("folder.path"),
            <code key="path" className={classes.mono}>
              {folder.path}
            </code>,
          ],
          [
            t("folder.state"),
            folder.failure ? (
              <StateWord key="state" tone="act" word={say(folder.failure).title} />
            ) : props.paused ? (
              <StateWord key="state" tone="off" word={t("folder.paused")} />
            ) : folder.refused.length > 0 ? (
              <StateWord
                key="state"
                tone="act"
                word={t("folder.refused", {
                  count: folder.refused.length,
                  printed: format.count(folder.refused.length),
                })}
              />
            ) : (
              <StateWord key="state" tone="good" word={t("folder.watched")} />
            ),
          ],
          [t("folder.files"), t("folder.taken_files", { count: folder.taken, printed: format.count(folder.taken) })],
        ]}
      />
      {folder.failure ? <ErrorPanel error={folder.failure} /> : null}
      {folder.refused.length > 0 ? (
        <ul className={classes.refused}>
          {folder.refused.map((file) => (
            <li key={file.name}>
              <b>{file.name}</b>
              <InstantText at={file.at} />
              <p>{say(file.failure).body}</p>
              {file.run_id ? <AppLink to={links.run(file.run_id)}>{t("show_run")}</AppLink> : null}
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

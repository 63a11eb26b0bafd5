/**
 * First start. One form with defaults from the system; the recovery key stands in the open and is acknowledged before the
 * workspace exists, because afterwards nobody can show it again. At the right the demo, for those who want to look first.
 */
import { ActionIcon, Button, Checkbox, Select, TextInput } from "@mantine/core";
import { IconArrowRight, IconCheck, IconCopy, IconDownload, IconPrinter, IconShieldLock } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppStatus, NewWorkspaceDraft } from "@/gen/contract";
import { currentHost } from "@/host/current";
import { useFormat, useLanguage } from "@/shared/format/useFormat";
import { currencies, passphraseFault, timeZones } from "@/shared/places/places";
import { useChange } from "@/shared/query/query";
import { Bone, ErrorPanel } from "@/shared/ui/Notices";
import { Brand } from "../parts/Brand";
import { DemoCard } from "../parts/DemoCard";
import { type LockAnswer, LockChoice } from "../parts/LockChoice";
import { RecoverForm } from "../parts/RecoverForm";
import classes from "./start.module.css";

/** The first screen a newcomer sees. */
export function FirstRunScreen(props: { status: AppStatus }) {
  const { t } = useTranslation("start");
  const [recovering, setRecovering] = useState(false);
  return (
    <main className={classes.page}>
      <div className={classes.left}>
        <Brand />
        {recovering ? (
          <>
            <h1 className={classes.title}>{t("recover_title")}</h1>
            <p className={classes.intro}>{t("recover_intro")}</p>
            <RecoverForm keychain={props.status.keychain} onBack={() => setRecovering(false)} />
          </>
        ) : (
          <>
            <h1 className={classes.title}>{t("title")}</h1>
            <p className={classes.intro}>{t("intro")}</p>
            <Drafting onRecover={() => setRecovering(true)} />
          </>
        )}
        <p className={classes.foot}>
          <IconShieldLock size={15} stroke={1.7} aria-hidden />
          {t("privacy", { version: props.status.version })}
        </p>
      </div>
      <div className={classes.right}>
        <DemoCard />
        <section className={classes.after}>
          <h3>{t("after_title")}</h3>
          <ol>
            {(["client", "connect", "read"] as const).map((step, index) => (
              <li key={step}>
                <span className={classes.dot}>{index + 1}</span>
                <b>{t(`after.${step}`)}</b>
                <span>{t(`after.${step}_note`)}</span>
              </li>
            ))}
          </ol>
        </section>
      </div>
    </main>
  );
}

function Drafting(props: { onRecover: () => void }) {
  const draft = useChange("workspace_draft");
  const { mutate } = draft;
  useEffect(() => mutate({}), [mutate]);
  if (draft.isError) return <ErrorPanel error={draft.error} onAction={() => mutate({})} />;
  if (!draft.data)
    return (
      <div className={classes.form} role="status">
        <Bone width="100%" height={34} />
        <Bone width="100%" height={34} />
        <Bone width="100%" height={106} />
        <Bone width="100%" height={86} />
      </div>
    );
  return <CreateForm draft={draft.data} onRecover={props.onRecover} />;
}

function CreateForm(props: { draft: NewWorkspaceDraft; onRecover: () => void }) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const language = useLanguage();
  const create = useChange("workspace_create");
  const { draft } = props;
  const [name, setName] = useState("");
  const [currency, setCurrency] = useState(draft.currency);
  const [zone, setZone] = useState(draft.time_zone);
  const [lock, setLock] = useState<LockAnswer>({
    lock: draft.keychain === "available" ? "keychain" : "passphrase",
    passphrase: "",
    again: "",
  });
  const [saved, setSaved] = useState(false);
  const [copied, setCopied] = useState(false);
  const [asked, setAsked] = useState(false);
  const fault = lock.lock === "passphrase" ? passphraseFault(lock.passphrase, lock.again) : null;
  const ready = name.trim() !== "" && saved && fault === null;

  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (!ready) return;
        create.mutate({
          name: name.trim(),
          currency,
          time_zone: zone,
          lock: lock.lock,
          passphrase: lock.lock === "passphrase" ? lock.passphrase : null,
        });
      }}
    >
      <TextInput
        label={t("name")}
        placeholder={t("name_example")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={120}
        autoFocus
        required
        withAsterisk={false}
      />
      <div>
        <div className={classes.label}>
          {t("currency_zone")}
          <span>{t("from_system")}</span>
        </div>
        <div className={classes.pair}>
          <Select
            aria-label={t("currency")}
            data={currencies(draft.currency).map((code) => ({ value: code, label: `${code}, ${format.sign(code)}` }))}
            value={currency}
            onChange={(value) => value && setCurrency(value)}
            searchable
          />
          <Select
            aria-label={t("zone")}
            data={timeZones(language, draft.time_zone, new Date())}
            value={zone}
            onChange={(value) => value && setZone(value)}
            searchable
            limit={60}
          />
        </div>
      </div>
      <div>
        <div className={classes.label}>{t("lock")}</div>
        <div style={{ display: "flex", flexDirection: "column", gap: 12 }}>
          <LockChoice keychain={draft.keychain} answer={lock} fault={asked ? fault : null} onChange={setLock} />
        </div>
      </div>
      <div>
        <div className={classes.label}>
          {t("recovery")}
          <span>{t("recovery_why")}</span>
        </div>
        <div className={classes.box}>
          <div className={classes.keys}>
            {draft.recovery_key.split(/[\s-]+/).map((group, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: groups may repeat and their order never changes
              <code key={`${index}-${group}`}>{group}</code>
            ))}
            <ActionIcon
              variant="default"
              aria-label={copied ? t("copied") : t("copy")}
              title={copied ? t("copied") : t("copy")}
              onClick={() =>
                navigator.clipboard?.writeText(draft.recovery_key).then(
                  () => setCopied(true),
                  () => setCopied(false),
                )
              }
            >
              {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
            </ActionIcon>
          </div>
          <div className={classes.keyFoot}>
            <Button
              variant="default"
              data-size="sm"
              leftSection={<IconDownload size={14} />}
              onClick={() =>
                currentHost().saveFile({
                  name: t("file_name"),
                  mime: "text/plain",
                  content: t("file_text", { name, key: draft.recovery_key }),
                })
              }
            >
              {t("save_file")}
            </Button>
            <Button
              variant="default"
              data-size="sm"
              leftSection={<IconPrinter size={14} />}
              onClick={() => window.print()}
            >
              {t("print")}
            </Button>
            <Checkbox
              label={t("acknowledge")}
              checked={saved}
              onChange={(event) => setSaved(event.currentTarget.checked)}
            />
          </div>
        </div>
      </div>
      {create.isError ? <ErrorPanel error={create.error} /> : null}
      <div className={classes.actions}>
        <Button
          type="submit"
          size="lg"
          data-size="lg"
          disabled={!ready && !(asked && fault)}
          loading={create.isPending}
          rightSection={<IconArrowRight size={15} />}
        >
          {t("create")}
        </Button>
        <Button variant="default" size="lg" data-size="lg" onClick={props.onRecover}>
          {t("have_key")}
        </Button>
      </div>
    </form>
  );
}

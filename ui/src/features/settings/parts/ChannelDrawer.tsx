/**
 * One channel: where it leads, what it carries and when it is silent. Its secret is written and never shown. The test sends what is in
 * the form, saved or not, so that nobody has to save a guess.
 */
import {
  Button,
  Checkbox,
  MultiSelect,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Select,
  Switch,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChannelRow, ChannelSave, ChannelSettings, Severity } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { useLanguage } from "@/shared/format/useFormat";
import { timeZones } from "@/shared/places/places";
import { useChange, useRead } from "@/shared/query/query";
import { ConfirmDialog } from "@/shared/ui/Dialogs";
import { InstantText } from "@/shared/ui/Figures";
import { Drawer, Facts } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { addresses } from "../logic/channel";
import classes from "../settings.module.css";
import { ChannelStateWord } from "./Channels";

type OfKind<K extends ChannelSettings["kind"]> = Extract<ChannelSettings, { kind: K }>;

/** Fields that may be found wrong, each with an input here. */
const fields = ["name", "secret", "chat_id", "server", "host", "port", "user", "from", "to"] as const;
type Field = (typeof fields)[number];

/** Which field the backend found wrong. */
function refusedField(error: CallError | null): Field | undefined {
  return error?.api.code === "setting_invalid" ? fields.find((field) => field === error.api.params.field) : undefined;
}

/** The drawer. `saved` is the channel as it stands; absent for a new one. */
export function ChannelDrawer(props: { saved?: ChannelRow; start: ChannelSave; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const { t: shared } = useTranslation("shared");
  const [draft, setDraft] = useState(props.start);
  const [deleting, setDeleting] = useState(false);
  const save = useChange("channel_save");
  const test = useChange("channel_test");
  const remove = useChange("channel_delete");
  const { saved } = props;
  const kind = draft.settings.kind;
  const dirty = !saved || JSON.stringify(draft) !== JSON.stringify(props.start);
  const failed = save.error ?? test.error;
  const refused = refusedField(failed);
  const wrong = (field: Field) =>
    refused === field ? t("channels.fault", { field: t(`channels.field.${field}`) }) : null;
  const change = (part: Partial<ChannelSave>) => {
    setDraft({ ...draft, ...part });
    save.reset();
    test.reset();
  };

  return (
    <>
      <Drawer
        title={saved ? saved.name : t(`channels.new.${kind}`)}
        subtitle={t(`channels.kind.${kind}`)}
        onClose={props.onClose}
        footLeft={
          saved && kind !== "desktop" ? (
            <Button variant="outline" onClick={() => setDeleting(true)}>
              {t("channels.delete")}
            </Button>
          ) : null
        }
        footRight={
          <Button
            disabled={!dirty}
            loading={save.isPending}
            onClick={() => save.mutate(draft, { onSuccess: props.onClose })}
          >
            {saved ? shared("save") : t("channels.create")}
          </Button>
        }
      >
        {saved ? (
          <div className={classes.part}>
            <div className={classes.tries}>
              <ChannelStateWord channel={saved} />
              <Switch
                label={t("channels.enabled")}
                checked={draft.enabled}
                onChange={(event) => change({ enabled: event.currentTarget.checked })}
              />
            </div>
            {saved.failure ? <ErrorPanel error={saved.failure} /> : null}
            {saved.waiting > 0 || saved.delivered_at ? (
              <Facts
                facts={[
                  ...(saved.delivered_at
                    ? ([[t("channels.delivered"), <InstantText key="at" at={saved.delivered_at} full />]] as [
                        string,
                        React.ReactNode,
                      ][])
                    : []),
                  ...(saved.waiting > 0
                    ? ([[t("channels.waiting"), t("channels.messages", { count: saved.waiting })]] as [
                        string,
                        React.ReactNode,
                      ][])
                    : []),
                ]}
              />
            ) : null}
          </div>
        ) : null}
        <section className={classes.part}>
          <h3>{t("channels.where")}</h3>
          <p className={classes.help}>{t(`channels.help.${kind}`)}</p>
          <TextInput
            label={t("channels.field.name")}
            value={draft.name}
            maxLength={120}
            error={wrong("name")}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          {kind === "desktop" ? null : (
            <PasswordInput
              label={t(`channels.secret.${kind}`)}
              placeholder={saved ? t("channels.kept") : ""}
              autoComplete="off"
              spellCheck={false}
              error={wrong("secret")}
              value={draft.secret ?? ""}
              onChange={(event) => change({ secret: event.currentTarget.value || null })}
            />
          )}
          {draft.settings.kind === "telegram" ? (
            <Telegram
              settings={draft.settings}
              id={draft.id}
              secret={draft.secret}
              wrong={wrong}
              onChange={(settings) => change({ settings })}
            />
          ) : draft.settings.kind === "email" ? (
            <Email settings={draft.settings} wrong={wrong} onChange={(settings) => change({ settings })} />
          ) : null}
          <div className={classes.tries}>
            <Button
              variant="default"
              leftSection={<IconSend size={14} />}
              loading={test.isPending}
              onClick={() => {
                save.reset();
                test.mutate(draft);
              }}
            >
              {t("channels.test")}
            </Button>
            <span role="status">
              {test.isSuccess ? <StateWord tone="good" word={t(`channels.sent.${kind}`)} /> : null}
            </span>
          </div>
          {failed && !refused ? <ErrorPanel error={failed} /> : null}
        </section>
        <Wants draft={draft} onChange={change} />
        <Silence draft={draft} onChange={change} />
      </Drawer>
      {deleting && saved ? (
        <ConfirmDialog
          title={t("channels.delete_title", { name: saved.name })}
          action={t("channels.delete")}
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate({ id: saved.id }, { onSuccess: props.onClose })}
          onClose={() => setDeleting(false)}
        >
          {t("channels.delete_body")}
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function Telegram(props: {
  settings: OfKind<"telegram">;
  id: string | null;
  secret: string | null;
  wrong: (field: Field) => string | null;
  onChange: (settings: OfKind<"telegram">) => void;
}) {
  const { t } = useTranslation("settings");
  const { settings, onChange } = props;
  const chats = useChange("channel_chats");
  return (
    <>
      <TextInput
        label={t("channels.field.chat_id")}
        description={t("channels.chat_hint")}
        value={settings.chat_id}
        error={props.wrong("chat_id")}
        onChange={(event) => onChange({ ...settings, chat_id: event.currentTarget.value })}
      />
      <div className={classes.chats}>
        <Button
          variant="default"
          loading={chats.isPending}
          onClick={() => chats.mutate({ id: props.id, server: settings.server, secret: props.secret })}
        >
          {t("channels.find_chats")}
        </Button>
        {chats.data?.map((chat) => (
          <Button
            key={chat.id}
            variant={chat.id === settings.chat_id ? "filled" : "default"}
            aria-pressed={chat.id === settings.chat_id}
            onClick={() => onChange({ ...settings, chat_id: chat.id })}
          >
            {chat.title || chat.id}
          </Button>
        ))}
      </div>
      {chats.data?.length === 0 ? <p className={classes.help}>{t("channels.no_chats")}</p> : null}
      {chats.error ? <ErrorPanel error={chats.error} /> : null}
      <div className={classes.row}>
        <TextInput
          label={t("channels.field.server")}
          description={t("channels.server_hint")}
          placeholder="https://api.telegram.org"
          value={settings.server ?? ""}
          error={props.wrong("server")}
          onChange={(event) => onChange({ ...settings, server: event.currentTarget.value || null })}
        />
        <NumberInput
          label={t("channels.field.topic")}
          description={t("channels.topic_hint")}
          hideControls
          allowDecimal={false}
          allowNegative={false}
          value={settings.topic ?? ""}
          onChange={(value) => onChange({ ...settings, topic: typeof value === "number" ? value : null })}
        />
      </div>
    </>
  );
}

function Email(props: {
  settings: OfKind<"email">;
  wrong: (field: Field) => string | null;
  onChange: (settings: OfKind<"email">) => void;
}) {
  const { t } = useTranslation("settings");
  const { settings, onChange, wrong } = props;
  const [readers, setReaders] = useState(settings.to.join("\n"));
  return (
    <>
      <TextInput
        label={t("channels.field.user")}
        autoComplete="off"
        value={settings.user}
        error={wrong("user")}
        onChange={(event) => onChange({ ...settings, user: event.currentTarget.value })}
      />
      <div className={classes.row}>
        <TextInput
          label={t("channels.field.host")}
          placeholder="smtp.example.ru"
          value={settings.host}
          error={wrong("host")}
          onChange={(event) => onChange({ ...settings, host: event.currentTarget.value })}
        />
        <NumberInput
          label={t("channels.field.port")}
          hideControls
          allowDecimal={false}
          allowNegative={false}
          min={1}
          max={65_535}
          value={settings.port}
          error={wrong("port")}
          onChange={(value) => onChange({ ...settings, port: typeof value === "number" ? value : 0 })}
        />
      </div>
      <SegmentedControl
        aria-label={t("channels.field.tls")}
        data={(["implicit", "starttls"] as const).map((value) => ({ value, label: t(`channels.tls.${value}`) }))}
        value={settings.tls}
        onChange={(tls) =>
          onChange({
            ...settings,
            tls: tls === "starttls" ? "starttls" : "implicit",
            port: tls === "starttls" ? 587 : 465,
          })
        }
      />
      <TextInput
        label={t("channels.field.from")}
        placeholder="Syncdeck <alerts@example.ru>"
        value={settings.from}
        error={wrong("from")}
        onChange={(event) => onChange({ ...settings, from: event.currentTarget.value })}
      />
      <Textarea
        label={t("channels.field.to")}
        description={t("channels.to_hint")}
        autosize
        minRows={2}
        value={readers}
        error={wrong("to")}
        onChange={(event) => {
          setReaders(event.currentTarget.value);
          onChange({ ...settings, to: addresses(event.currentTarget.value) });
        }}
      />
    </>
  );
}

const severities: Severity[] = ["notice", "warning", "critical"];

function Wants(props: { draft: ChannelSave; onChange: (part: Partial<ChannelSave>) => void }) {
  const { t } = useTranslation("settings");
  const { wants } = props.draft;
  const change = (part: Partial<ChannelSave["wants"]>) => props.onChange({ wants: { ...wants, ...part } });
  const clients = useRead("clients_list", {}, { enabled: wants.clients !== null });
  return (
    <section className={classes.part}>
      <h3>{t("channels.what")}</h3>
      <Checkbox
        label={t("channels.critical")}
        checked={wants.critical}
        onChange={(event) => change({ critical: event.currentTarget.checked })}
      />
      <Select
        label={t("channels.digest")}
        data={[
          { value: "none", label: t("channels.digest_of.none") },
          ...severities.map((value) => ({ value, label: t(`channels.digest_of.${value}`) })),
        ]}
        value={wants.digest ?? "none"}
        allowDeselect={false}
        onChange={(value) => change({ digest: severities.find((one) => one === value) ?? null })}
      />
      <SegmentedControl
        aria-label={t("channels.clients")}
        data={(["all", "chosen"] as const).map((value) => ({ value, label: t(`channels.clients_of.${value}`) }))}
        value={wants.clients ? "chosen" : "all"}
        onChange={(value) => change({ clients: value === "chosen" ? [] : null })}
      />
      {wants.clients ? (
        <>
          <MultiSelect
            label={t("channels.clients")}
            searchable
            data={(clients.data ?? []).map((client) => ({ value: client.id, label: client.name }))}
            value={wants.clients}
            onChange={(ids) => change({ clients: ids })}
          />
          {clients.error ? <ErrorPanel error={clients.error} onAction={() => clients.refetch()} /> : null}
        </>
      ) : null}
    </section>
  );
}

/** Hours and minutes of the day, as the backend reads them. */
const time = /^([01]\d|2[0-3]):[0-5]\d$/;

function Hour(props: { label: string; value: string; onChange: (at: string) => void }) {
  const { t } = useTranslation("settings");
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextInput
      label={props.label}
      inputMode="numeric"
      maxLength={5}
      value={typed ?? props.value}
      error={typed !== null && !time.test(typed) ? t("channels.hour_wrong") : null}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        if (time.test(text)) props.onChange(text);
      }}
      // What cannot be read gives way to what holds.
      onBlur={() => setTyped(null)}
    />
  );
}

function Silence(props: { draft: ChannelSave; onChange: (part: Partial<ChannelSave>) => void }) {
  const { t } = useTranslation("settings");
  const language = useLanguage();
  const { draft, onChange } = props;
  const { quiet } = draft;
  return (
    <section className={classes.part}>
      <h3>{t("channels.when")}</h3>
      <Switch
        label={t("channels.quiet")}
        checked={quiet !== null}
        onChange={(event) => onChange({ quiet: event.currentTarget.checked ? { from: "22:00", to: "08:00" } : null })}
      />
      {quiet ? (
        <>
          <div className={classes.times}>
            <Hour
              label={t("channels.from")}
              value={quiet.from}
              onChange={(from) => onChange({ quiet: { ...quiet, from } })}
            />
            <Hour label={t("channels.to")} value={quiet.to} onChange={(to) => onChange({ quiet: { ...quiet, to } })} />
          </div>
          <Checkbox
            label={t("channels.at_night")}
            checked={draft.critical_at_night}
            onChange={(event) => onChange({ critical_at_night: event.currentTarget.checked })}
          />
        </>
      ) : null}
      <Select
        label={t("zone")}
        data={timeZones(language, draft.time_zone, new Date())}
        value={draft.time_zone}
        allowDeselect={false}
        searchable
        limit={60}
        onChange={(zone) => zone && onChange({ time_zone: zone })}
      />
      <div>
        <p className={classes.help}>{t("channels.language")}</p>
        <SegmentedControl
          aria-label={t("channels.language")}
          data={(["ru", "en"] as const).map((value) => ({ value, label: t(`languages.${value}`) }))}
          value={draft.language}
          onChange={(value) => onChange({ language: value === "en" ? "en" : "ru" })}
        />
      </div>
    </section>
  );
}

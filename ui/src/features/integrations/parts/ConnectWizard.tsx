/**
 * From a sign-in to the first numbers in four steps: sign in, test, what to sync, first sync. The same wizard in two steps
 * renews the sign-in of an existing connection. Nothing exists until the last answer: the test works on a draft that the
 * backend forgets when the wizard closes, and the secrets typed here live only in this component.
 */
import { Button } from "@mantine/core";
import { IconArrowLeft, IconArrowRight, IconRefresh } from "@tabler/icons-react";
import { type ComponentProps, useCallback, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionDetail, Connector, Draft, DraftCommitted } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange, useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { ConfirmDialog, Wizard, type WizardStep } from "@/shared/ui/Dialogs";
import { SystemTile } from "@/shared/ui/Tiles";
import { choices, type Decisions, decide, obstacle, picksOf, suggestedSettings } from "../logic/wizard";
import { useLocalText } from "../logic/words";
import { ChoiceStep } from "./ChoiceStep";
import { FirstSyncStep, SignedInAgain } from "./FirstSyncStep";
import { SignInStep } from "./SignInStep";
import { TestStep } from "./TestStep";

/** What a step puts into the wizard's shell. One shell for all steps, so that the dialog and its focus stay while they change. */
type Page = Pick<ComponentProps<typeof Wizard>, "title" | "subtitle" | "note" | "footLeft" | "footRight" | "children">;

type Place = "sign_in" | "test" | "choice" | "done";
const NEW: Place[] = ["sign_in", "test", "choice", "done"];
const AGAIN: Place[] = ["sign_in", "test", "done"];

/** The wizard. With `renewing` it renews that connection's sign-in instead of making new connections. */
export function ConnectWizard(props: {
  connector: Connector;
  clientId: string | null;
  renewing?: ConnectionDetail;
  onClose: () => void;
}) {
  const { connector, renewing } = props;
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const say = useLocalText();
  const go = useGo();
  const formId = useId();
  const places = renewing ? AGAIN : NEW;

  const [place, setPlace] = useState<Place>("sign_in");
  const [given, setGiven] = useState<Record<string, unknown>>({});
  const [draftId, setDraftId] = useState<string | null>(null);
  const [decisions, setDecisions] = useState<Decisions>(new Map());
  const [settings, setSettings] = useState(() => suggestedSettings(connector));
  const [committed, setCommitted] = useState<DraftCommitted | null>(null);
  const [touched, setTouched] = useState(false);
  const [asking, setAsking] = useState(false);

  const start = useChange("draft_start");
  const discard = useChange("draft_discard");
  const commit = useChange("draft_commit");
  // While it is being saved and afterwards the draft is gone; asking for it would only be refused.
  const read = useRead(
    "draft_get",
    { id: draftId ?? "" },
    { enabled: draftId !== null && (commit.isIdle || commit.isError) },
  );
  const draft = read.data ?? (start.data?.id === draftId ? start.data : undefined);
  const clients = useRead("clients_list", {});

  // The draft that is open in the backend. Whatever way the wizard goes away, an open draft must be forgotten there.
  const open = useRef<string | null>(null);
  const gone = useRef(false);
  const forget = discard.mutate;
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
      if (open.current) forget({ id: open.current });
      open.current = null;
    };
  }, [forget]);

  const test = useCallback(
    (answers: Record<string, unknown>) => {
      setGiven(answers);
      start.mutateAsync({ connector: connector.id, answers, connection_id: renewing?.connection.id ?? null }).then(
        (begun) => {
          if (gone.current) return forget({ id: begun.id });
          // The earlier test stays on screen until the new one has begun.
          if (open.current) forget({ id: open.current });
          open.current = begun.id;
          setDraftId(begun.id);
          setPlace("test");
        },
        // Shown in the first step through `start.error`.
        () => setPlace("sign_in"),
      );
    },
    [start.mutateAsync, forget, connector.id, renewing],
  );

  const list = choices(draft?.accounts ?? [], decisions, props.clientId);
  const picked = list.filter((choice) => choice.picked);
  const stop = renewing
    ? draft?.state === "ready"
      ? null
      : draft?.state === "failed"
        ? ({ why: "failed" } as const)
        : ({ why: "reading" } as const)
    : obstacle(draft, list);
  const save = () => {
    if (!draft) return;
    commit.mutate(
      {
        draft_id: draft.id,
        picks: renewing ? [] : picksOf(list),
        streams: renewing?.streams ?? settings.streams,
        lookbacks: renewing?.lookbacks ?? settings.lookbacks,
        first_load_days: renewing?.first_load_days ?? settings.firstLoadDays,
        vat: renewing?.connection.vat ?? settings.vat,
        zero_rows: renewing?.zero_rows ?? settings.zero_rows,
        in_totals: renewing?.in_totals ?? settings.in_totals,
        schedule: renewing?.schedule ?? settings.schedule,
        template: renewing ? null : settings.template,
      },
      {
        onSuccess: (saved) => {
          open.current = null;
          setCommitted(saved);
          setGiven({});
          setPlace("done");
        },
      },
    );
  };

  const atRisk = committed === null && (touched || draftId !== null);
  const close = () => (atRisk ? setAsking(true) : props.onClose());
  const current = places.indexOf(place);

  const on = settings.streams.filter((stream) => stream.on).length;
  const notes: Record<Place, string> = {
    sign_in: draft?.signed_in_as ?? t("wizard.note.sign_in"),
    test:
      draft && list.length > 0 && !renewing
        ? t("wizard.note.picked", { picked: format.count(picked.length), count: list.length })
        : t("wizard.note.test"),
    choice:
      current > 2 || place === "choice"
        ? t("wizard.note.choice_made", { count: on, days: t("days", { count: settings.firstLoadDays }) })
        : t("wizard.note.choice"),
    done: renewing ? t("wizard.note.again") : t("wizard.note.done"),
  };
  const steps: WizardStep[] = places.map((id) => ({
    title: t(id === "done" && renewing ? "wizard.step.again" : `wizard.step.${id}`),
    note: notes[id],
  }));
  const who = (
    <>
      <SystemTile connector={connector.id} size={30} />
      <div style={{ minWidth: 0 }}>
        <h2>{say(connector.name)}</h2>
        <p>{renewing ? renewing.connection.account_name : t("wizard.new")}</p>
      </div>
    </>
  );

  const back = (to: Place) => (
    <Button size="lg" variant="subtle" leftSection={<IconArrowLeft size={15} />} onClick={() => setPlace(to)}>
      {t("wizard.back")}
    </Button>
  );

  const signInPage = (): Page => ({
    title: renewing
      ? t("sign_in.title_again", { account: renewing.connection.account_name })
      : t("sign_in.title", { system: say(connector.name) }),
    subtitle: say(connector.summary),
    note: t("wizard.sealed"),
    footRight: (
      <Button
        size="lg"
        type="submit"
        form={formId}
        loading={start.isPending}
        rightSection={<IconArrowRight size={15} />}
        data-testid="wizard-next"
      >
        {t("sign_in.next")}
      </Button>
    ),
    children: (
      <div onInput={() => setTouched(true)}>
        <SignInStep connector={connector} formId={formId} given={given} error={start.error} onSubmit={test} />
      </div>
    ),
  });
  const testPage = (draft: Draft): Page => ({
    title: t("test.title"),
    subtitle: renewing ? t("test.subtitle_again") : t("test.subtitle"),
    note: t("wizard.sealed"),
    footLeft: back("sign_in"),
    footRight: (
      <>
        {commit.error ? <span style={{ color: "var(--act)" }}>{t("choice.not_saved")}</span> : null}
        {stop && stop.why !== "failed" ? (
          <span role="status">{t(`test.stop.${stop.why}`, { count: stop.why === "no_owner" ? stop.count : 0 })}</span>
        ) : null}
        {!stop && !renewing ? (
          <span>
            {t("test.summary", {
              count: picked.length,
              campaigns: campaignsOf(picked, (count) => t("campaigns", { count })),
            })}
          </span>
        ) : null}
        <Button
          size="lg"
          variant="default"
          leftSection={<IconRefresh size={15} />}
          disabled={draft.state === "testing"}
          loading={start.isPending}
          onClick={() => test(given)}
        >
          {t("test.again")}
        </Button>
        <Button
          size="lg"
          disabled={stop !== null}
          loading={commit.isPending}
          rightSection={<IconArrowRight size={15} />}
          data-testid="wizard-next"
          onClick={() => (renewing ? save() : setPlace("choice"))}
        >
          {renewing
            ? t("test.save_sign_in")
            : picked.length === 0
              ? t("test.next_none")
              : t("test.next", { count: picked.length })}
        </Button>
      </>
    ),
    children: (
      <TestStep
        connector={connector}
        draft={draft}
        choices={renewing ? null : list}
        clients={clients.data ?? []}
        onDecide={(ids, decision) => setDecisions((old) => decide(old, ids, decision))}
        onCorrect={() => setPlace("sign_in")}
        onRepeat={() => test(given)}
      />
    ),
  });
  const choicePage = (): Page => ({
    title: t("choice.title"),
    subtitle: t("choice.subtitle", { count: picked.length }),
    note: t("wizard.sealed"),
    footLeft: back("test"),
    footRight: (
      <>
        {draft?.state === "testing" ? <span role="status">{t("choice.still_testing")}</span> : null}
        <Button
          size="lg"
          disabled={draft?.state !== "ready" || stop !== null || on === 0}
          loading={commit.isPending}
          rightSection={<IconArrowRight size={15} />}
          data-testid="wizard-next"
          onClick={save}
        >
          {t("choice.next")}
        </Button>
      </>
    ),
    children: (
      <ChoiceStep
        connector={connector}
        settings={settings}
        picked={picked}
        error={commit.error}
        onChange={setSettings}
      />
    ),
  });
  const donePage = (committed: DraftCommitted): Page => ({
    title: renewing ? t("done.title_again") : t("done.title", { count: committed.connection_ids.length }),
    subtitle: t("done.subtitle"),
    footLeft: (
      <Button size="lg" variant="subtle" onClick={() => go(links.syncs())}>
        {t("done.show_syncs")}
      </Button>
    ),
    footRight: (
      <>
        <Button size="lg" variant="default" onClick={props.onClose}>
          {shared("close")}
        </Button>
        <Button size="lg" data-testid="wizard-next" onClick={() => go(links.overview())}>
          {t("done.open_overview")}
        </Button>
      </>
    ),
    children:
      renewing && committed.run_ids.length === 0 ? <SignedInAgain /> : <FirstSyncStep runIds={committed.run_ids} />,
  });
  const page =
    place === "done" && committed
      ? donePage(committed)
      : place === "choice"
        ? choicePage()
        : place === "test" && draft
          ? testPage(draft)
          : signInPage();

  return (
    <>
      <Wizard
        label={t("wizard.label", { system: say(connector.name) })}
        who={who}
        steps={steps}
        current={current}
        onClose={close}
        {...page}
      />
      {asking ? (
        <ConfirmDialog
          title={t("wizard.close_title")}
          action={t("wizard.close_action")}
          onConfirm={props.onClose}
          onClose={() => setAsking(false)}
        >
          {t("wizard.close_body")}
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function campaignsOf(picked: { account: { campaigns: number | null } }[], print: (count: number) => string): string {
  return print(picked.reduce((sum, { account }) => sum + (account.campaigns ?? 0), 0));
}

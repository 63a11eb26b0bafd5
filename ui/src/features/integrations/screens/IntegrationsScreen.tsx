/**
 * The catalogue. Connected systems come first and larger, because that is what people return to; the rest is a shelf with
 * one plus each. Drawers and the wizard stand in the address, so every one of them can be returned to and linked.
 */
import { Button, Modal, TextInput } from "@mantine/core";
import {
  IconFileCode,
  IconFileImport,
  IconGitCompare,
  IconPlugConnected,
  IconPlus,
  IconSearch,
} from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConnectionRow, Connector } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { usePathPart, useQueryWord } from "@/shared/ui/address";
import { Chips, Key, PageHead, Screen, Tabs } from "@/shared/ui/Layout";
import { Bone, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { StateWord } from "@/shared/ui/States";
import { comesByFile, FILE_CONNECTOR } from "@/shared/ui/systems";
import { SystemTile } from "@/shared/ui/Tiles";
import classes from "../integrations.module.css";
import { bySystemId, type Shelf, sortCatalogue } from "../logic/catalogue";
import { useLocalText } from "../logic/words";
import { ConnectionDrawer } from "../parts/ConnectionDrawer";
import { ConnectWizard } from "../parts/ConnectWizard";
import { SignIns } from "../parts/SignIns";
import { ShelfCard, SystemCard } from "../parts/SystemCard";
import { SystemDrawer } from "../parts/SystemDrawer";
import { TemplateDrawer } from "../parts/TemplateDrawer";

/** The screen. */
export function IntegrationsScreen() {
  const { t } = useTranslation("integrations");
  const go = useGo();
  const place = usePathPart("place");
  const id = usePathPart("id");
  const [clientId] = useQueryWord("client");
  const connectors = useRead("connectors_list", {});
  const connections = useRead("connections_list", {});
  const connector = place === "systems" ? connectors.data?.find((one) => one.id === id) : undefined;
  const home = () => go(links.integrations());

  const drawer = connector ? (
    <SystemDrawer
      connector={connector}
      rows={connections.data?.filter((row) => row.connector === connector.id) ?? []}
      onClose={home}
    />
  ) : place === "connections" ? (
    <ConnectionDrawer key={id} id={id} connectors={connectors.data ?? []} onClose={home} />
  ) : place === "templates" ? (
    <TemplateDrawer key={id} id={id} connectors={connectors.data ?? []} onClose={home} />
  ) : undefined;

  return (
    <Screen drawer={drawer}>
      {connectors.isError ? (
        <>
          <PageHead title={t("title")} />
          <ErrorPanel error={connectors.error} onAction={() => connectors.refetch()} />
        </>
      ) : connectors.data && connections.data ? (
        <Catalogue
          connectors={connectors.data}
          connections={connections.data}
          openSystem={place === "systems" ? id : null}
          signIns={place === "sign-ins"}
        />
      ) : connections.isError ? (
        <>
          <PageHead title={t("title")} />
          <ErrorPanel error={connections.error} onAction={() => connections.refetch()} />
        </>
      ) : (
        <Bones />
      )}
      {place === "connect" && connectors.data ? (
        // Another system is another form: nothing typed for one is kept for the next.
        <Connect key={id} connectors={connectors.data} id={id} clientId={clientId} onClose={home} />
      ) : null}
    </Screen>
  );
}

/** What stands over the catalogue while connecting: the choice of a system, its wizard, or the import of a file. */
function Connect(props: { connectors: Connector[]; id: string; clientId: string | null; onClose: () => void }) {
  const go = useGo();
  const connector = props.connectors.find((one) => one.id === props.id);
  const isFile = connector !== undefined && comesByFile(connector);
  useEffect(() => {
    if (isFile) go(links.importFile(props.clientId ?? undefined, props.id), { replace: true });
  }, [isFile, go, props.clientId, props.id]);
  if (isFile) return null;
  if (connector) return <ConnectWizard connector={connector} clientId={props.clientId} onClose={props.onClose} />;
  return <ChooseSystem connectors={props.connectors} clientId={props.clientId} onClose={props.onClose} />;
}

function ChooseSystem(props: { connectors: Connector[]; clientId: string | null; onClose: () => void }) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const go = useGo();
  const say = useLocalText();
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("choose_system")}
      closeButtonProps={{ "aria-label": shared("close") }}
      size={460}
    >
      <ul className={classes.systems}>
        {props.connectors.map((connector) => (
          <li key={connector.id}>
            <button
              type="button"
              onClick={() => go(links.connect(connector.id, props.clientId ?? undefined), { replace: true })}
            >
              <SystemTile connector={connector.id} size={30} />
              <span>
                <b>{say(connector.name)}</b>
                <small>{say(connector.summary)}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function Catalogue(props: {
  connectors: Connector[];
  connections: ConnectionRow[];
  openSystem: string | null;
  signIns: boolean;
}) {
  const { t } = useTranslation("integrations");
  const format = useFormat();
  const go = useGo();
  const { connectors, connections } = props;
  const changes = useRead("drift_list", { connection_id: null, all: false }).data?.length ?? 0;
  const systems = connectors.filter((connector) => connector.connected > 0).length;
  const clients = new Set(connections.map((row) => row.client_id)).size;
  const signIns = connections.filter((row) => row.state === "sign_in_needed").length;

  return (
    <>
      <PageHead
        title={t("title")}
        answer={
          connections.length === 0
            ? t("answer_none")
            : t("answer", {
                connections: t("answer_connections", { count: connections.length }),
                systems: t("answer_systems", { count: systems }),
                clients: t("answer_clients", { count: clients }),
              })
        }
      >
        {changes > 0 ? (
          <Button
            variant="default"
            leftSection={<IconGitCompare size={15} />}
            onClick={() => go(links.changes())}
            data-testid="changes-of-answers"
          >
            {t("answers.open", { count: changes })}
          </Button>
        ) : null}
        <Button
          variant="default"
          leftSection={<IconFileCode size={15} />}
          onClick={() => go(links.importConnector())}
          data-testid="own-connector"
        >
          {t("own_action")}
        </Button>
        <Button leftSection={<IconPlus size={15} />} onClick={() => go(links.connect())}>
          {t("connect_system")}
        </Button>
      </PageHead>
      <Tabs
        label={t("tab.label")}
        active={props.signIns ? "sign_ins" : "catalogue"}
        onChange={(tab) => go(tab === "sign_ins" ? links.signIns() : links.integrations())}
        tabs={[
          { id: "catalogue", label: t("tab.catalogue") },
          { id: "sign_ins", label: t("tab.sign_ins"), mark: signIns > 0 ? format.count(signIns) : undefined },
        ]}
      />
      {props.signIns ? <SignIns connectors={connectors} /> : <Shelves {...props} signIns={signIns} />}
    </>
  );
}

/** The systems: those that are connected, and the rest. */
function Shelves(props: {
  connectors: Connector[];
  connections: ConnectionRow[];
  openSystem: string | null;
  signIns: number;
}) {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  const format = useFormat();
  const say = useLocalText();
  const [typed, setTyped] = useState("");
  const [shelf, setShelf] = useState<Shelf>("all");
  const search = useSlash();
  const { connectors, connections, signIns } = props;

  const shown = useMemo(
    () =>
      sortCatalogue(
        connectors,
        typed,
        shelf,
        (connector) => [
          say(connector.name),
          connector.name.ru,
          connector.name.en,
          shared(`category.${connector.category}`),
          ...connector.capabilities.map((one) => shared(`capability.${one}`)),
        ],
        format.collator,
      ),
    [connectors, typed, shelf, say, shared, format],
  );
  const bySystem = useMemo(() => bySystemId(connections), [connections]);
  const others = connections.filter((row) => row.health === "act" && row.state !== "sign_in_needed").length;
  const hasFiles = connectors.some((connector) => connector.id === FILE_CONNECTOR);
  const nothing = shown.connected.length + shown.available.length === 0;

  return (
    <>
      <div className={classes.filters}>
        <TextInput
          ref={search}
          size="xs"
          w={236}
          placeholder={t("find")}
          aria-label={t("find")}
          leftSection={<IconSearch size={14} />}
          rightSection={<Key keys="/" />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Escape" && setTyped("")}
        />
        <Chips
          label={t("shelves")}
          active={shown.shelves.has(shelf) ? shelf : "all"}
          onChange={setShelf}
          options={[...shown.shelves].map(([id, count]) => ({
            id,
            label: id === "all" ? t("all") : shared(`category.${id}`),
            count: format.count(count),
          }))}
        />
      </div>
      {nothing ? (
        <EmptyState
          icon={IconSearch}
          title={t("nothing", { typed })}
          action={
            <Button
              variant="default"
              onClick={() => {
                setTyped("");
                setShelf("all");
              }}
            >
              {t("show_all")}
            </Button>
          }
        >
          {t("nothing_body")}
        </EmptyState>
      ) : null}
      {connections.length === 0 && !nothing ? (
        <section className={classes.first}>
          <IconPlugConnected size={22} stroke={1.6} aria-hidden />
          <div>
            <h2>{t("first_title")}</h2>
            <p>{t("first_body")}</p>
          </div>
        </section>
      ) : null}
      {shown.connected.length > 0 ? (
        <section aria-label={t("connected")} className={classes.section}>
          <header className={classes.sectionHead}>
            <h2>
              {t("connected")} <span>{format.count(shown.connected.length)}</span>
            </h2>
            <div>
              {signIns > 0 ? <StateWord tone="act" word={t("state.sign_ins", { count: signIns })} /> : null}
              {others > 0 ? <StateWord tone="watch" word={t("state.others", { count: others })} /> : null}
            </div>
          </header>
          <div className={classes.cards}>
            {shown.connected.map((connector) => (
              <SystemCard
                key={connector.id}
                connector={connector}
                rows={bySystem.get(connector.id) ?? []}
                open={props.openSystem === connector.id}
              />
            ))}
            {hasFiles && typed === "" && shelf === "all" ? <FileCard /> : null}
            {typed === "" && shelf === "all" ? <OwnCard /> : null}
          </div>
        </section>
      ) : null}
      {shown.available.length > 0 ? (
        <section aria-label={t("available")} className={classes.section}>
          <header className={classes.sectionHead}>
            <h2>
              {t("available")} <span>{format.count(shown.available.length)}</span>
            </h2>
          </header>
          <div className={classes.shelf}>
            {shown.available.map((connector) => (
              <ShelfCard key={connector.id} connector={connector} />
            ))}
          </div>
        </section>
      ) : null}
    </>
  );
}

function FileCard() {
  const { t } = useTranslation("integrations");
  const go = useGo();
  return (
    <section className={classes.fileCard}>
      <h3>
        <IconFileImport size={16} stroke={1.8} aria-hidden />
        {t("file_title")}
      </h3>
      <p>{t("file_body")}</p>
      <Button variant="default" onClick={() => go(links.importFile())}>
        {t("file_action")}
      </Button>
    </section>
  );
}

function OwnCard() {
  const { t } = useTranslation("integrations");
  const go = useGo();
  return (
    <section className={classes.fileCard}>
      <h3>
        <IconFileCode size={16} stroke={1.8} aria-hidden />
        {t("own_title")}
      </h3>
      <p>{t("own_body")}</p>
      <Button variant="default" onClick={() => go(links.importConnector())}>
        {t("own_action")}
      </Button>
    </section>
  );
}

/** The search field, focused by `/` when nothing else is being typed into. */
function useSlash() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target;
      const typing =
        target instanceof HTMLElement &&
        (target.isContentEditable || target.closest("input, textarea, select, [role=dialog]"));
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      event.preventDefault();
      field.current?.focus();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return field;
}

function Bones() {
  const { t } = useTranslation("integrations");
  const { t: shared } = useTranslation("shared");
  return (
    <>
      <PageHead title={t("title")} />
      <div className={classes.cards} role="status" aria-label={shared("loading")}>
        {[0, 1, 2, 3].map((card) => (
          <div key={card} className={classes.card} style={{ padding: 12, gap: 14, height: 118 }}>
            <Bone width={30} height={30} />
            <Bone width="70%" />
            <Bone width="45%" />
          </div>
        ))}
      </div>
    </>
  );
}

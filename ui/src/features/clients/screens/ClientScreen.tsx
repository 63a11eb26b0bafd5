/** One client: its statistics, and its connections. */
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconDots, IconPencil, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useErrorWords } from "@/shared/errors/errors";
import { useRead } from "@/shared/query/query";
import { links, useGo } from "@/shared/ui/AppLink";
import { usePathPart, useQueryWord } from "@/shared/ui/address";
import { Key, PageHead, Screen, Tabs } from "@/shared/ui/Layout";
import { Banner, Bone, BoneRows, ErrorPanel } from "@/shared/ui/Notices";
import { HealthIcon } from "@/shared/ui/States";
import { useScreenSync, useSyncHere } from "@/shared/ui/screenSync";
import { shortcuts } from "@/shared/ui/shortcuts";
import { useSystems } from "@/shared/ui/systems";
import { ClientTile } from "@/shared/ui/Tiles";
import { ClientForm } from "../parts/ClientForm";
import { Connections } from "../parts/Connections";
import { DeleteClient } from "../parts/DeleteClient";
import { Plan } from "../parts/Plan";
import { Statistics } from "../parts/Statistics";

type TabId = "statistics" | "plan" | "connections";

/** The client of the address. */
export function ClientScreen() {
  const { t } = useTranslation("clients");
  const { t: shared } = useTranslation("shared");
  const id = usePathPart("clientId");
  const detail = useRead("client_get", { id });
  const [word, setWord] = useQueryWord("tab");
  const [dialog, setDialog] = useState<"edit" | "delete" | null>(null);
  const sync = useSyncHere();
  const systems = useSystems();
  const words = useErrorWords();
  const go = useGo();
  useScreenSync(id);
  if (detail.isError && !detail.data)
    return (
      <Screen>
        <ErrorPanel
          error={detail.error}
          onAction={() => (detail.error.api.code === "not_found" ? go(links.clients()) : detail.refetch())}
        />
      </Screen>
    );
  if (!detail.data)
    return (
      <Screen>
        <PageHead title="" before={<Bone width={220} height={16} />} />
        <BoneRows rows={12} />
      </Screen>
    );
  const { client, connections } = detail.data;
  const tab: TabId =
    word === "connections" || (word === null && connections.length === 0)
      ? "connections"
      : word === "plan"
        ? "plan"
        : "statistics";
  const broken = connections.find((connection) => connection.failure && connection.health === "act");
  return (
    <Screen fill={tab === "connections" && connections.length > 0}>
      <PageHead
        title={client.name}
        before={<ClientTile name={client.name} size={24} />}
        answer={shared("connections", { count: client.connections })}
      >
        {connections.length > 0 ? (
          <Button
            variant="default"
            leftSection={<IconRefresh size={14} />}
            rightSection={<Key keys={shortcuts.sync.keys} />}
            loading={sync.pending}
            onClick={() => sync.start()}
          >
            {t("sync")}
          </Button>
        ) : null}
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="default" aria-label={t("menu")}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconPencil size={14} />} onClick={() => setDialog("edit")}>
              {t("edit")}
            </Menu.Item>
            <Menu.Item leftSection={<IconTrash size={14} />} onClick={() => setDialog("delete")}>
              {t("delete")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </PageHead>
      <Tabs<TabId>
        label={t("tabs")}
        active={tab}
        onChange={(next) => setWord(next, { replace: true })}
        tabs={[
          { id: "statistics", label: t("tab.statistics") },
          { id: "plan", label: t("tab.plan") },
          {
            id: "connections",
            label: t("tab.connections"),
            mark: client.problems > 0 ? <HealthIcon health="act" /> : undefined,
          },
        ]}
      />
      {broken?.failure ? (
        <Banner
          tone="watch"
          fact={`${systems.name(broken.connector)}: ${words(broken.failure).title}.`}
          action={
            <Button
              data-size="sm"
              onClick={() =>
                go(broken.failure?.kind === "sign_in_again" ? links.signIn(broken.id) : links.connection(broken.id))
              }
            >
              {words(broken.failure).action}
            </Button>
          }
        >
          {words(broken.failure, { dataThrough: broken.data_through }).kept} {t("broken_rest")}
        </Banner>
      ) : null}
      {tab === "statistics" ? (
        <Statistics client={client} />
      ) : tab === "plan" ? (
        <Plan client={client} />
      ) : (
        <Connections client={client} connections={connections} />
      )}
      {dialog === "edit" ? (
        <ClientForm client={client} onClose={() => setDialog(null)} onDone={() => setDialog(null)} />
      ) : null}
      {dialog === "delete" ? (
        <DeleteClient
          client={client}
          onClose={() => setDialog(null)}
          onDone={() => go(links.clients(), { replace: true })}
        />
      ) : null}
    </Screen>
  );
}

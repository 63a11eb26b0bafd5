/** Who did what, newest first, and whether the chain of entries is whole. */
import { Button, TextInput } from "@mantine/core";
import { IconFilter, IconHistory } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AuditEntry } from "@/gen/contract";
import { useRead } from "@/shared/query/query";
import { type Column, DataGrid } from "@/shared/ui/DataGrid";
import { Count, InstantText } from "@/shared/ui/Figures";
import kit from "@/shared/ui/kit.module.css";
import { PageHead, Panel, Screen } from "@/shared/ui/Layout";
import { Banner, BoneRows, EmptyState, ErrorPanel } from "@/shared/ui/Notices";
import { fits } from "@/shared/ui/options";
import { StateWord } from "@/shared/ui/States";
import { useActionWord } from "../logic/words";

const STEP = 100;
const MOST = 500;

/** The log. The last 500 entries are read in growing pages; older ones through `syncdeckctl`. */
export function AuditScreen() {
  const { t } = useTranslation("audit");
  const [limit, setLimit] = useState(STEP);
  const [query, setQuery] = useState("");
  const page = useRead("audit_list", { before: null, limit }, { keep: true });
  const word = useActionWord();
  const columns = useColumns();
  const entries = page.data?.entries;
  const rows = useMemo(
    () => (entries ?? []).filter((entry) => fits(query, entry.actor, word(entry.action), entry.subject)),
    [entries, query, word],
  );
  return (
    <Screen fill>
      <PageHead title={t("title")} answer={t("answer")}>
        {page.data?.intact ? <StateWord tone="good" word={t("intact")} /> : null}
      </PageHead>
      {page.data && !page.data.intact ? (
        <Banner tone="act" fact={t("broken_fact")}>
          {t("broken_rest")}
        </Banner>
      ) : null}
      {page.isError && !page.data ? (
        <ErrorPanel error={page.error} onAction={() => page.refetch()} />
      ) : !page.data ? (
        <Panel grow>
          <BoneRows rows={14} />
        </Panel>
      ) : page.data.entries.length === 0 ? (
        <Panel grow>
          <EmptyState icon={IconHistory} title={t("empty_title")}>
            {t("empty_body")}
          </EmptyState>
        </Panel>
      ) : (
        <Panel
          grow
          head={
            <TextInput
              className={kit.filter ?? ""}
              w={220}
              aria-label={t("find")}
              placeholder={t("find")}
              leftSection={<IconFilter size={14} />}
              value={query}
              onChange={(event) => setQuery(event.currentTarget.value)}
            />
          }
          tools={
            page.data.entries.length >= limit && limit < MOST ? (
              <Button
                variant="default"
                loading={page.isFetching}
                onClick={() => setLimit(Math.min(MOST, limit + STEP))}
              >
                {t("more")}
              </Button>
            ) : null
          }
        >
          <DataGrid id="audit" label={t("title")} rows={rows} columns={columns} rowId={(row) => String(row.number)} />
        </Panel>
      )}
    </Screen>
  );
}

function useColumns(): Column<AuditEntry>[] {
  const { t } = useTranslation("audit");
  const word = useActionWord();
  return useMemo(
    () => [
      {
        id: "number",
        title: t("column.number"),
        width: "56px",
        align: "right",
        cell: (row) => (
          <span style={{ color: "var(--tx3)" }}>
            <Count value={row.number} />
          </span>
        ),
      },
      { id: "at", title: t("column.at"), width: "160px", cell: (row) => <InstantText at={row.at} full /> },
      {
        id: "actor",
        title: t("column.actor"),
        width: "minmax(110px, 0.6fr)",
        sort: (row) => row.actor,
        cell: (row) => row.actor,
      },
      {
        id: "action",
        title: t("column.action"),
        width: "minmax(190px, 0.9fr)",
        sort: (row) => word(row.action),
        cell: (row) => <b style={{ fontWeight: 500 }}>{word(row.action)}</b>,
      },
      {
        id: "subject",
        title: t("column.subject"),
        width: "minmax(220px, 2fr)",
        sort: (row) => row.subject,
        cell: (row) => <span title={row.subject}>{row.subject}</span>,
      },
    ],
    [t, word],
  );
}

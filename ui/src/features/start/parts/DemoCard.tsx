/** The demo: a fragment of the product with its troubles, and the button that opens the whole of it. */
import { Button } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { DayState, Health } from "@/gen/contract";
import { useChange } from "@/shared/query/query";
import { DayMark } from "@/shared/ui/Days";
import { Badge } from "@/shared/ui/Layout";
import { ErrorPanel } from "@/shared/ui/Notices";
import { HealthIcon } from "@/shared/ui/States";
import { ClientTile } from "@/shared/ui/Tiles";
import classes from "../screens/start.module.css";

const DAYS = 22;

/** A strip that ends with the given states. */
function strip(...tail: DayState[]): { id: string; state: DayState }[] {
  const calm: DayState[] = Array.from({ length: DAYS - tail.length }, () => "final");
  return [...calm, ...tail].map((state, index) => ({ id: `day-${index}`, state }));
}

const rows: {
  client: "one" | "two" | "three";
  note: "signin" | "moving" | "good";
  health: Health;
  days: ReturnType<typeof strip>;
}[] = [
  { client: "one", note: "signin", health: "act", days: strip("moving", "moving", "moving", "failed", "failed") },
  { client: "two", note: "moving", health: "watch", days: strip("partial", "moving", "moving", "moving", "moving") },
  { client: "three", note: "good", health: "good", days: strip("moving", "moving", "moving") },
];

/** The card. */
export function DemoCard() {
  const { t } = useTranslation("start");
  const open = useChange("workspace_open_demo");
  return (
    <div>
      <h2>{t("demo_title")}</h2>
      <p>{t("demo_intro")}</p>
      <div className={classes.demo}>
        <div className={classes.demoHead}>
          {t("demo_agency")}
          <Badge>{t("demo_facts.clients")}</Badge>
          <Badge>{t("demo_facts.system")}</Badge>
          <Badge>{t("demo_facts.history")}</Badge>
        </div>
        {rows.map((row) => (
          <div key={row.client} className={classes.demoRow}>
            <HealthIcon health={row.health} />
            <ClientTile name={t(`demo_rows.${row.client}`)} />
            <b>{t(`demo_rows.${row.client}`)}</b>
            <span>{t(`demo_rows.${row.note}`)}</span>
            <span style={{ display: "inline-flex", gap: 2 }} aria-hidden>
              {row.days.map((day) => (
                <DayMark key={day.id} state={day.state} />
              ))}
            </span>
          </div>
        ))}
        <div className={classes.demoFoot}>
          <Button
            variant="default"
            data-size="lg"
            leftSection={<IconPlayerPlay size={15} />}
            loading={open.isPending}
            onClick={() => open.mutate({})}
          >
            {t("demo_open")}
          </Button>
          {t("demo_ready")}
        </div>
      </div>
      {open.isError ? (
        <div style={{ marginTop: 12 }}>
          <ErrorPanel error={open.error} onAction={() => open.mutate({})} />
        </div>
      ) : null}
    </div>
  );
}

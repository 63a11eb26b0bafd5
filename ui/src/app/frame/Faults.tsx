/** The two screens nobody asks for: an address without a screen, and a screen that broke. */
import { Button } from "@mantine/core";
import { IconMapOff, IconRefreshAlert } from "@tabler/icons-react";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { links, useGo } from "@/shared/ui/AppLink";
import { Screen } from "@/shared/ui/Layout";
import { EmptyState } from "@/shared/ui/Notices";

/** No screen stands at this address. */
export function NoScreen() {
  const { t } = useTranslation("frame");
  const go = useGo();
  return (
    <Screen>
      <EmptyState
        icon={IconMapOff}
        title={t("no_screen")}
        action={<Button onClick={() => go(links.overview())}>{t("no_screen_action")}</Button>}
      >
        {t("no_screen_body")}
      </EmptyState>
    </Screen>
  );
}

/** A screen broke. The rest of the console goes on. */
export function CrashedScreen(props: ErrorComponentProps) {
  const { t } = useTranslation("frame");
  const router = useRouter();
  return (
    <Screen>
      <EmptyState
        icon={IconRefreshAlert}
        title={t("crash_title")}
        action={
          <Button
            onClick={() => {
              props.reset();
              router.invalidate();
            }}
          >
            {t("crash_action")}
          </Button>
        }
      >
        {t("crash_body")}{" "}
        <code style={{ font: "11.5px var(--mono)" }}>
          {props.error instanceof Error ? props.error.message : String(props.error)}
        </code>
      </EmptyState>
    </Screen>
  );
}

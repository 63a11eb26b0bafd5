/** One quiet line while the battery is low: what waits, that it comes by itself, and the button for whoever cannot wait. */
import { Button } from "@mantine/core";
import { IconBattery1 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { WaitingForPower } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useChange } from "@/shared/query/query";
import { Banner } from "@/shared/ui/Notices";
import { say } from "@/shared/ui/saying";

/** The line. */
export function Waiting(props: { waiting: WaitingForPower }) {
  const { t } = useTranslation("syncs");
  const format = useFormat();
  const start = useChange("waiting_start");
  const { percent, connections } = props.waiting;
  return (
    <Banner
      tone="wait"
      icon={IconBattery1}
      fact={percent === null ? t("power.saving") : t("power.low", { percent: format.share(percent / 100) })}
      action={
        <Button
          variant="default"
          loading={start.isPending}
          onClick={() => start.mutate({}, { onError: (error) => say(error) })}
        >
          {t("power.anyway")}
        </Button>
      }
    >
      {t("power.waits", { count: connections, printed: format.count(connections) })}
    </Banner>
  );
}

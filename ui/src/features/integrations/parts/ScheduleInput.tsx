/** When a connection is collected by itself: every day, several times a day, a rhythm of one's own, or by hand. */
import { Chip, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schedule, Weekday } from "@/gen/contract";
import classes from "../integrations.module.css";

const weekdays: Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const kinds: Schedule["kind"][] = ["daily", "hourly", "cron", "off"];
/** Hours that divide a day, as the backend wants them. */
const everyHours = [1, 2, 3, 4, 6, 8, 12];

/** What each rhythm begins with when it is chosen. */
const fresh: { [K in Schedule["kind"]]: Extract<Schedule, { kind: K }> } = {
  daily: { kind: "daily", at: "06:00", days: weekdays },
  hourly: { kind: "hourly", every: 4 },
  cron: { kind: "cron", expression: "0 6 * * 1-5" },
  off: { kind: "off" },
};

/** Hours and minutes of the day, as the backend reads them. */
const time = /^([01]\d|2[0-3]):[0-5]\d$/;

/** A time of the day. The browser's own field would show it in the habits of the browser's language, not in ours. */
function TimeField(props: { value: string; onChange: (at: string) => void }) {
  const { t } = useTranslation("integrations");
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextInput
      label={t("schedule.at")}
      className={classes.time ?? ""}
      inputMode="numeric"
      maxLength={5}
      value={typed ?? props.value}
      error={typed !== null && !time.test(typed) ? t("schedule.at_wrong") : null}
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

/** The choice and what belongs to it. */
export function ScheduleInput(props: { value: Schedule; zone?: string; onChange: (schedule: Schedule) => void }) {
  const { t } = useTranslation("integrations");
  const { value, onChange } = props;
  return (
    <div className={classes.schedule}>
      <Select
        label={t("schedule.title")}
        description={props.zone ? t("schedule.hint_zone", { zone: props.zone }) : t("schedule.hint")}
        data={kinds.map((kind) => ({ value: kind, label: t(`schedule.kind.${kind}`) }))}
        value={value.kind}
        allowDeselect={false}
        onChange={(kind) => {
          const next = kinds.find((one) => one === kind);
          if (next && next !== value.kind) onChange(fresh[next]);
        }}
      />
      {value.kind === "daily" ? (
        <>
          <TimeField value={value.at} onChange={(at) => onChange({ ...value, at })} />
          <Chip.Group
            multiple
            value={value.days}
            onChange={(chosen) => onChange({ ...value, days: weekdays.filter((day) => chosen.includes(day)) })}
          >
            <fieldset className={classes.weekdays}>
              <legend>{t("schedule.days")}</legend>
              {weekdays.map((day) => (
                // The last day stays: a schedule without a day is "by hand".
                <Chip key={day} value={day} size="xs" disabled={value.days.length === 1 && value.days[0] === day}>
                  {t(`schedule.day.${day}`)}
                </Chip>
              ))}
            </fieldset>
          </Chip.Group>
        </>
      ) : value.kind === "hourly" ? (
        <Select
          label={t("schedule.every")}
          data={everyHours.map((hours) => ({ value: String(hours), label: t("schedule.hours", { count: hours }) }))}
          value={String(value.every)}
          allowDeselect={false}
          onChange={(hours) => hours && onChange({ kind: "hourly", every: Number(hours) })}
        />
      ) : value.kind === "cron" ? (
        <TextInput
          label={t("schedule.expression")}
          description={t("schedule.expression_hint")}
          classNames={{ input: classes.mono ?? "" }}
          spellCheck={false}
          value={value.expression}
          onChange={(event) => onChange({ kind: "cron", expression: event.currentTarget.value })}
        />
      ) : null}
    </div>
  );
}

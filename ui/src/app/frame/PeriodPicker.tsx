/** The period of all screens: presets, free dates, and what it is compared with. */
import { Button, Popover, Select, TextInput } from "@mantine/core";
import { IconCalendar, IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/shared/format/useFormat";
import { comparisons, presets } from "@/shared/period/period";
import { usePeriod } from "@/shared/period/usePeriod";
import { useStatus } from "@/shared/query/status";
import classes from "./frame.module.css";

/** The picker. */
export function PeriodPicker() {
  const { t } = useTranslation("frame");
  const format = useFormat();
  const period = usePeriod();
  const [opened, setOpened] = useState(false);
  const compare = period.compare
    ? t("versus", { range: format.range(period.compare.from, period.compare.to, { year: false }) })
    : null;
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className={classes.pick}
          onClick={() => setOpened(!opened)}
          title={t("period")}
          data-testid="period"
        >
          <IconCalendar size={15} stroke={1.7} aria-hidden />
          <span>{format.range(period.range.from, period.range.to)}</span>
          {compare ? <em className={classes.versus}>{compare}</em> : null}
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown>{opened ? <Choices onDone={() => setOpened(false)} /> : null}</Popover.Dropdown>
    </Popover>
  );
}

function Choices(props: { onDone: () => void }) {
  const { t } = useTranslation("frame");
  const period = usePeriod();
  const { today } = useStatus();
  const [from, setFrom] = useState(period.range.from);
  const [to, setTo] = useState(period.range.to);
  const valid = from !== "" && to !== "" && from <= to && to <= today;
  return (
    <div className={classes.period}>
      <div className={classes.presets}>
        {presets.map((preset) => (
          <button
            key={preset}
            type="button"
            className={classes.preset}
            aria-pressed={period.word === preset}
            onClick={() => {
              period.choose(preset, period.comparison);
              props.onDone();
            }}
          >
            {t(`presets.${preset}`)}
          </button>
        ))}
      </div>
      <form
        className={classes.periodSide}
        onSubmit={(event) => {
          event.preventDefault();
          if (!valid) return;
          period.choose(`${from}..${to}`, period.comparison);
          props.onDone();
        }}
      >
        <TextInput
          type="date"
          label={t("from")}
          value={from}
          max={today}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label={t("to")}
          value={to}
          max={today}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" disabled={!valid}>
          {t("apply")}
        </Button>
        <Select
          label={t("compare_with")}
          data={comparisons.map((comparison) => ({ value: comparison, label: t(`comparisons.${comparison}`) }))}
          value={period.comparison}
          onChange={(value) => {
            const chosen = comparisons.find((comparison) => comparison === value);
            if (chosen) period.choose(period.word, chosen);
          }}
          comboboxProps={{ withinPortal: false }}
        />
      </form>
    </div>
  );
}

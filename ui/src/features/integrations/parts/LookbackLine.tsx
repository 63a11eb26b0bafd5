/** How far back a stream is read again: as its connector suggests, or as the person wants it, with the way back beside it. */
import { Button, NumberInput } from "@mantine/core";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Lookback, StreamInfo } from "@/gen/contract";
import classes from "../integrations.module.css";
import { useLocalText } from "../logic/words";

/** One line below the stream; its two numbers unfold under it. `own` is `null` while the connector's suggestion holds. */
export function LookbackLine(props: {
  stream: StreamInfo;
  preset: Lookback;
  own: Lookback | null;
  /** The most days that make sense. */
  max: number;
  onChange: (own: Lookback | null) => void;
}) {
  const { t } = useTranslation("integrations");
  const say = useLocalText();
  const [open, setOpen] = useState(false);
  const panel = useId();
  const { preset, own } = props;
  const holds = own ?? preset;
  const words = (lookback: Lookback) =>
    lookback.weekly_days > lookback.days
      ? t("lookback.weekly", {
          days: t("days", { count: lookback.days }),
          weekly: t("days", { count: lookback.weekly_days }),
        })
      : t("lookback.every", { days: t("days", { count: lookback.days }) });
  const word = t(open ? "lookback.fold" : "lookback.change");
  const field = (name: keyof Lookback, label: string) => (
    <NumberInput
      label={label}
      min={1}
      max={props.max}
      allowDecimal={false}
      allowNegative={false}
      clampBehavior="blur"
      value={holds[name]}
      onChange={(value) => {
        const days = Number(value);
        // An emptied field is being typed into; what holds stays until there is a number.
        if (days >= 1 && days <= props.max) props.onChange({ ...holds, [name]: days });
      }}
    />
  );
  return (
    <div className={classes.lookback} data-testid={`lookback-${props.stream.name}`}>
      <p>
        {words(holds)}
        {own ? <em> · {t("lookback.own")}</em> : null}
      </p>
      <Button
        variant="subtle"
        data-size="sm"
        aria-expanded={open}
        aria-controls={panel}
        aria-label={t("lookback.change_of", { word, stream: say(props.stream.title) })}
        onClick={() => setOpen(!open)}
      >
        {word}
      </Button>
      <div id={panel} hidden={!open}>
        {open ? (
          <>
            <p>{t("lookback.why")}</p>
            <div className={classes.lookbackFields}>
              {field("days", t("lookback.days"))}
              {field("weekly_days", t("lookback.weekly_days"))}
            </div>
            <Button variant="default" disabled={own === null} onClick={() => props.onChange(null)}>
              {t("lookback.preset")}
            </Button>
            {own ? <p>{words(preset)}</p> : null}
          </>
        ) : null}
      </div>
    </div>
  );
}

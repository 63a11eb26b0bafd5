/** What the table is told apart by: a chip per dimension, from the outermost, each with what can become of it, and presets beside them. */
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconPlus, IconTrash } from "@tabler/icons-react";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DateRange, PivotDimension } from "@/gen/contract";
import { useRead } from "@/shared/query/query";
import { Chips } from "@/shared/ui/Layout";
import { addable, wordOf } from "../logic/pivot";
import classes from "../screens/clients.module.css";

/** Tables that are one press away. */
const presets = {
  tree: ["channel", "account", "campaign", "ad_group"],
  campaign: ["campaign"],
  ad: ["ad"],
} satisfies Record<string, PivotDimension[]>;
type Preset = keyof typeof presets;
const names: Preset[] = ["tree", "campaign", "ad"];

/** The table of a client that was not changed yet. */
export const usual: PivotDimension[] = presets.tree;

/** Words of dimensions. */
export function useDimensionName(): (dimension: PivotDimension) => string {
  const { t } = useTranslation("clients");
  return (dimension) =>
    typeof dimension === "string"
      ? t(`dimension.${dimension}`)
      : dimension.breakdown === "goal" || dimension.breakdown === "action" || dimension.breakdown === "device"
        ? t(`dimension.split.${dimension.breakdown}`)
        : dimension.breakdown;
}

/** The chooser. */
export function Dimensions(props: {
  clientId: string;
  period: DateRange;
  chosen: PivotDimension[];
  onChange: (dimensions: PivotDimension[]) => void;
}) {
  const { t } = useTranslation("clients");
  const name = useDimensionName();
  const [asked, setAsked] = useState(false);
  // What rows are split by is looked up when somebody is about to choose.
  const kinds = useRead(
    "stats_breakdowns",
    { client_id: props.clientId, period: props.period },
    { enabled: asked, keep: true },
  );
  const { chosen, onChange } = props;
  const more = addable(chosen, kinds.data ?? []);
  const words = chosen.map(wordOf).join();
  const preset = names.find((each) => presets[each].join() === words);
  const moved = (from: number, to: number) => {
    const next = chosen.filter((_, index) => index !== from);
    const one = chosen[from];
    if (one) next.splice(to, 0, one);
    onChange(next);
  };
  return (
    <>
      <Chips
        label={t("presets")}
        options={names.map((id) => ({ id, label: t(`preset.${id}`) }))}
        active={preset ?? ("" as Preset)}
        onChange={(id) => onChange(presets[id])}
      />
      <fieldset className={classes.dimensions} aria-label={t("dimensions")}>
        {chosen.map((dimension, index) => (
          <Fragment key={wordOf(dimension)}>
            {index > 0 ? <IconChevronRight className={classes.arrow} size={13} aria-hidden /> : null}
            <Menu position="bottom-start">
              <Menu.Target>
                <button type="button" className={classes.dimension}>
                  {name(dimension)}
                </button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item
                  leftSection={<IconChevronLeft size={14} />}
                  disabled={index === 0}
                  onClick={() => moved(index, index - 1)}
                >
                  {t("outwards")}
                </Menu.Item>
                <Menu.Item
                  leftSection={<IconChevronRight size={14} />}
                  disabled={index === chosen.length - 1}
                  onClick={() => moved(index, index + 1)}
                >
                  {t("inwards")}
                </Menu.Item>
                <Menu.Item
                  leftSection={<IconTrash size={14} />}
                  disabled={chosen.length === 1}
                  onClick={() => onChange(chosen.filter((_, other) => other !== index))}
                >
                  {t("without")}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Fragment>
        ))}
        {chosen.length < 4 ? (
          <Menu position="bottom-start" onOpen={() => setAsked(true)}>
            <Menu.Target>
              <ActionIcon variant="subtle" aria-label={t("add_dimension")} data-testid="add-dimension">
                <IconPlus size={15} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {more.map((dimension) => (
                <Menu.Item key={wordOf(dimension)} onClick={() => onChange([...chosen, dimension])}>
                  {name(dimension)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        ) : null}
      </fieldset>
    </>
  );
}

/** Opens or closes every branch. */
export function FoldAll(props: { open: boolean; onFold: () => void }) {
  const { t } = useTranslation("clients");
  return (
    <Button variant="subtle" onClick={props.onFold}>
      {props.open ? t("collapse") : t("expand")}
    </Button>
  );
}

/**
 * The tokens handed to Mantine once: sizes, radii and the look of every Mantine part we use. Screens style themselves with
 * tokens and CSS modules and never override a Mantine part on the spot.
 */
import {
  ActionIcon,
  Button,
  Checkbox,
  type CSSVariablesResolver,
  createTheme,
  Menu,
  Modal,
  NumberInput,
  PasswordInput,
  Popover,
  Radio,
  RadioGroup,
  SegmentedControl,
  Select,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
} from "@mantine/core";
import classes from "./theme.module.css";

const input = {
  classNames: { input: classes.input, label: classes.label, description: classes.hint, error: classes.error },
};

/** The Mantine theme. */
export const theme = createTheme({
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, monospace',
  primaryColor: "sea",
  primaryShade: { light: 7, dark: 6 },
  colors: {
    sea: ["#EDF4FC", "#D6E6F8", "#ADCDF1", "#80B1E8", "#5596DE", "#337DD0", "#1D66BC", "#1453A0", "#104382", "#0C3262"],
  },
  fontSizes: { xs: "11px", sm: "12px", md: "13px", lg: "15px", xl: "18px" },
  radius: { xs: "3px", sm: "5px", md: "6px", lg: "8px", xl: "10px" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "20px", xl: "32px" },
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  components: {
    Button: Button.extend({
      defaultProps: { size: "compact-md" },
      classNames: { root: classes.button, section: classes.buttonSection },
    }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: "subtle", size: 28 },
      classNames: { root: classes.icon },
    }),
    TextInput: TextInput.extend(input),
    PasswordInput: PasswordInput.extend({ classNames: { ...input.classNames, innerInput: classes.innerInput } }),
    Textarea: Textarea.extend(input),
    Select: Select.extend({
      defaultProps: {
        comboboxProps: { shadow: undefined, transitionProps: { duration: 0 } },
        allowDeselect: false,
        checkIconPosition: "right",
      },
      classNames: { ...input.classNames, dropdown: classes.dropdown, option: classes.option },
    }),
    Checkbox: Checkbox.extend({
      defaultProps: { radius: 4, size: "xs" },
      classNames: { input: classes.check, label: classes.checkLabel },
    }),
    Switch: Switch.extend({
      defaultProps: { size: "xs" },
      classNames: {
        body: classes.switchBody,
        label: classes.toggleLabel,
        track: classes.track,
        description: `${classes.hint} ${classes.switchHint}`,
      },
    }),
    Radio: Radio.extend({
      defaultProps: { size: "xs" },
      classNames: { body: classes.toggleBody, label: classes.toggleLabel },
    }),
    RadioGroup: RadioGroup.extend({ classNames: { label: classes.label, description: classes.hint } }),
    NumberInput: NumberInput.extend(input),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: { transitionDuration: 0 },
      classNames: {
        root: classes.segments,
        label: classes.segment,
        indicator: classes.segmentOn,
        innerLabel: classes.segmentText,
      },
    }),
    Menu: Menu.extend({
      defaultProps: { transitionProps: { duration: 0 }, offset: 4 },
      classNames: { dropdown: classes.dropdown, item: classes.option, label: classes.menuLabel },
    }),
    Popover: Popover.extend({
      defaultProps: { transitionProps: { duration: 0 }, offset: 4 },
      classNames: { dropdown: classes.dropdown },
    }),
    Modal: Modal.extend({
      defaultProps: { transitionProps: { duration: 0 }, radius: 10, centered: true },
      classNames: {
        content: classes.modal,
        header: classes.modalHead,
        title: classes.modalTitle,
        overlay: classes.overlay,
        body: classes.modalBody,
      },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, transitionProps: { duration: 0 }, withinPortal: true },
      classNames: { tooltip: classes.tooltip },
    }),
  },
});

/** Mantine's own variables, pointed at the tokens. */
export const variables: CSSVariablesResolver = () => ({
  variables: {
    "--mantine-color-body": "var(--bg)",
    "--mantine-color-text": "var(--tx)",
    "--mantine-color-dimmed": "var(--tx3)",
    "--mantine-color-placeholder": "var(--tx3)",
    "--mantine-color-default-border": "var(--line2)",
    "--mantine-color-default": "var(--panel)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-default-color": "var(--tx)",
    "--mantine-color-error": "var(--act)",
    "--mantine-primary-color-filled": "var(--ac-fill)",
    "--mantine-primary-color-filled-hover": "var(--ac-fill-hover)",
    "--mantine-line-height": "20px",
  },
  light: {},
  dark: {},
});

/** The bones every screen is built from: a page with an optional drawer that pushes it, a head that answers first, panels, tabs. */
import { ActionIcon } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./kit.module.css";

/** A screen: the page, and beside it the drawer when one is open. `fill` gives the last panel the rest of the height. */
export function Screen(props: { children: ReactNode; drawer?: ReactNode; fill?: boolean }) {
  return (
    <div className={classes.screen}>
      <div
        className={`${classes.page} ${props.fill ? classes.pageFill : ""}`}
        tabIndex={props.fill ? undefined : 0}
        data-scrolls
      >
        {props.children}
      </div>
      {props.drawer}
    </div>
  );
}

/** Title, the answer in one sentence, and at the right what can be done with the whole screen. */
export function PageHead(props: { title: string; answer?: ReactNode; before?: ReactNode; children?: ReactNode }) {
  return (
    <header className={classes.head}>
      {props.before}
      <h1>{props.title}</h1>
      {props.answer ? <p className={classes.answer}>{props.answer}</p> : null}
      <div className={classes.headSide}>{props.children}</div>
    </header>
  );
}

/** A card with an optional head. */
export function Panel(props: {
  title?: string;
  count?: string;
  tools?: ReactNode;
  head?: ReactNode;
  grow?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={`${classes.panel} ${props.grow ? classes.grow : ""}`} aria-label={props.title}>
      {props.title || props.tools || props.head ? (
        <div className={classes.panelHead}>
          {props.title ? (
            <h2>
              {props.title}
              {props.count ? <span>{props.count}</span> : null}
            </h2>
          ) : null}
          {props.head}
          {props.tools ? <div className={classes.panelSide}>{props.tools}</div> : null}
        </div>
      ) : null}
      {props.children}
    </section>
  );
}

/** A tab of {@link Tabs}. */
export interface Tab<T extends string> {
  /** Its word in the address. */
  id: T;
  /** Its label. */
  label: string;
  /** A count or mark after the label. */
  mark?: ReactNode;
}

/** Tabs under a head; arrow keys move between them. */
export function Tabs<T extends string>(props: {
  tabs: Tab<T>[];
  active: T;
  onChange: (id: T) => void;
  label: string;
  inset?: boolean;
}) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const index = props.tabs.findIndex((tab) => tab.id === props.active);
    const next = props.tabs[(index + step + props.tabs.length) % props.tabs.length];
    if (!next) return;
    props.onChange(next.id);
    event.currentTarget.querySelector<HTMLButtonElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div
      className={classes.tabs}
      role="tablist"
      aria-label={props.label}
      data-inset={props.inset ?? false}
      onKeyDown={onKeyDown}
    >
      {props.tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          className={classes.tab}
          data-tab={tab.id}
          aria-selected={tab.id === props.active}
          tabIndex={tab.id === props.active ? 0 : -1}
          onClick={() => props.onChange(tab.id)}
        >
          {tab.label}
          {tab.mark === undefined ? null : <span>{tab.mark}</span>}
        </button>
      ))}
    </div>
  );
}

/** A choice among a few, as chips with counts. */
export function Chips<T extends string>(props: {
  options: { id: T; label: ReactNode; count?: string }[];
  active: T;
  onChange: (id: T) => void;
  label: string;
}) {
  return (
    <fieldset className={classes.chips} aria-label={props.label} style={{ border: 0, margin: 0, padding: 0 }}>
      {props.options.map((option) => (
        <button
          key={option.id}
          type="button"
          className={classes.chip}
          aria-pressed={option.id === props.active}
          onClick={() => props.onChange(option.id)}
        >
          {option.label}
          {option.count === undefined ? null : <span>{option.count}</span>}
        </button>
      ))}
    </fieldset>
  );
}

/** A neutral badge: a capability, a count. */
export function Badge(props: { children: ReactNode }) {
  return <span className={classes.badge}>{props.children}</span>;
}

/** A key of the keyboard, as words on a button. */
export function Key(props: { keys: string }) {
  return <kbd className={classes.kbd}>{props.keys}</kbd>;
}

/** A label and what stands beside it. */
export type Fact = [label: string, value: ReactNode];

/** Label and value pairs. */
export function Facts(props: { facts: Fact[] }) {
  return (
    <dl className={classes.facts}>
      {props.facts.map(([label, value]) => (
        <div key={label} style={{ display: "contents" }}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/**
 * The right-hand drawer. It stands beside the page, so the list keeps its scroll, selection and order. Esc closes it and
 * gives the focus back to what had it.
 */
export function Drawer(props: {
  title: ReactNode;
  subtitle?: ReactNode;
  before?: ReactNode;
  tabs?: ReactNode;
  footLeft?: ReactNode;
  footRight?: ReactNode;
  onClose: () => void;
  onPrevious?: (() => void) | undefined;
  onNext?: (() => void) | undefined;
  children: ReactNode;
}) {
  const { t } = useTranslation("shared");
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    return () => {
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus();
    };
  }, []);
  return (
    <aside
      className={classes.drawer}
      aria-label={t("drawer")}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) {
          event.stopPropagation();
          props.onClose();
        }
      }}
    >
      <div className={classes.drawerHead}>
        {props.before}
        <div style={{ minWidth: 0 }}>
          <h2>{props.title}</h2>
          {props.subtitle ? <p>{props.subtitle}</p> : null}
        </div>
        <div className={classes.drawerTools}>
          {props.onPrevious ? (
            <ActionIcon aria-label={t("previous")} onClick={props.onPrevious}>
              <IconArrowUp size={16} />
            </ActionIcon>
          ) : null}
          {props.onNext ? (
            <ActionIcon aria-label={t("next")} onClick={props.onNext}>
              <IconArrowDown size={16} />
            </ActionIcon>
          ) : null}
          <ActionIcon aria-label={t("close")} onClick={props.onClose}>
            <IconX size={16} />
          </ActionIcon>
        </div>
      </div>
      {props.tabs}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <div className={classes.drawerBody} tabIndex={0} data-scrolls>
        {props.children}
      </div>
      {props.footLeft || props.footRight ? (
        <div className={classes.drawerFoot}>
          <div>{props.footLeft}</div>
          <div>{props.footRight}</div>
        </div>
      ) : null}
    </aside>
  );
}

/**
 * Codes to words. The two text files must have an entry for every code of the contract: the `satisfies`-like assignments
 * below do not compile otherwise. The kind alone decides the tone; nobody looks at message texts.
 */
import { useTranslation } from "react-i18next";
import type { ApiError, Code, FailureKind } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { useSystems } from "@/shared/ui/systems";
import en from "./texts/en.json";
import ru from "./texts/ru.json";

/** The three texts every code has. */
export interface ErrorTexts {
  /** What happened, in a few words. */
  title: string;
  /** To what, what was kept, what to do. */
  body: string;
  /** Label of the one button. */
  action: string;
}

/** Texts of all codes; a missing code is a type error here. */
export const errorTexts: Record<"ru" | "en", Record<Code, ErrorTexts>> = { ru: ru.codes, en: en.codes };

/** How loud a failure is. `wait` needs nobody, `watch` needs time, `act` needs a person. */
export type Tone = "act" | "watch" | "wait" | "calm";

const tones: Record<FailureKind, Tone> = {
  sign_in_again: "act",
  fix_settings: "act",
  wait_until: "wait",
  retry: "watch",
  vendor_changed: "act",
  our_fault: "act",
  cancelled: "calm",
};

/** The tone of a kind of failure. */
export function toneOf(kind: FailureKind): Tone {
  return tones[kind];
}

/** A failure in words. */
export interface ErrorInWords extends ErrorTexts {
  /** How loud it is. */
  tone: Tone;
  /** What was kept, when a day is known. */
  kept: string | null;
  /** What happens next, in one short sentence for a row. */
  next: string;
}

/** What is known around the failure and may be missing in its parameters. */
export interface ErrorContext {
  /** Connector id. */
  connector?: string;
  /** Name of the account. */
  account?: string;
  /** Last day with data. */
  dataThrough?: string | null;
}

/** A function that puts failures into words of the present language. */
export function useErrorWords(): (error: ApiError, context?: ErrorContext) => ErrorInWords {
  const { t } = useTranslation("errors");
  const format = useFormat();
  const systems = useSystems();
  return (error, context = {}) => {
    const given = error.params;
    const system = given.system ?? context.connector;
    const until = given.until ?? error.retry_at ?? undefined;
    const params: Record<string, string> = { ...t("fallback", { returnObjects: true }) };
    for (const [name, value] of Object.entries(given)) if (value) params[name] = value;
    if (context.account && !given.account) params.account = context.account;
    if (system) params.system = systems.name(system);
    if (until && !Number.isNaN(Date.parse(until))) params.until = format.moment(until);
    for (const name of ["bytes", "limit"] as const) {
      const value = Number(given[name]);
      if (given[name] && Number.isFinite(value)) params[name] = format.bytes(value);
    }
    const title = t(`codes.${error.code}.title`, { replace: params });
    return {
      title: given.file ? t("of_file", { file: given.file, title }) : title,
      body: t(`codes.${error.code}.body`, { replace: params }),
      action: t(`codes.${error.code}.action`, { replace: params }),
      next: t(`next.${error.kind}`),
      tone: toneOf(error.kind),
      kept: context.dataThrough ? t("kept", { day: format.day(context.dataThrough) }) : null,
    };
  };
}

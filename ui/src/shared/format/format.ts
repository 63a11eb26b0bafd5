/**
 * Numbers, money and dates as people of either language read them. Everything comes from `Intl`; on top of it stand three
 * house rules: a narrow no-break space between thousands in Russian, a true minus, and the currency sign after the sum in
 * both languages so that columns stay aligned. Unknown is `null` in and the caller draws nothing, never a zero.
 */
import type { Unit } from "@/gen/contract";

/** Languages of the console. */
export const languages = ["ru", "en"] as const;
/** A language of the console. */
export type Language = (typeof languages)[number];

/** A printed quantity: the number, and its unit drawn smaller beside it. */
export interface Printed {
  /** The digits, with sign. */
  value: string;
  /** `₽`, `млн ₽`, `%`, or nothing. */
  unit: string;
}

const MINUS = "\u2212";
const THIN = "\u2009";
const MICRO = 1_000_000;

function polish(text: string): string {
  return text.replace(/-/g, MINUS).replace(/[\u00a0 ]/g, THIN);
}

function cached<A extends string, T>(make: (key: A) => T): (key: A) => T {
  const made = new Map<A, T>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make(key);
      made.set(key, value);
    }
    return value;
  };
}

function parseDay(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}

/** All formatters of one language. Made once per language: `Intl` objects are slow to build and a table asks thousands of times. */
export class Format {
  readonly language: Language;
  private readonly locale: string;
  private readonly integer: Intl.NumberFormat;
  private readonly decimals = cached((key: `${number}-${number}-${string}`) => {
    const [min, max, sign] = key.split("-");
    return new Intl.NumberFormat(this.locale, {
      minimumFractionDigits: Number(min),
      maximumFractionDigits: Number(max),
      signDisplay: sign === "sign" ? "exceptZero" : "auto",
    });
  });
  private readonly compactParts: Intl.NumberFormat;
  private readonly dates = cached(
    (key: string) => new Intl.DateTimeFormat(this.locale, { ...(JSON.parse(key) as Intl.DateTimeFormatOptions) }),
  );
  private readonly shortest: Intl.NumberFormat;
  /** Sorts names as people of this language expect. */
  readonly collator: Intl.Collator;

  constructor(language: Language) {
    this.language = language;
    this.locale = language === "ru" ? "ru-RU" : "en-GB";
    this.integer = new Intl.NumberFormat(this.locale, { maximumFractionDigits: 0 });
    this.compactParts = new Intl.NumberFormat(language === "ru" ? "ru-RU" : "en-US", {
      notation: "compact",
      minimumSignificantDigits: 4,
      maximumSignificantDigits: 4,
    });
    this.shortest = new Intl.NumberFormat(language === "ru" ? "ru-RU" : "en-US", {
      notation: "compact",
      maximumFractionDigits: 1,
    });
    this.collator = new Intl.Collator(this.locale, { numeric: true, sensitivity: "base" });
  }

  private number(value: number, min: number, max: number, sign = false): string {
    return polish(this.decimals(`${min}-${max}-${sign ? "sign" : "auto"}`).format(value));
  }

  /** A whole count: `1 284 300`. */
  count(value: number): string {
    return polish(this.integer.format(value));
  }

  /** A count kept in millionths; shows decimals only when there are some. */
  countMicros(micros: number): string {
    return this.number(micros / MICRO, 0, 2);
  }

  /** The sign of a currency: `₽`, `$`, or its code where there is none. */
  sign = cached((currency: string): string => {
    try {
      const parts = new Intl.NumberFormat(this.locale, {
        style: "currency",
        currency,
        currencyDisplay: "narrowSymbol",
      }).formatToParts(0);
      return parts.find((part) => part.type === "currency")?.value ?? currency;
    } catch {
      return currency;
    }
  });

  /** A sum without its sign: whole units from 100 up, cents below, where they matter. */
  money(micros: number): string {
    const value = micros / MICRO;
    return Math.abs(value) >= 100 || value === 0 ? this.number(value, 0, 0) : this.number(value, 2, 2);
  }

  /** A sum to the cent, for tooltips, files and comparisons with the platform. */
  moneyExact(micros: number, currency: string): string {
    return `${this.number(micros / MICRO, 2, 2)}\u00a0${this.sign(currency)}`;
  }

  /** A ratio in millionths as percent without the sign: 5 100 becomes `0,51`. */
  percent(micros: number): string {
    const value = micros / 10_000;
    return this.number(value, Math.abs(value) < 10 ? 2 : 1, Math.abs(value) < 10 ? 2 : 1);
  }

  /** A ratio in millionths as a plain number: `7,74`. */
  ratio(micros: number): string {
    return this.number(micros / MICRO, 2, 2);
  }

  /** A share from 0 to 1 as whole percent, for progress: `62 %`. It says 100 only when everything is done. */
  share(share: number): string {
    const percent = share >= 1 ? 100 : Math.min(99, Math.floor(share * 100));
    return `${percent}${this.language === "ru" ? THIN : ""}%`;
  }

  /** A ratio in millionths as whole percent: `61 %`. */
  wholePercent(micros: number): string {
    return `${this.number(micros / 10_000, 0, 0)}${this.language === "ru" ? THIN : ""}%`;
  }

  /** A relative change in millionths: `+6,2 %`. */
  change(micros: number): string {
    const gap = this.language === "ru" ? THIN : "";
    return `${this.number(micros / 10_000, 1, 1, true)}${gap}%`;
  }

  /** A difference of two ratios, in percentage points: `−0,3 п.п.` */
  points(micros: number): string {
    return `${this.number(micros / 10_000, 1, 1, true)}${THIN}${this.language === "ru" ? "п.п." : "pp"}`;
  }

  /** A metric for a table cell. */
  metric(micros: number, unit: Unit, currency: string): Printed {
    switch (unit) {
      case "money":
        return { value: this.money(micros), unit: this.sign(currency) };
      case "count":
        return { value: this.countMicros(micros), unit: "" };
      case "percent":
        return { value: this.percent(micros), unit: "%" };
      case "ratio":
        return { value: this.ratio(micros), unit: "" };
    }
  }

  /** A metric for a KPI tile: millions are shortened to four significant digits, everything smaller stands in full. */
  compact(micros: number, unit: Unit, currency: string): Printed {
    const value = micros / MICRO;
    if ((unit !== "money" && unit !== "count") || Math.abs(value) < MICRO) return this.metric(micros, unit, currency);
    const parts = this.compactParts.formatToParts(value);
    const scale = parts.find((part) => part.type === "compact")?.value ?? "";
    const digits = parts
      .filter((part) => part.type !== "compact" && part.type !== "literal")
      .map((part) => part.value)
      .join("");
    const sign = unit === "money" ? this.sign(currency) : "";
    return { value: polish(digits), unit: [scale, sign].filter(Boolean).join("\u00a0") };
  }

  /** A number for an axis, as short as it can be: `60 тыс.`, `1,5 млн`. */
  short(micros: number): string {
    return polish(this.shortest.format(micros / MICRO)).replace(THIN, "\u00a0");
  }

  private date(options: Intl.DateTimeFormatOptions, value: Date): string {
    return this.dates(JSON.stringify(options)).format(value).replace(/\./g, "");
  }

  /** Intl shortens Russian months to three or four letters with a point; tables need one width, so three letters stay. */
  private shortDay(value: Date, zone?: "UTC"): string {
    const text = this.date({ day: "numeric", month: "short", ...(zone ? { timeZone: zone } : {}) }, value);
    return this.language === "ru" ? text.replace(/(\p{L}{3})\p{L}*$/u, "$1") : text;
  }

  /** A calendar day: `17 ноя`, with the year when it is not the present one. */
  day(day: string, today?: string): string {
    const text = this.shortDay(parseDay(day), "UTC");
    return today && today.slice(0, 4) !== day.slice(0, 4) ? `${text} ${day.slice(0, 4)}` : text;
  }

  /** A calendar day in full: `10 ноября`. */
  dayLong(day: string): string {
    return this.date({ day: "numeric", month: "long", timeZone: "UTC" }, parseDay(day));
  }

  /** A calendar month by any of its days: `Ноябрь 2026`. */
  month(day: string): string {
    const text = this.date({ month: "long", year: "numeric", timeZone: "UTC" }, parseDay(day)).replace(/\s*г$/, "");
    return `${text.charAt(0).toLocaleUpperCase(this.locale)}${text.slice(1)}`;
  }

  /** A calendar month on an axis: `ноя`, January with its year. */
  monthShort(day: string): string {
    const text = this.date({ month: "short", timeZone: "UTC" }, parseDay(day));
    const short = this.language === "ru" ? text.slice(0, 3) : text;
    return day.slice(5, 7) === "01" ? `${short} ${day.slice(0, 4)}` : short;
  }

  /** A weekday and day for a page's head: `Пятница, 20 ноября`. */
  weekday(day: string): string {
    const weekday = this.date({ weekday: "long", timeZone: "UTC" }, parseDay(day));
    return `${weekday.charAt(0).toLocaleUpperCase(this.locale)}${weekday.slice(1)}, ${this.dayLong(day)}`;
  }

  /** A weekday as short as it is written: `пн`. */
  weekdayShort(day: string): string {
    return this.date({ weekday: "short", timeZone: "UTC" }, parseDay(day));
  }

  /** A range of days: `1–19 ноября 2026`, or short `21 окт – 19 ноя 2026`. */
  range(from: string, to: string, options: { year?: boolean } = {}): string {
    const sameMonth = from.slice(0, 7) === to.slice(0, 7);
    const sameYear = from.slice(0, 4) === to.slice(0, 4);
    const year = (options.year ?? true) ? ` ${to.slice(0, 4)}` : "";
    const month = this.language === "ru" && sameMonth ? this.dayLong(to) : this.day(to);
    if (from === to) return `${month}${year}`;
    if (sameMonth) return `${Number(from.slice(8))}\u2013${month}${year}`;
    return `${this.day(from)}${sameYear ? "" : ` ${from.slice(0, 4)}`} \u2013 ${this.day(to)}${year || (sameYear ? "" : ` ${to.slice(0, 4)}`)}`;
  }

  /** The time of an instant on this computer: `08:52`. */
  time(instant: string): string {
    return this.date({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, new Date(instant));
  }

  /** The time to the second, for logs. */
  timeExact(instant: string): string {
    return this.date({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, new Date(instant));
  }

  /** An instant as people say it: the time today, the day otherwise. */
  moment(instant: string, now: Date = new Date()): string {
    const at = new Date(instant);
    if (at.toDateString() === now.toDateString()) return this.time(instant);
    const day = this.shortDay(at);
    return at.getFullYear() === now.getFullYear() ? day : `${day} ${at.getFullYear()}`;
  }

  /** An instant to come: the time within a day from now, the day otherwise. */
  soon(instant: string, now: Date = new Date()): string {
    const day = 24 * 60 * 60 * 1000;
    return new Date(instant).getTime() - now.getTime() < day ? this.time(instant) : this.moment(instant, now);
  }

  /** An instant in full, for tooltips and the audit log: `20 ноя 2026, 09:04`. */
  instant(instant: string): string {
    const at = new Date(instant);
    return `${this.shortDay(at)} ${at.getFullYear()}, ${this.time(instant)}`;
  }

  /** A duration in milliseconds: `0,4 с`, `19 с`, `2 мин 5 с`. */
  duration(millis: number): string {
    const unit = this.language === "ru" ? { s: "с", m: "мин", h: "ч" } : { s: "s", m: "min", h: "h" };
    const secs = millis / 1_000;
    if (secs < 10) return `${this.number(secs, 1, 1)}${THIN}${unit.s}`;
    if (secs < 60) return `${Math.round(secs)}${THIN}${unit.s}`;
    const whole = Math.round(secs);
    if (whole < 3_600) return `${Math.floor(whole / 60)}${THIN}${unit.m} ${whole % 60}${THIN}${unit.s}`;
    return `${Math.floor(whole / 3_600)}${THIN}${unit.h} ${Math.round((whole % 3_600) / 60)}${THIN}${unit.m}`;
  }

  /** A time that is only estimated: whole seconds below a minute, whole minutes or hours above. */
  about(secs: number): string {
    const unit = this.language === "ru" ? { s: "с", m: "мин", h: "ч" } : { s: "s", m: "min", h: "h" };
    if (secs < 60) return `${Math.max(1, Math.round(secs))}${THIN}${unit.s}`;
    if (secs < 3_600) return `${Math.round(secs / 60)}${THIN}${unit.m}`;
    return `${Math.round(secs / 3_600)}${THIN}${unit.h}`;
  }

  /** A size in bytes: `1,4 МБ`. */
  bytes(bytes: number): string {
    const units = this.language === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
    let value = bytes;
    let step = 0;
    while (value >= 1_024 && step < units.length - 1) {
      value /= 1_024;
      step += 1;
    }
    return `${this.number(value, 0, step === 0 || value >= 100 ? 0 : 1)}${THIN}${units[step]}`;
  }
}

const formats: Record<Language, Format> = { ru: new Format("ru"), en: new Format("en") };

/** The formatters of a language. */
export function formatOf(language: Language): Format {
  return formats[language];
}

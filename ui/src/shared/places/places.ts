/** Currencies and time zones to choose from: those of our platforms' markets first, then everything this computer knows. */
import type { Language } from "@/shared/format/format";

const firstCurrencies = [
  "RUB",
  "KZT",
  "BYN",
  "UZS",
  "AMD",
  "GEL",
  "AZN",
  "KGS",
  "USD",
  "EUR",
  "GBP",
  "TRY",
  "AED",
  "CNY",
];

/** Codes of currencies. */
export function currencies(always: string): string[] {
  return firstCurrencies.includes(always) ? firstCurrencies : [always, ...firstCurrencies];
}

/** Time zones with their present distance from UTC, nearest to the given one's name first. */
export function timeZones(language: Language, always: string, now: Date): { value: string; label: string }[] {
  const known = Intl.supportedValuesOf("timeZone");
  const all = known.includes(always) ? known : [always, ...known];
  return all.map((zone) => ({
    value: zone,
    label: `${zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone}, ${offset(zone, language, now)}`,
  }));
}

function offset(zone: string, language: Language, now: Date): string {
  try {
    const parts = new Intl.DateTimeFormat(language === "ru" ? "ru-RU" : "en-GB", {
      timeZone: zone,
      timeZoneName: "shortOffset",
    }).formatToParts(now);
    return (parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC").replace("GMT", "UTC");
  } catch {
    return "UTC";
  }
}

/** Shortest passphrase the vault accepts. */
export const SHORTEST_PASSPHRASE = 10;

/** What is wrong with a passphrase typed twice. */
export function passphraseFault(passphrase: string, again: string): "passphrase_short" | "passphrase_differs" | null {
  if ([...passphrase].length < SHORTEST_PASSPHRASE) return "passphrase_short";
  return passphrase === again ? null : "passphrase_differs";
}

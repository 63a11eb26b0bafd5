/**
 * The made-up agency of the pictures: Friday 20 November 2026, 52 clients. Numbers come from a small generator with a fixed
 * seed, so every picture and every test sees the same ones.
 */
import type { ApiError, ConnectionRow, Health } from "@/gen/contract";

/** The stories a screen can be looked at in. */
export const stories = [
  "open",
  "partial",
  "calm",
  "battery",
  "empty",
  "unconnected",
  "failing",
  "slow",
  "big",
  "absent",
  "absent_no_keychain",
  "locked_passphrase",
  "locked_keychain",
  "locked_missing",
  "locked_denied",
  "broken",
] as const;
/** A story. */
export type StoryName = (typeof stories)[number];

/** Whether a word names a story. */
export function isStory(word: string): word is StoryName {
  return (stories as readonly string[]).includes(word);
}

/** A client of the made-up agency. */
export interface WorldClient {
  id: string;
  name: string;
  health: Health;
  currency: string;
  daily: (number | null)[];
  cpa: number;
  roas: number;
  connections: ConnectionRow[];
}

/** Everything a story knows. */
export interface World {
  name: StoryName;
  today: string;
  now: string;
  clients: WorldClient[];
}

/** Today in every story. */
export const TODAY = "2026-11-20";
/** Now in every story. */
export const NOW = "2026-11-20T09:04:00Z";
const HISTORY = 120;

/** A generator of numbers from 0 to 1, the same ones each time. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const names = [
  ["Ромашка", 67_600, "act"],
  ["СтройДом", 46_200, "act"],
  ["Клиника Альфа", 55_100, "act"],
  ["Текстиль Гжель", 21_700, "act"],
  ["Автомир Плюс", 84_800, "watch"],
  ["Кофейня Зерно", 11_500, "good"],
  ["Окна Север", 49_300, "good"],
  ["ФитЛайн", 8_140, "good"],
  ["МебельГрад", 69_600, "good"],
  ["Школа Вектор", 15_100, "good"],
  ["ЗооМаг", 26_800, "good"],
  ["Ювелир Невский", 39_100, "good"],
  ["ТехноСклад", 20_900, "good"],
  ["Пекарня Колос", 6_900, "good"],
  ["Лаборатория света", 12_300, "good"],
  ["Дачный двор", 9_800, "good"],
  ["Северный чай", 7_400, "good"],
  ["Дети и книги", 5_300, "good"],
  ["Оптика Взгляд", 18_700, "good"],
  ["Мастерская дверей «Дуб и сыновья», Великий Новгород", 14_200, "good"],
] as const;

/** A failure as the backend sends it. */
export function failure(code: ApiError["code"], kind: ApiError["kind"], params: Record<string, string> = {}): ApiError {
  return { code, kind, params, detail: null, retry_at: null };
}

function connection(
  client: { id: string; name: string; health: Health; currency: string },
  connector: string,
  index: number,
  partial: boolean,
): ConnectionRow {
  const troubled = partial && index === 0 && (client.health === "act" || client.health === "watch");
  const wait = client.health === "watch";
  return {
    id: `conn-${client.id}-${index}`,
    client_id: client.id,
    client_name: client.name,
    connector,
    account_external_id: String(16_093_382 + index * 27_083 + client.name.length * 911),
    account_name: `${client.name} / ${connector === "vk_ads" ? "основной" : "сайт"}`,
    currency: client.currency,
    vat: "included",
    state: troubled && client.health === "act" ? "sign_in_needed" : "active",
    health: troubled ? client.health : "good",
    failure: troubled
      ? wait
        ? failure("platform_down", "retry", { system: connector, status: "502" })
        : failure("sign_in_rejected", "sign_in_again", { system: connector, account: client.name })
      : null,
    data_through: troubled ? "2026-11-17" : "2026-11-19",
    synced_at: troubled ? "2026-11-18T06:14:00Z" : `2026-11-20T08:${50 + (index % 9)}:00Z`,
    running: null,
    latest_run: null,
    next_at: connector === "file_import" || troubled ? null : `2026-11-21T03:0${index % 10}:00Z`,
    retry_at: troubled && wait ? "2026-11-20T09:35:00Z" : null,
    failures: troubled ? 3 : 0,
  };
}

function client(index: number, partial: boolean): WorldClient {
  const known = names[index % names.length] ?? names[0];
  const id = `client-${index}`;
  const name = index < names.length ? known[0] : `${known[0]} ${Math.floor(index / names.length) + 1}`;
  const health: Health = !partial ? "good" : index < names.length ? known[2] : "good";
  const random = seeded(index * 7_919 + 17);
  const base = known[1] * (index < names.length ? 1 : 0.4 + random());
  const daily = Array.from({ length: HISTORY }, (_, day) => {
    const week = 1 + 0.16 * Math.sin((day / 7) * 2 * Math.PI + index);
    if (name === "СтройДом" && partial && day === HISTORY - 1) return 0;
    if (name === "Клиника Альфа" && partial && day >= HISTORY - 2) return Math.round(base * 2.4 * 100) / 100;
    if (name === "Ромашка" && partial && day >= HISTORY - 2) return null;
    return Math.round(base * week * (0.86 + random() * 0.28) * 100) / 100;
  });
  const basis = { id, name, health, currency: "RUB" };
  return {
    ...basis,
    daily,
    cpa: 180 + Math.round(random() * 2_600),
    roas: 4 + random() * 8,
    connections: ["vk_ads", ...(index % 3 === 0 ? ["file_import"] : []), ...(index === 6 ? ["own_shop"] : [])].map(
      (connector, place) => connection(basis, connector, place, partial),
    ),
  };
}

/** Builds a story. */
export function storyOf(name: StoryName): World {
  const count = name === "empty" ? 0 : name === "big" ? 100_000 : name === "unconnected" ? 3 : 52;
  const partial = name === "open" || name === "partial" || name === "big";
  const known = Array.from({ length: Math.min(count, 52) }, (_, index) => client(index, partial));
  // Beyond the agency of the pictures clients repeat under other names: what counts there is only how many they are.
  const clients = Array.from({ length: count }, (_, index) => {
    const own = known[index % 52];
    if (!own) throw new Error("a story without clients has no rows");
    return index < 52
      ? own
      : {
          ...own,
          id: `client-${index}`,
          name: `${own.name} ${index}`,
          health: "good" as const,
          connections: own.connections.map((each) => ({ ...each, health: "good" as const, failure: null })),
        };
  });
  return {
    name,
    today: TODAY,
    now: NOW,
    clients:
      name === "unconnected"
        ? clients.map((entry) => ({
            ...entry,
            connections: [],
            health: "off" as const,
            daily: entry.daily.map(() => null),
          }))
        : clients,
  };
}

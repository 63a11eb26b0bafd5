/** Anomalies are told in sentences that a person would say, in both languages. */
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { AnomalyRow } from "@/gen/contract";
import type { Language } from "@/shared/format/format";
import { inConsole } from "../../../tests/inConsole";
import { distance, useAnomalyWords } from "./anomalies";

const row: AnomalyRow = {
  client_id: "client",
  client_name: "Ромашка",
  connection_id: "connection",
  connector: "vk_ads",
  account_name: "Brand",
  metric: "cpa",
  unit: "money",
  currency: "RUB",
  date: "2026-11-17",
  value: 1_702_000_000,
  usual: 740_000_000,
  factor: 2_300_000,
  score: 5_600_000,
  weeks: 8,
  verdict: "worse",
  feedback: null,
};

function Told(props: { row: AnomalyRow }) {
  const { title, body } = useAnomalyWords()(props.row);
  return <p data-testid="told">{`${title} | ${body}`.replace(/[\u00a0\u2009\u202f]/g, " ")}</p>;
}

async function told(change: Partial<AnomalyRow>, language: Language): Promise<string | null> {
  const view = await inConsole(<Told row={{ ...row, ...change }} />, {}, language);
  const text = (await screen.findByTestId("told")).textContent;
  view.unmount();
  return text;
}

describe("an anomaly in words", () => {
  it.each<[Partial<AnomalyRow>, string, string]>([
    [
      {},
      "CPA of Brand is 2.3 times its usual Tuesday | 1,702 ₽ on 17 November, usually 740 ₽ (8 weeks).",
      "CPA подключения «Brand» в 2,3 раза выше обычного вторника | 1 702 ₽ за 17 ноября, обычно 740 ₽ (по 8 неделям).",
    ],
    [
      { metric: "spend", factor: 5_000_000, date: "2026-11-18", weeks: 4 },
      "Spend of Brand is 5 times its usual Wednesday | 1,702 ₽ on 18 November, usually 740 ₽ (4 weeks).",
      "Расход подключения «Brand» в 5 раз выше обычной среды | 1 702 ₽ за 18 ноября, обычно 740 ₽ (по 4 неделям).",
    ],
    [
      {
        metric: "conversions",
        unit: "count",
        value: 12_000_000,
        usual: 46_000_000,
        factor: 260_870,
        date: "2026-11-22",
      },
      "The number of conversions of Brand is 74% below its usual Sunday | 12 on 22 November, usually 46 (8 weeks).",
      "Число конверсий подключения «Brand» на 74 % ниже обычного воскресенья | 12 за 22 ноября, обычно 46 (по 8 неделям).",
    ],
    [
      { metric: "ctr", unit: "percent", value: 7_400, usual: 5_100, factor: 1_450_980, date: "2026-11-20" },
      "CTR of Brand is 45% above its usual Friday | 0.74 % on 20 November, usually 0.51 % (8 weeks).",
      "CTR подключения «Brand» на 45 % выше обычной пятницы | 0,74 % за 20 ноября, обычно 0,51 % (по 8 неделям).",
    ],
    [
      { metric: "revenue", value: 50_000_000_000, usual: 0, factor: null, date: "2026-11-21" },
      "Revenue of Brand is there, where such a day usually has none | 50,000 ₽ on 21 November, usually 0 ₽ (8 weeks).",
      "Доход подключения «Brand» есть, хотя обычно в такой день ничего нет | 50 000 ₽ за 21 ноября, обычно 0 ₽ (по 8 неделям).",
    ],
    [
      { factor: 21_000_000, date: "2026-11-19" },
      "CPA of Brand is 21 times its usual Thursday | 1,702 ₽ on 19 November, usually 740 ₽ (8 weeks).",
      "CPA подключения «Brand» в 21 раз выше обычного четверга | 1 702 ₽ за 19 ноября, обычно 740 ₽ (по 8 неделям).",
    ],
  ])("%o", async (change, en, ru) => {
    expect(await told(change, "en")).toBe(en);
    expect(await told(change, "ru")).toBe(ru);
  });

  it("counts in times from twice on, in per cent below that", () => {
    expect(distance(1_949_000)).toEqual({ told: "above", percent: 95 });
    expect(distance(1_950_000)).toEqual({ told: "times", count: 2 });
    expect(distance(12_340_000)).toEqual({ told: "times", count: 12.3 });
    expect(distance(0)).toEqual({ told: "below", percent: 100 });
    expect(distance(null)).toEqual({ told: "new" });
  });
});

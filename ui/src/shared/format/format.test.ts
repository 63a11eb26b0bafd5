/** Numbers, money and dates in both languages, character by character: spaces and minus signs are what breaks unseen. */
import { describe, expect, it } from "vitest";
import { formatOf } from "./format";

const ru = formatOf("ru");
const en = formatOf("en");
const visible = (text: string) => text.replaceAll("\u2009", "~").replaceAll("\u00a0", "_").replaceAll("\u2212", "−");

describe("quantities", () => {
  it.each([
    ["count", ru.count(1_284_300), "1~284~300", en.count(1_284_300), "1,284,300"],
    ["negative count", ru.count(-87), "−87", en.count(-87), "−87"],
    ["money in whole units", ru.money(1_284_300_500_000), "1~284~301", en.money(1_284_300_500_000), "1,284,301"],
    ["money with cents", ru.money(16_810_000), "16,81", en.money(16_810_000), "16.81"],
    ["zero money", ru.money(0), "0", en.money(0), "0"],
    [
      "money to the cent",
      ru.moneyExact(23_328_920_000, "RUB"),
      "23~328,92_₽",
      en.moneyExact(23_328_920_000, "RUB"),
      "23,328.92_₽",
    ],
    ["an unknown currency", ru.moneyExact(1_000_000, "XYZ"), "1,00_XYZ", en.moneyExact(1_000_000, "XYZ"), "1.00_XYZ"],
    ["percent", ru.percent(5_100), "0,51", en.percent(129_400), "12.9"],
    ["ratio", ru.ratio(7_740_000), "7,74", en.ratio(7_740_000), "7.74"],
    ["a rise", ru.change(62_000), "+6,2~%", en.change(62_000), "+6.2%"],
    ["a fall", ru.change(-59_000), "−5,9~%", en.change(-59_000), "−5.9%"],
    ["no change", ru.change(0), "0,0~%", en.change(0), "0.0%"],
    ["points", ru.points(-3_000), "−0,3~п.п.", en.points(-3_000), "−0.3~pp"],
    ["fractional conversions", ru.countMicros(2_500_000), "2,5", en.countMicros(2_500_000), "2.5"],
    ["milliseconds", ru.duration(400), "0,4~с", en.duration(125_000), "2~min 5~s"],
    ["bytes", ru.bytes(41_943_040), "40~МБ", en.bytes(512), "512~B"],
  ])("%s", (_, russian, expectedRu, english, expectedEn) => {
    expect(visible(russian)).toBe(expectedRu);
    expect(visible(english)).toBe(expectedEn);
  });

  it.each([
    [18_430_000_000_000, "18,43 млн_₽", "18.43 M_₽"],
    [1_096_000_000_000, "1,096 млн_₽", "1.096 M_₽"],
    [999_999_000_000, "999~999 ₽", "999,999 ₽"],
    [-2_500_000_000_000, "−2,500 млн_₽", "−2.500 M_₽"],
  ])("a KPI of %i millionths", (micros, russian, english) => {
    const join = (printed: { value: string; unit: string }) => visible(`${printed.value} ${printed.unit}`);
    expect(join(ru.compact(micros, "money", "RUB"))).toBe(russian);
    expect(join(en.compact(micros, "money", "RUB"))).toBe(english);
  });
});

describe("dates", () => {
  it.each([
    [ru.day("2026-11-17"), "17 ноя"],
    [ru.day("2026-05-01"), "1 мая"],
    [ru.day("2026-09-30"), "30 сен"],
    [ru.day("2025-11-17", "2026-11-20"), "17 ноя 2025"],
    [en.day("2026-11-17"), "17 Nov"],
    [ru.dayLong("2026-11-10"), "10 ноября"],
    [ru.weekday("2026-11-20"), "Пятница, 20 ноября"],
    [en.weekday("2026-11-20"), "Friday, 20 November"],
    [ru.range("2026-11-01", "2026-11-19"), "1–19 ноября 2026"],
    [en.range("2026-11-01", "2026-11-19"), "1–19 Nov 2026"],
    [ru.range("2026-10-21", "2026-11-19"), "21 окт – 19 ноя 2026"],
    [ru.range("2025-12-20", "2026-01-05"), "20 дек 2025 – 5 янв 2026"],
    [ru.range("2026-11-19", "2026-11-19"), "19 ноября 2026"],
    [en.range("2026-10-01", "2026-10-19", { year: false }), "1–19 Oct"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});

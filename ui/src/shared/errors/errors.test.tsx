/** A failure in words: with what it carries, with what stands around it, and with nothing at all. */
import { renderHook } from "@testing-library/react";
import i18next from "i18next";
import { beforeEach, expect, it } from "vitest";
import type { ApiError } from "@/gen/contract";
import { allCode, allFailureKind } from "@/gen/contract";
import { setPrefs } from "@/shared/prefs/prefs";
import { toneOf, useErrorWords } from "./errors";

const error = (change: Partial<ApiError>): ApiError => ({
  code: "internal",
  kind: "our_fault",
  params: {},
  detail: null,
  retry_at: null,
  ...change,
});
const words = () => renderHook(() => useErrorWords()).result.current;

beforeEach(() => setPrefs({ language: "ru" }));

it("names the system and the account, and says what was kept", () => {
  const said = words()(
    error({ code: "sign_in_rejected", kind: "sign_in_again", params: { system: "VK Реклама", account: "Ромашка" } }),
    { dataThrough: "2026-11-17" },
  );
  expect(said.body).toBe(
    "VK Реклама не принимает ключ кабинета «Ромашка». Собранные данные сохранены. После входа пропущенные дни соберутся сами.",
  );
  expect(said).toMatchObject({
    title: "Вход не принят",
    action: "Войти снова",
    kept: "Данные по 17 ноя сохранены.",
    tone: "act",
  });
});

it("prints bytes as people read them", () => {
  expect(words()(error({ code: "file_too_large", params: { bytes: "83886080", limit: "67108864" } })).body).toMatch(
    /80\sМБ.*64\sМБ/,
  );
});

it("names the file that a folder brought, and the columns it lacks", () => {
  const said = words()(
    error({ code: "file_columns_changed", params: { file: "осень.csv", missing: "Расход", added: "" } }),
  );
  expect(said.title).toBe("осень.csv: В файле другие столбцы");
  expect(said.body).toMatch(/не хватает: Расход; новые: нет/);
});

it("leaves no hole and no brace when a parameter is missing, in either language", async () => {
  for (const language of ["ru", "en"] as const) {
    setPrefs({ language });
    await i18next.changeLanguage(language);
    const say = words();
    for (const code of allCode) {
      const said = say(error({ code }));
      expect(`${said.title} ${said.body} ${said.action} ${said.next}`, code).not.toMatch(/[{}]|undefined|\s{2}|«»|“”/);
    }
  }
});

it("every kind has a tone, and waiting is never an alarm", () => {
  for (const kind of allFailureKind) expect(["act", "watch", "wait", "calm"]).toContain(toneOf(kind));
  expect(toneOf("wait_until")).toBe("wait");
});

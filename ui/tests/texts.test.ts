/** Both languages say everything: the same keys, every Russian plural form, the same placeholders, and no shouting. */
import { describe, expect, it } from "vitest";
import { texts } from "@/app/i18n";
import { allCode, allFailureKind } from "@/gen/contract";
import { errorTexts } from "@/shared/errors/errors";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const at = path ? `${path}.${key}` : key;
    if (typeof value === "string") found.set(at, value);
    else for (const [inner, text] of flat(value, at)) found.set(inner, text);
  }
  return found;
}

const forms = { ru: ["one", "few", "many", "other"], en: ["one", "other"] } as const;
const base = (key: string, language: "ru" | "en", keys: Map<string, string>) => {
  const match = /^(.*)_(one|few|many|other)$/.exec(key);
  const stem = match?.[1];
  // One lone form may be an ordinary word ("connect_one"); two make a plural.
  return stem && forms[language].filter((form) => keys.has(`${stem}_${form}`)).length > 1 ? stem : null;
};
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)(?:, \w+)?\}\}/g)].map((match) => match[1] ?? "").sort();

describe.each(Object.keys(texts.en) as (keyof typeof texts.en)[])("texts of %s", (feature) => {
  const en = flat(texts.en[feature] as Tree);
  const ru = flat(texts.ru[feature] as Tree);
  const bases = (keys: Map<string, string>, language: "ru" | "en") =>
    new Set([...keys.keys()].map((key) => base(key, language, keys) ?? key));

  it("have the same keys in both languages", () => {
    expect([...bases(ru, "ru")].sort()).toEqual([...bases(en, "en")].sort());
  });

  it("have every plural form", () => {
    const missing = (keys: Map<string, string>, language: "ru" | "en") =>
      [...keys.keys()]
        .map((key) => base(key, language, keys))
        .filter((key): key is string => key !== null)
        .flatMap((key) => forms[language].map((form) => `${key}_${form}`))
        .filter((key) => !keys.has(key));
    expect(missing(ru, "ru")).toEqual([]);
    expect(missing(en, "en")).toEqual([]);
  });

  it("use the same placeholders", () => {
    const different = [...ru].filter(([key, text]) => {
      const stem = base(key, "ru", ru);
      const other = stem ? en.get(`${stem}_other`) : en.get(key);
      const own = new Set(holes(text));
      const theirs = new Set(holes(other ?? ""));
      // A form may leave the number out ("one" can be a word), nothing else.
      if (stem) {
        own.delete("count");
        theirs.delete("count");
      }
      return [...own].sort().join() !== [...theirs].sort().join();
    });
    expect(different.map(([key]) => key)).toEqual([]);
  });

  it("do not shout and are not empty", () => {
    for (const [key, text] of [...ru, ...en]) {
      expect(text.trim(), key).not.toBe("");
      expect(text, key).not.toMatch(/!/);
    }
  });
});

it("every failure of the contract has a title, a body and a button in both languages", () => {
  for (const language of ["ru", "en"] as const)
    for (const code of allCode) {
      const said = errorTexts[language][code];
      expect(
        [said?.title, said?.body, said?.action].every((text) => typeof text === "string" && text.length > 2),
        `${language} ${code}`,
      ).toBe(true);
    }
  expect(Object.keys(texts.ru.errors.next).sort()).toEqual([...allFailureKind].sort());
});

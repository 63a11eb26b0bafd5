/**
 * What is shipped: built here from source, it must hold the console and nothing of the harness.
 * @vitest-environment node
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, expect, it } from "vitest";

const out = mkdtempSync(join(tmpdir(), "syncdeck-ui-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

it("the build has no made-up data and reaches nothing outside", { timeout: 240_000 }, async () => {
  await build({
    root: join(__dirname, ".."),
    mode: "production",
    logLevel: "silent",
    build: { outDir: out, emptyOutDir: true },
  });
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const read = (ending: RegExp) =>
    files
      .filter((entry) => ending.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
  const text = read(/\.(js|css|html)$/);
  expect(text).toContain("workspace_open_demo");
  for (const marker of ["the harness has no answer", "Текстиль Гжель", "locked_denied", "7QKD"])
    expect(text).not.toContain(marker);
  // Every component of Mantine that is drawn has its styles: they are named one by one in src/app/theme/mantine.css.
  const [drawn, styled] = [read(/\.js$/), read(/\.css$/)].map((part) => new Set(part.match(/\bm_[0-9a-f]{6,8}\b/g)));
  expect([...(drawn ?? [])].filter((name) => !styled?.has(name))).toEqual([]);
  const html = files
    .filter((entry) => entry.name.endsWith(".html"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  expect(html).toHaveLength(1);
  // Charts are drawn by a part of the program that the first screen does not wait for.
  const first = /src="\.\/([^"]+\.js)"/.exec(html[0] ?? "")?.[1] ?? "";
  expect(text).toContain("_ec_inner");
  expect(readFileSync(join(out, first), "utf8")).not.toContain("_ec_inner");
  // A strict content policy holds only when nothing is inlined and nothing comes from elsewhere.
  expect(html[0]).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>/);
  expect(html[0]).not.toMatch(/https?:\/\//);
  expect(text).not.toMatch(/url\(["']?https?:/);
});

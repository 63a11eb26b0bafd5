/** Walls of the UI: features do not know each other, only `host` knows Tauri, `shared` knows no feature, and every file says why it exists. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";

const root = join(__dirname, "..");
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
const source = files("src").filter((file) => !file.startsWith(join("src", "gen")));
const importsOf = (file: string) =>
  [...readFileSync(join(root, file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => {
    const target = match[1] ?? "";
    return target.startsWith("@/")
      ? join("src", target.slice(2))
      : target.startsWith(".")
        ? relative(root, join(root, file, "..", target))
        : target;
  });
const featureOf = (path: string) => /^src\/features\/([^/]+)/.exec(path)?.[1];

it("the list of files is not empty", () => {
  expect(source.length).toBeGreaterThan(40);
});

it.each(source)("%s goes through doors only", (file) => {
  for (const target of importsOf(file)) {
    const own = featureOf(file);
    const other = featureOf(target);
    if (own && other) expect(other, `${file} imports ${target}`).toBe(own);
    if (own) expect(target.startsWith("src/app"), `${file} imports ${target}`).toBe(false);
    if (file.startsWith("src/shared") || file.startsWith("src/host"))
      expect(target, `${file} imports ${target}`).not.toMatch(/^src\/(features|app)/);
    if (target.startsWith("@tauri-apps/")) expect(file, `${file} imports ${target}`).toMatch(/^src\/host\//);
    if (!/\.test\.tsx?$/.test(file)) expect(target, `${file} imports ${target}`).not.toMatch(/harness|^tests/);
  }
});

it.each([...source, ...files("harness"), ...files("tests")])("%s opens with what it is for", (file) => {
  expect(readFileSync(join(root, file), "utf8")).toMatch(/^\/\*\*/);
});

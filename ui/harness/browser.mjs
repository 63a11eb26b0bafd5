/**
 * Every screen in a real browser over the made-up host, in both themes and languages: accessibility (axe: nothing serious
 * or critical), no sideways scrolling, no error in the console, under the content policy of the product. Leaves a picture
 * of each in `pictures/`. It builds the harness itself; the browser is Debian's Chromium or the one in CHROMIUM.
 */
import { createReadStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { screens } from "./screens.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist-harness");
const pictures = join(root, "pictures");
const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const only = process.argv[2];

await build({ root, mode: "harness", logLevel: "warn" });
mkdirSync(pictures, { recursive: true });
const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
  const file = join(dist, path === "/" ? "harness.html" : path);
  if (!file.startsWith(dist) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": policy });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const base = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/harness.html`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--headless", "--disable-gpu"],
});
const looks = [
  { theme: "light", lang: "ru", size: { width: 1440, height: 900 } },
  { theme: "dark", lang: "en", size: { width: 1440, height: 900 } },
  { theme: "light", lang: "en", size: { width: 1100, height: 700 } },
];
let passed = 0;
let failed = 0;

for (const screen of screens.filter((entry) => !only || entry.name.includes(only)))
  for (const look of looks) {
    const name = `${screen.name}-${look.theme}-${look.lang}-${look.size.width}`;
    const faults = [];
    const page = await browser.newPage({ viewport: look.size, bypassCSP: false });
    page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
    try {
      await page.clock.setFixedTime("2026-11-20T09:04:00Z");
      await page.goto(`${base}?world=${screen.world ?? "open"}&theme=${look.theme}&lang=${look.lang}#${screen.at ?? "/overview"}`);
      await page.waitForSelector(screen.ready ?? "h1", { timeout: 15_000 });
      await page.evaluate(() => document.fonts.ready);
      await screen.act?.(page, look);
      await page.waitForTimeout(150);
      await page.screenshot({ path: join(pictures, `${name}.png`) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`the page is ${wide} px wider than the window`);
      await screen.check?.(page, (fact, text) => fact || faults.push(text), look);
      // The content policy forbids injected scripts, as it should; the tool's own evaluation is not a script of the page.
      await page.evaluate(axe);
      const result = await page.evaluate(() =>
        // biome-ignore lint/correctness/noUndeclaredVariables: axe was evaluated into this page
        axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }),
      );
      for (const violation of result.violations.filter((entry) => entry.impact === "serious" || entry.impact === "critical"))
        faults.push(`axe ${violation.impact} ${violation.id}: ${violation.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? node.failureSummary ?? ""})`).join("; ")}`);
    } catch (error) {
      faults.push(`stopped: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
      await page.screenshot({ path: join(pictures, `${name}.png`) }).catch(() => undefined);
    }
    await page.close();
    if (faults.length === 0) passed += 1;
    else {
      failed += 1;
      process.stdout.write(`FAIL ${name}\n${[...new Set(faults)].map((fault) => `     ${fault}\n`).join("")}`);
    }
  }

await browser.close();
server.close();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

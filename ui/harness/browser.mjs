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
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
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
  response.writeHead(200, {
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "content-security-policy": policy,
  });
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

/** One screen in one look; the answer is what is wrong with it. */
async function look(screen, name, { theme, lang, size }) {
  const faults = [];
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  const picture = () => page.screenshot({ path: join(pictures, `${name}.png`) });
  try {
    await page.clock.setFixedTime("2026-11-20T09:04:00Z");
    await page.goto(`${base}?world=${screen.world ?? "open"}&theme=${theme}&lang=${lang}#${screen.at ?? "/overview"}`);
    await page.waitForSelector(screen.ready ?? "h1");
    await page.evaluate(() => document.fonts.ready);
    await screen.act?.(page, { theme, lang, size });
    await page.waitForTimeout(100);
    await picture();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) faults.push(`the page is ${wide} px wider than the window`);
    // Screens scroll inside the frame: a document that scrolls would push the rail's foot out of the window.
    const high = await page.evaluate(
      () => document.documentElement.scrollHeight - document.documentElement.clientHeight,
    );
    if (high > 0) faults.push(`the page is ${high} px higher than the window`);
    await screen.check?.(page, (fact, text) => fact || faults.push(text), { theme, lang, size });
    // The content policy forbids injected scripts, as it should; the tool's own evaluation is not a script of the page.
    await page.evaluate(axe);
    const result = await page.evaluate(() =>
      axe.run(document, {
        resultTypes: ["violations"],
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
      }),
    );
    for (const violation of result.violations.filter(
      (entry) => entry.impact === "serious" || entry.impact === "critical",
    )) {
      const nodes = violation.nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 90)} (${node.any[0]?.message ?? node.failureSummary ?? ""})`);
      faults.push(`axe ${violation.impact} ${violation.id}: ${nodes.join("; ")}`);
    }
  } catch (error) {
    faults.push(`stopped: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    await picture().catch(() => undefined);
  }
  await context.close();
  return [...new Set(faults)];
}

const queue = screens
  .filter((entry) => !only || entry.name.includes(only))
  .flatMap((screen) =>
    looks.map((each) => ({ screen, each, name: `${screen.name}-${each.theme}-${each.lang}-${each.size.width}` })),
  );
/** Takes screens from the queue until it is empty; two of these keep two cores busy. */
async function work() {
  for (let job = queue.shift(); job; job = queue.shift()) {
    const faults = await look(job.screen, job.name, job.each);
    if (faults.length === 0) passed += 1;
    else {
      failed += 1;
      process.stdout.write(`FAIL ${job.name}\n${faults.map((fault) => `     ${fault}\n`).join("")}`);
    }
  }
}
await Promise.all([work(), work(), work()]);

await browser.close();
server.close();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/**
 * The screens that are looked at: a name, a story (`world.ts`), an address, and what is done before the picture. `check`
 * adds what only a real browser can say. A feature adds its screens to the list.
 */

import { readFileSync } from "node:fs";

/** Fills the wizard's first step and waits for what its test shows; the client id decides how it goes (`fixtures/integrations`). */
async function signIn(page, clientId, until) {
  await page.getByLabel(/Client ID/).fill(clientId);
  await page.getByLabel(/Client secret/).fill("not-a-real-secret");
  await page.getByTestId("wizard-next").click();
  await page.waitForSelector(until);
}

/** Hands a file to the import and waits. */
async function giveFile(page, name, until) {
  await page
    .getByTestId("import-file")
    .setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from("a;b\n1;2\n") });
  await page.waitForSelector(until);
}

/** Drags files over the window, or drops them. */
function dragFiles(page, event, names) {
  return page.evaluate(
    ([event, names]) => {
      const dataTransfer = new DataTransfer();
      for (const name of names) dataTransfer.items.add(new File(["a;b\n1;2\n"], name));
      window.dispatchEvent(new DragEvent(event, { dataTransfer, bubbles: true, cancelable: true }));
    },
    [event, names],
  );
}

const MANIFEST = /export const manifest = `([^`]*)`/.exec(
  readFileSync(new URL("fixtures/workbench.ts", import.meta.url), "utf8"),
)[1];

/** Hands a manifest to the import of connectors and waits. */
async function giveManifest(page, name, text, until = '[data-testid="fidelity"] tbody tr') {
  await page.getByTestId("manifest-file").setInputFiles({ name, mimeType: "text/yaml", buffer: Buffer.from(text) });
  await page.waitForSelector(until);
}

/** Reads a stream on the workbench and waits for what was read. */
async function testRead(page, stream) {
  await page.waitForSelector('[data-testid="test-read"]');
  await page
    .getByLabel(/^(Поток|Stream)$/)
    .first()
    .click();
  await page.getByRole("option", { name: stream }).click();
  await page.getByLabel(/^API key/).fill("not-a-real-key");
  await page.getByLabel(/^Start date/).fill("2026-11-01");
  await page.getByTestId("test-read").click();
  await page.waitForSelector('[data-testid="test-results"]');
}

/** A connection that follows a template with values of its own (`fixtures/templates`). */
const FOLLOWER = "conn-client-1-0";

/** Opens a template's dialog and chooses three connections. */
async function openApply(page, lang) {
  await page
    .getByRole("button", { name: lang === "ru" ? "Применить к подключениям…" : "Apply to connections…" })
    .click();
  const list = page.getByRole("dialog").getByRole("checkbox");
  for (const at of [5, 6, 10]) await list.nth(at).check();
}

/** Everything that is looked at. */
export const screens = [
  { name: "overview" },
  { name: "overview-partial", world: "partial" },
  { name: "overview-calm", world: "calm" },
  { name: "overview-empty", world: "empty" },
  { name: "overview-unconnected", world: "unconnected" },
  { name: "overview-failing", world: "failing" },
  { name: "overview-loading", world: "slow" },
  {
    name: "overview-100000",
    world: "big",
    ready: '[role="grid"] [data-row]',
    act: async (page) => {
      await page.focus('[role="grid"]');
      await page.keyboard.press("End");
      await page.waitForSelector('[data-row="client-99999"][data-active="true"]');
    },
    check: async (page, expect) => {
      const rows = await page.locator('[role="grid"] [data-row]').count();
      expect(rows > 5 && rows < 80, `${rows} rows are in the page, only those in sight should be`);
      expect(
        (await page.getAttribute('[role="grid"]', "aria-rowcount")) === "100002",
        "the grid does not say how many rows there are",
      );
    },
  },
  {
    name: "overview-keyboard",
    ready: '[role="grid"] [data-row]',
    act: async (page) => {
      await page.focus('[role="grid"]');
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.waitForSelector('[role="tablist"]');
    },
    check: async (page, expect) => expect(page.url().includes("/clients/client-1"), `Enter opened ${page.url()}`),
  },
  {
    name: "alerts",
    act: async (page) => {
      await page.getByRole("button", { name: /^(Оповещения|Alerts):/ }).click();
      await page.waitForSelector("aside h3");
    },
  },
  {
    name: "alerts-none",
    world: "calm",
    act: async (page) => {
      await page.getByRole("button", { name: /^(Оповещений нет|Alerts: none)/ }).click();
      await page.waitForSelector("aside h2");
    },
  },
  {
    name: "anomalies",
    at: "/overview?anomalies=all",
    ready: "aside li button",
    act: async (page) => {
      const row = page.locator("aside li").filter({ hasText: /CPC/ });
      await row.getByRole("button", { name: /^(Пропустить|Ignore)/ }).click();
      await row.getByRole("button", { name: /^(Вернуть|Take back)/ }).waitFor();
    },
  },
  { name: "anomalies-none", world: "calm", at: "/overview?anomalies=all", ready: "aside h2" },
  { name: "clients", at: "/clients" },
  { name: "clients-empty", world: "empty", at: "/clients" },
  { name: "clients-failing", world: "failing", at: "/clients" },
  { name: "client-new", at: "/clients?new=1", ready: '[role="dialog"]' },
  { name: "client-statistics", at: "/clients/client-0?period=last_30", ready: '[data-testid="chart"] svg' },
  {
    name: "client-ads",
    at: "/clients/client-5?period=last_90&grain=week",
    ready: '[data-testid="pivot"] [data-row]',
    act: async (page, look) => {
      await page
        .getByRole("button", { name: look.lang === "ru" ? "Объявления" : "Ads", exact: true })
        .first()
        .click();
      await page.waitForTimeout(300);
    },
    check: async (page, expect) =>
      expect(page.url().includes("rows=ad"), `the address does not name the rows: ${page.url()}`),
  },
  {
    name: "client-months",
    at: "/clients/client-5?period=last_90&grain=month&rows=month,campaign,by-goal",
    ready: '[data-testid="pivot"] [data-row]',
    act: async (page) => {
      await page.focus('[data-testid="pivot"]');
      for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
      await page.waitForSelector('[data-kind="breakdown"]');
    },
    check: async (page, expect) => {
      const open = await page.locator('[data-testid="pivot"] [data-active="true"]').getAttribute("aria-level");
      expect(open === "2", `the arrows led to level ${open}`);
    },
  },
  {
    name: "client-chart-keys",
    at: "/clients/client-0?period=last_30",
    ready: '[data-testid="chart"] svg',
    act: async (page) => {
      await page.focus('[data-testid="chart"]');
      for (const key of ["Home", "ArrowRight", "End"]) await page.keyboard.press(key);
    },
    check: async (page, expect) => {
      const said = await page.locator('[data-testid="chart"] [aria-live]').textContent();
      expect(/19/.test(said ?? ""), `the last day is not said: ${said}`);
    },
  },
  {
    name: "client-chart-table",
    at: "/clients/client-0?period=last_30",
    ready: '[data-testid="chart"] svg',
    act: async (page) => {
      await page.click('[data-testid="chart-view"]');
      await page.waitForSelector('[role="grid"] [data-row="2026-10-21"]');
    },
  },
  {
    name: "client-100000",
    world: "big",
    at: "/clients/client-6?period=last_30&rows=ad",
    ready: '[data-testid="pivot"] [data-row]',
    act: async (page) => {
      await page.focus('[data-testid="pivot"]');
      await page.keyboard.press("End");
      await page.waitForSelector('[data-testid="pivot"] [data-active="true"][aria-posinset="100000"]');
    },
    check: async (page, expect) => {
      const rows = await page.locator('[data-testid="pivot"] [data-row]').count();
      expect(rows > 5 && rows < 80, `${rows} rows are in the page, only those in sight should be`);
    },
  },
  { name: "client-plan", at: "/clients/client-0?tab=plan", ready: '[role="grid"] [data-row]' },
  {
    name: "client-plan-form",
    at: "/clients/client-0?tab=plan",
    ready: '[role="grid"] [data-row]',
    act: async (page, look) => {
      await page.locator('[data-row="client"]').click();
      await page.getByRole("combobox", { name: look.lang === "ru" ? "Распределение" : "Divided" }).click();
      await page.getByRole("option", { name: look.lang === "ru" ? "по дням недели" : "by weekday" }).click();
    },
  },
  { name: "client-connections", at: "/clients/client-0?tab=connections", ready: '[role="grid"] [data-row]' },
  { name: "client-unconnected", world: "unconnected", at: "/clients/client-0" },
  { name: "client-gone", at: "/clients/nobody", ready: '[role="alert"]' },
  { name: "integrations", at: "/integrations" },
  { name: "integrations-empty", world: "unconnected", at: "/integrations" },
  { name: "integrations-failing", world: "failing", at: "/integrations", ready: '[role="alert"]' },
  { name: "integrations-loading", world: "slow", at: "/integrations" },
  { name: "integrations-system", at: "/integrations/systems/vk_ads" },
  { name: "connection", at: "/integrations/connections/conn-client-5-0" },
  {
    name: "connection-template",
    at: "/integrations/connections/conn-client-5-0",
    ready: '[data-testid="template"]',
    act: (page) => page.getByTestId("template").evaluate((part) => part.scrollIntoView()),
  },
  {
    name: "connection-follows",
    at: `/integrations/connections/${FOLLOWER}`,
    ready: '[data-testid="template"]',
    act: (page) => page.getByTestId("template").evaluate((part) => part.scrollIntoView()),
  },
  {
    // Two values of its own, one of them on its way back.
    name: "connection-own-values",
    at: `/integrations/connections/${FOLLOWER}`,
    ready: '[data-testid="template"]',
    act: async (page) => {
      const back = page.getByRole("button", { name: /\((НДС|VAT)\)$/ });
      await back.click();
      await back.evaluate((part) => part.scrollIntoView({ block: "end" }));
    },
  },
  {
    name: "template-save",
    at: "/integrations/connections/conn-client-5-0",
    act: async (page, { lang }) => {
      const ru = lang === "ru";
      await page.getByRole("button", { name: ru ? "Сохранить как шаблон…" : "Save as template…" }).click();
      await page.getByRole("dialog").getByRole("textbox").fill("Магазины");
      await page.getByRole("button", { name: ru ? "Сохранить шаблон" : "Save template" }).click();
      await page.waitForTimeout(300);
    },
  },
  { name: "system-templates", at: "/integrations/systems/vk_ads", ready: '[data-testid="templates"]' },
  { name: "template", at: "/integrations/templates/template-shops", ready: '[data-testid="followers"]' },
  {
    name: "template-followers",
    at: "/integrations/templates/template-shops",
    ready: '[data-testid="followers"]',
    act: (page) => page.getByTestId("followers").evaluate((part) => part.scrollIntoView({ block: "end" })),
  },
  { name: "template-gone", at: "/integrations/templates/nobody", ready: "aside h2" },
  {
    name: "template-roll-out",
    at: "/integrations/templates/template-shops",
    act: async (page, { lang }) => {
      await page.getByRole("button", { name: lang === "ru" ? "Что изменится…" : "What will change…" }).click();
      await page.waitForSelector('[data-testid="plan"] li');
    },
  },
  {
    name: "template-roll-out-stale",
    world: "calm",
    at: "/integrations/templates/template-shops",
    act: async (page, { lang }) => {
      const ru = lang === "ru";
      await page.getByRole("button", { name: ru ? "Что изменится…" : "What will change…" }).click();
      await page.waitForSelector('[data-testid="plan"] li');
      await page.getByRole("button", { name: ru ? /^Применить к \d/ : /^Apply to \d/ }).click();
      await page.waitForSelector('[role="dialog"] [role="alert"]');
    },
  },
  {
    name: "template-apply",
    at: "/integrations/templates/template-plain",
    act: async (page, { lang }) => {
      await openApply(page, lang);
    },
  },
  {
    name: "template-apply-preview",
    at: "/integrations/templates/template-plain",
    act: async (page, { lang }) => {
      await openApply(page, lang);
      await page.getByRole("button", { name: lang === "ru" ? /^Показать, что/ : /^Show what/ }).click();
      await page.waitForSelector('[data-testid="plan"] li');
    },
  },
  {
    name: "template-delete",
    at: "/integrations/templates/template-shops",
    act: async (page, { lang }) => {
      await page.getByRole("button", { name: lang === "ru" ? "Удалить шаблон" : "Delete template" }).click();
      await page.waitForSelector('[role="dialog"]');
    },
  },
  {
    name: "connection-lookback",
    at: "/integrations/connections/conn-client-5-0",
    act: async (page) => {
      await page.locator('[data-testid="lookback-ad_group_stats"] button').click();
      await page.locator('[data-testid="lookback-ad_plan_stats"] button').click();
      await page.locator('[data-testid="lookback-ad_plan_stats"] input').first().fill("4");
    },
  },
  { name: "connection-expired", at: "/integrations/connections/conn-client-0-0", ready: '[role="alert"]' },
  { name: "sign-ins", at: "/integrations/sign-ins", ready: '[data-testid="sign-ins"] li' },
  {
    name: "sign-ins-open",
    at: "/integrations/sign-ins",
    ready: '[data-testid="sign-ins"] li',
    act: async (page) => {
      await page.locator('[data-testid="sign-ins"] summary').first().click();
    },
  },
  { name: "connection-gone", at: "/integrations/connections/nobody", ready: '[role="alert"]' },
  { name: "connect-choose", at: "/integrations/connect/choose", ready: '[role="dialog"]' },
  { name: "connect-sign-in", at: "/integrations/connect/vk_ads", ready: '[data-testid="wizard"]' },
  {
    name: "connect-test",
    at: "/integrations/connect/vk_ads",
    act: (page) => signIn(page, "stuck", '[data-testid="step-sample"][data-state="running"]'),
  },
  {
    name: "connect-failed",
    at: "/integrations/connect/vk_ads",
    act: (page) => signIn(page, "wrong", '[data-testid="step-sign_in"][data-state="failed"]'),
  },
  {
    name: "connect-choice",
    at: "/integrations/connect/vk_ads",
    act: async (page) => {
      await signIn(page, "fine", '[data-testid="step-totals"][data-state="done"]');
      await page.getByTestId("wizard-next").click();
      await page.waitForSelector('[role="switch"]');
    },
    check: async (page, expect) => {
      // The wizard hands the focus to its scrolling region when a step has no field of its own.
      await page.keyboard.press("Tab");
      const ring = (selector) =>
        page.evaluate((selector) => {
          const element = document.querySelector(selector);
          element.focus();
          return getComputedStyle(element).outlineStyle;
        }, selector);
      expect((await ring('[data-testid="wizard"] [data-scrolls]')) === "none", "a ring runs around the whole step");
      expect((await ring('[data-testid="wizard-next"]')) !== "none", "a button with the focus has no ring");
    },
  },
  {
    name: "connect-first-sync",
    at: "/integrations/connect/vk_ads",
    act: async (page) => {
      await signIn(page, "fine", '[data-testid="step-totals"][data-state="done"]');
      await page.getByTestId("wizard-next").click();
      await page.getByTestId("wizard-next").click();
      await page.waitForSelector('[data-testid="wizard"] [role="progressbar"]');
    },
  },
  {
    name: "connect-again",
    at: "/integrations/connections/conn-client-0-0?sign_in=1",
    act: (page) => signIn(page, "fine", '[data-testid="step-totals"][data-state="done"]'),
  },
  { name: "connector-bring", at: "/integrations/manifest" },
  {
    name: "connector-report",
    at: "/integrations/manifest",
    act: (page) => giveManifest(page, "shop.yaml", MANIFEST),
  },
  {
    name: "connector-unreadable",
    at: "/integrations/manifest",
    act: (page) => giveManifest(page, "shop.yaml", "version: 6.48.0\n", '[data-testid="problems"]'),
  },
  { name: "workbench", at: "/integrations/workbench/own_shop", ready: "textarea" },
  {
    name: "workbench-wrong",
    at: "/integrations/workbench/own_shop",
    ready: "textarea",
    act: async (page) => {
      await page.fill("textarea", `${MANIFEST}\n# broken\n`);
      await page.waitForSelector('[data-testid="problems"]');
      await page.locator('[data-testid="problems"] button').click();
    },
  },
  { name: "workbench-copy", at: "/integrations/workbench/vk_ads", ready: "textarea" },
  { name: "workbench-gone", at: "/integrations/workbench/nobody", ready: '[role="alert"]' },
  { name: "test-read-start", at: "/integrations/workbench/own_shop?tab=test", ready: '[data-testid="test-read"]' },
  { name: "test-read", at: "/integrations/workbench/own_shop?tab=test", act: (page) => testRead(page, "orders") },
  {
    name: "test-read-requests",
    at: "/integrations/workbench/own_shop?tab=test",
    act: async (page) => {
      await testRead(page, "orders");
      await page.locator('[data-testid="test-results"] [data-tab="requests"]').click();
    },
  },
  {
    name: "test-read-failed",
    at: "/integrations/workbench/own_shop?tab=test",
    act: (page) => testRead(page, "refunds"),
  },
  {
    name: "mapping",
    at: "/integrations/workbench/own_shop?tab=test",
    act: async (page) => {
      await testRead(page, "campaign_stats");
      await page.locator('[data-tab="mapping"]').click();
      await page.waitForSelector('[data-testid="mapping-preview"] [data-row]');
    },
  },
  { name: "mapping-kept", at: "/integrations/workbench/own_shop?tab=mapping", ready: "nav [aria-current]" },
  {
    name: "records",
    at: "/integrations/records/conn-client-6-2",
    ready: '[data-testid="records"] [data-row]',
    act: async (page) => {
      await page.locator('[data-testid="records"] [data-row="3"]').click();
      await page.waitForSelector("aside pre");
    },
  },
  {
    name: "records-100000",
    at: "/integrations/records/conn-client-6-2",
    ready: '[data-testid="records"] [data-row]',
    act: async (page) => {
      await page.focus('[data-testid="records"]');
      await page.keyboard.press("End");
      await page.waitForSelector('[data-row="99999"][data-active="true"] data[value="100000"]');
    },
    check: async (page, expect) => {
      const rows = await page.locator('[data-testid="records"] [data-row]').count();
      expect(rows > 5 && rows < 80, `${rows} rows are in the page, only those in sight should be`);
    },
  },
  { name: "records-empty", at: "/integrations/records/conn-client-6-2?stream=refunds", ready: "nav [aria-current]" },
  { name: "connection-records", at: "/integrations/connections/conn-client-6-2" },
  { name: "changes", at: "/integrations/changes", ready: '[data-testid="changes"] li' },
  { name: "changes-none", world: "empty", at: "/integrations/changes" },
  {
    name: "changes-chosen",
    at: "/integrations/changes",
    ready: '[data-testid="changes"] li',
    act: async (page) => {
      for (const box of await page.locator('[data-testid="changes"] input[type="checkbox"]').all()) await box.check();
    },
  },
  {
    name: "quarantine",
    at: "/integrations/quarantine/conn-client-5-0",
    ready: '[data-testid="quarantine"] [data-row]',
    act: async (page) => {
      await page.focus('[data-testid="quarantine"]');
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.waitForTimeout(150);
    },
    check: async (page, expect) => {
      const rows = await page.locator('[data-testid="quarantine"] [data-row]').count();
      expect(rows > 5 && rows < 80, `${rows} rows are in the page, only those in sight should be`);
    },
  },
  { name: "quarantine-clean", at: "/integrations/quarantine/conn-client-6-2" },
  { name: "connection-answers", at: "/integrations/connections/conn-client-5-0", ready: '[data-testid="answers"]' },
  {
    name: "connection-folder",
    at: "/integrations/connections/conn-client-0-1",
    ready: '[data-testid="watched-folder"]',
    act: async (page) => {
      const part = page.getByTestId("watched-folder");
      await part.getByRole("textbox").fill("/home/anna/Отчёты/МТС");
      await page.keyboard.press("Enter");
      await part.locator("li").first().waitFor();
      await part.evaluate((it) => it.scrollIntoView());
    },
  },
  {
    name: "connection-no-folder",
    at: "/integrations/connections/conn-client-0-1",
    ready: '[data-testid="watched-folder"]',
    act: (page) => page.getByTestId("watched-folder").evaluate((it) => it.scrollIntoView()),
  },
  {
    name: "import-hover",
    act: async (page) => {
      await dragFiles(page, "dragover", ["a.csv"]);
      await page.waitForSelector('[data-testid="drop-veil"]');
    },
  },
  {
    name: "import-several",
    act: async (page) => {
      await dragFiles(page, "drop", ["known-октябрь.csv", "Отчёт для клиента.xlsx", "broken.csv", "known-ноябрь.csv"]);
      await page.waitForSelector('[data-testid="dropped-commit"]:not([disabled])');
    },
  },
  { name: "import-drop", at: "/integrations?import=1", ready: '[data-testid="import"]' },
  { name: "import-preset", at: "/integrations?import=1&system=weborama", ready: '[data-testid="usual-export"]' },
  {
    name: "import-preset-file",
    at: "/integrations?import=1&client=client-1&system=mts_rtb",
    act: (page) => giveFile(page, "mts-2026-11.csv", 'footer [role="status"]'),
  },
  {
    name: "import",
    at: "/integrations?import=1&client=client-1",
    act: (page) => giveFile(page, "yandex_direct-2026-11.csv", '[data-testid="bad-rows"]'),
  },
  {
    name: "import-refused",
    at: "/integrations?import=1",
    act: (page) => giveFile(page, "broken.xls", '[role="alert"]'),
  },
  { name: "syncs", at: "/syncs", ready: '[data-testid="history"] [data-row]' },
  { name: "syncs-calm", world: "calm", at: "/syncs", ready: '[data-testid="history"] [data-row]' },
  { name: "syncs-battery", world: "battery", at: "/syncs", ready: '[data-testid="history"] [data-row]' },
  { name: "syncs-empty", world: "empty", at: "/syncs" },
  { name: "syncs-failing", world: "failing", at: "/syncs", ready: '[role="alert"]' },
  { name: "syncs-loading", world: "slow", at: "/syncs" },
  {
    name: "syncs-strip",
    at: "/syncs",
    ready: '[data-testid^="strip-"]',
    act: async (page) => {
      await page.focus('section [role="grid"][aria-multiselectable]');
      for (const key of [
        "ArrowDown",
        "ArrowDown",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
        "Shift+ArrowLeft",
        "Shift+ArrowLeft",
        "Enter",
      ])
        await page.keyboard.press(key);
      await page.waitForTimeout(200);
    },
    check: async (page, expect) =>
      expect(
        (await page.locator('[role="gridcell"][aria-selected="true"][data-index]').count()) === 3,
        "three days should be chosen",
      ),
  },
  { name: "run", at: "/syncs/run-2", ready: '[data-testid="run-drawer"]' },
  ...["waits", "quarantine", "requests", "log"].map((part) => ({
    name: `run-${part}`,
    at: "/syncs/run-2",
    ready: '[data-testid="run-drawer"]',
    act: async (page) => {
      await page.click(`[data-tab="${part}"]`);
      if (part === "quarantine") await page.getByRole("button", { name: /Показать строки|Show the rows/ }).click();
      await page.waitForTimeout(150);
    },
  })),
  { name: "run-waiting", at: "/syncs/run-3", ready: '[data-testid="run-drawer"]' },
  { name: "run-failed", at: "/syncs/run-1004", ready: '[data-testid="run-drawer"]' },
  { name: "run-gone", at: "/syncs/nobody", ready: '[role="alert"]' },
  { name: "audit", at: "/audit", ready: '[role="grid"] [data-row]' },
  { name: "audit-broken", world: "partial", at: "/audit", ready: '[role="grid"] [data-row]' },
  { name: "settings", at: "/settings" },
  {
    name: "settings-battery",
    at: "/settings",
    act: async (page, { lang }) => {
      await page.getByRole("heading", { name: lang === "ru" ? "Батарея" : "Battery" }).scrollIntoViewIfNeeded();
    },
  },
  { name: "settings-empty", world: "empty", at: "/settings" },
  { name: "settings-failing", world: "failing", at: "/settings", ready: '[role="alert"]' },
  {
    name: "channel-telegram",
    at: "/settings?channel=new-telegram",
    ready: "aside",
    act: async (page) => {
      await page.locator('aside input[type="password"]').fill("not-a-real-token");
      await page.getByRole("button", { name: /^(Найти чат|Find the chat)$/ }).click();
      await page.getByRole("button", { name: "Дежурные аналитики" }).last().click();
      await page.getByRole("button", { name: /^(Отправить проверку|Send a test)$/ }).click();
      await page.getByText(/^(Сообщение в чате|The message is in the chat)$/).waitFor();
    },
  },
  { name: "channel-email", at: "/settings?channel=channel-email", ready: "aside" },
  { name: "channel-broken", at: "/settings?channel=channel-slack", ready: "aside" },
  { name: "nowhere", at: "/no/such/screen", ready: "h2" },
  {
    name: "palette",
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.waitForSelector('[role="dialog"] input');
      await page.keyboard.type("рома");
    },
  },
  {
    name: "switcher",
    act: async (page) => {
      await page.keyboard.press("Control+p");
      await page.waitForSelector('[role="listbox"]');
    },
  },
  {
    name: "period",
    act: async (page) => {
      await page.getByTestId("period").click();
      await page.waitForSelector('input[type="date"]');
    },
  },
  {
    name: "shortcuts",
    act: async (page) => {
      await page.keyboard.press("F1");
      await page.waitForSelector('[role="dialog"]');
    },
  },
  {
    name: "offline",
    act: async (page) => {
      await page.context().setOffline(true);
      await page.waitForTimeout(100);
    },
  },
  { name: "first-run", world: "absent", ready: "code" },
  { name: "first-run-passphrase", world: "absent_no_keychain", ready: "code" },
  { name: "locked-passphrase", world: "locked_passphrase" },
  { name: "locked-keychain", world: "locked_keychain" },
  { name: "locked-missing", world: "locked_missing" },
  { name: "locked-denied", world: "locked_denied" },
  { name: "start-failed", world: "broken", ready: '[role="alert"]' },
];

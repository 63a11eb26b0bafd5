/**
 * The screens that are looked at: a name, a story (`world.ts`), an address, and what is done before the picture. `check`
 * adds what only a real browser can say. A feature adds its screens to the list.
 */

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
  { name: "clients", at: "/clients" },
  { name: "clients-empty", world: "empty", at: "/clients" },
  { name: "clients-failing", world: "failing", at: "/clients" },
  { name: "client-new", at: "/clients?new=1", ready: '[role="dialog"]' },
  { name: "client-statistics", at: "/clients/client-0?period=last_30", ready: '[role="grid"] [data-row]' },
  {
    name: "client-ads",
    at: "/clients/client-5?period=last_90",
    ready: '[role="grid"] [data-row]',
    act: async (page, look) => {
      await page
        .getByText(look.lang === "ru" ? "Объявление" : "Ad", { exact: true })
        .first()
        .click();
      await page.waitForTimeout(300);
    },
  },
  { name: "client-connections", at: "/clients/client-0?tab=connections", ready: '[role="grid"] [data-row]' },
  { name: "client-unconnected", world: "unconnected", at: "/clients/client-0" },
  { name: "client-gone", at: "/clients/nobody", ready: '[role="alert"]' },
  { name: "audit", at: "/audit", ready: '[role="grid"] [data-row]' },
  { name: "audit-broken", world: "partial", at: "/audit", ready: '[role="grid"] [data-row]' },
  { name: "settings", at: "/settings" },
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

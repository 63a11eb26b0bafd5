/** Makes every text key and namespace known to the compiler. */
import "i18next";
import type { texts } from "./i18n";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "shared";
    resources: (typeof texts)["en"];
    returnNull: false;
  }
}

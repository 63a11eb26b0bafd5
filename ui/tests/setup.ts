/** What jsdom lacks and our parts need, and the texts every component test reads. */
import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import { startTexts } from "@/app/i18n";

class NoResize {
  observe() {}
  unobserve() {}
  disconnect() {}
}

if (typeof window !== "undefined") {
  window.matchMedia ??= (query: string) =>
    ({
      matches: false,
      media: query,
      onchange: null,
      addEventListener() {},
      removeEventListener() {},
      addListener() {},
      removeListener() {},
      dispatchEvent: () => false,
    }) as MediaQueryList;
  window.ResizeObserver ??= NoResize;
  // A field that grows with its text measures itself again when fonts arrive.
  if (!("fonts" in document))
    Object.defineProperty(document, "fonts", { configurable: true, value: new EventTarget() });
  Element.prototype.scrollIntoView ??= () => {};
  Element.prototype.scrollTo ??= () => {};
  // jsdom has no layout; the virtual table needs to believe that it stands in a window.
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => 600 });
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, get: () => 1_000 });
  startTexts();
  // A busy machine is slow, not wrong: what is waited for may take a while, and a missing thing still fails.
  configure({ asyncUtilTimeout: 8_000 });
  afterEach(cleanup);
}

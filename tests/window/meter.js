// Measures from inside the page how it answers while the backend works. The driver runs this once; it stays until the page is
// loaded anew. Three things are noted: a heartbeat (a page that stalls has a long gap between two beats), what each command took
// from the call to the last byte of its answer, and how long a press takes until its effect is painted.
const EVERY_MS = 50;

const meter = { beats: [], commands: {}, began: performance.now() };
window.meter = meter;

let beat = meter.began;
setInterval(() => {
  const now = performance.now();
  meter.beats.push(now - beat);
  beat = now;
}, EVERY_MS);

// Tauri's own function to call the backend cannot be replaced, and it ends in `fetch`, which can.
const fetched = window.fetch;
window.fetch = async (address, options) => {
  const asked = performance.now();
  const response = await fetched(address, options);
  if (typeof options?.body === "string") {
    const { command } = JSON.parse(options.body);
    const copy = response.clone();
    copy.arrayBuffer().then((body) => {
      meter.commands[command] ??= { millis: [], bytes: 0 };
      const seen = meter.commands[command];
      seen.millis.push(performance.now() - asked);
      seen.bytes = Math.max(seen.bytes, body.byteLength);
    });
  }
  return response;
};

// Waits for the next press and then for `shown` to hold and be painted. A press counts from the moment the system made it, so the
// time it had to wait for a busy page is in it.
meter.arm = (shown) => {
  meter.took = new Promise((resolve) => {
    let pressed = null;
    const end = () => {
      if (pressed === null || !shown()) return;
      observer.disconnect();
      removeEventListener("pointerdown", onPress, true);
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - pressed)));
    };
    const onPress = (event) => {
      pressed ??= event.timeStamp;
    };
    const observer = new MutationObserver(end);
    addEventListener("pointerdown", onPress, true);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  });
};

// Everything noted so far, for the test.
meter.read = () => ({
  beats: meter.beats,
  commands: meter.commands,
  expected: (performance.now() - meter.began) / EVERY_MS,
});

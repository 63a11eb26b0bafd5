/** What axe finds wrong with a part, as sentences. Colours need a real browser and are looked at in `npm run test:browser`. */
import axe from "axe-core";

/** Serious and critical violations; none is what a test expects. */
export async function violations(part: Element): Promise<string[]> {
  const result = await axe.run(part, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    rules: { "color-contrast": { enabled: false } },
  });
  return result.violations
    .filter((found) => found.impact === "serious" || found.impact === "critical")
    .map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" ")}`);
}

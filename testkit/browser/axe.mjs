// What a page has that keeps people out, as axe-core sees it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * The faults of a page whose impact is in `impacts`, one line each; none is an empty array. Works under
 * any content security policy: the debugger runs it, not the page.
 */
export async function accessibilityFaults(page, impacts = ["serious", "critical"]) {
  // A page that was looked at already has it.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(SOURCE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impacts.includes(impact))
    .flatMap(({ id, impact, help, nodes }) => nodes.map(({ target }) => `${id} (${impact}): ${help}: ${target.join(" ")}`));
}

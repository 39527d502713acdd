// Runs cases in the page, by the runner that Node has: the same steps through the same interface.
import { Site } from "/runner/place.mjs";
import { runPure, runSteps } from "/runner/run.mjs";

// What the runner asks of Node that a page has by another name.
globalThis.Buffer ??= { byteLength: (text) => new TextEncoder().encode(text).length };

/** For each case, in order: nothing, or why it failed. */
export async function run(cases, store, folder, rest) {
  const faults = [];
  for (const { name, one } of cases) {
    try {
      const site = new Site(store, folder, one.connect, rest);
      try {
        await ("in" in one ? runPure(name, one, site) : runSteps(one, site));
      } finally {
        await site.reopen();
      }
      faults.push(null);
    } catch (error) {
      faults.push(String(error.stack ?? error));
    }
  }
  return faults;
}

// Runs cases in the page, by the runner that Node has: the same steps through the same interface.
import { Site } from "/runner/place.mjs";
import { runPure, runSteps } from "/runner/run.mjs";

// What the runner asks of Node that a page has by another name.
globalThis.Buffer ??= { byteLength: (text) => new TextEncoder().encode(text).length };

/** Cases that run at once: each has a store of its own, and most of one is waiting. */
const AT_ONCE = 8;

/** For each case, in order: nothing, or why it failed. */
export async function run(cases, store, folder, rest) {
  const faults = [];
  const left = cases.entries();
  const next = async () => {
    for (const [at, { name, one }] of left) faults[at] = await fault(name, one, new Site(store, folder, one.connect, rest));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return faults;
}

async function fault(name, one, site) {
  try {
    try {
      await ("in" in one ? runPure(name, one, site) : runSteps(one, site));
    } finally {
      await site.reopen();
    }
    return null;
  } catch (error) {
    return String(error.stack ?? error);
  }
}

// Starts headless Chromium: the one that `CHROMIUM` names, else the machine's.
import { accessSync, constants } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// Nothing here asks anything of a network: a start that looks for updates waits for hosts that a closed
// network refuses. The sandbox needs rights that root and many containers lack; pages are the tests' own.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Where Chromium is. Throws an error that says how to get it. */
export function browserPath() {
  const places = process.env.CHROMIUM ? [process.env.CHROMIUM] : PLACES;
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      return place;
    } catch {
      // The next one.
    }
  }
  const named = process.env.CHROMIUM ? "CHROMIUM names no program that runs" : "there is no Chromium";
  throw new Error(`${named} (looked for ${places.join(", ")}): scripts/setup.sh browser, or apt-get install chromium`);
}

/**
 * A browser of playwright-core, with a profile of its own that goes when it is closed. `options` are
 * those of `chromium.launch`; `args` are added to the flags.
 */
export function launch({ args = [], ...options } = {}) {
  return chromium.launch({ executablePath: browserPath(), headless: true, ...options, args: [...FLAGS, ...args] });
}

/**
 * How long a wait lasts.
 *
 * @module
 */

import { invalid } from "./failure.js";

/** How long a wait lasts that is told nothing, in milliseconds. */
const WAIT = 300_000;

/** What a wait can be told. */
export const WAITS = ["timeout", "signal", "pollInterval"] as const;

/** Milliseconds as seconds; no limit is `null`. */
export function limit(timeout: number | null = WAIT): number | null {
  if (timeout === null || timeout === Infinity) return null;
  if (typeof timeout !== "number") throw invalid("timeout", "must be a number of milliseconds");
  return timeout / 1000;
}

/**
 * The server's time, as far as this page knows it: its own clock may be an hour off.
 *
 * @module
 */

import { signal } from "@preact/signals";

let offset = 0;
let spread = Infinity;

/** The server's time in milliseconds. Moves every second while the page is looked at. */
export const now = signal(Date.now());

/** The server's time in milliseconds, exactly. */
export function exactNow(): number {
  return Date.now() + offset;
}

/** What the page's clock said when its other one, which nobody sets, began. */
const began = () => Date.now() - performance.now();
let known = began();

/**
 * Learns from an answer's time; the quickest answers know best. What was learned is not kept for ever:
 * clocks drift, and are set, and stand still while a machine sleeps.
 */
export function measure(told: string | null, asked: number, answered: number): void {
  if (told === null) return;
  const at = Date.parse(told);
  if (Number.isNaN(at)) return;
  if (Math.abs(began() - known) > 1_000) spread = Infinity;
  known = began();
  if (answered - asked > spread * 2) {
    spread *= 1.5;
    return;
  }
  spread = Math.max(answered - asked, 1);
  const found = at - (Date.now() - (answered - asked) / 2);
  // What two clocks of one machine may differ by says nothing.
  const before = offset;
  offset = Math.abs(found) < 250 ? 0 : found;
  if (Math.abs(offset - before) > 1_000) now.value = exactNow();
}

setInterval(() => {
  if (!document.hidden) now.value = exactNow();
}, 1000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = exactNow();
});

/**
 * A clock that tests move.
 *
 * @module
 */

import { invalid, now } from "./failure.js";
import { type NativeClock, native } from "./native.js";

/**
 * Stands still until it is moved. A client that lives by it promotes, rescues and prunes nothing
 * until `client.sweep()` is called. Starts at 2030-01-01T00:00:00Z unless told otherwise.
 */
export class ManualClock {
  /** @internal */
  readonly native: NativeClock;

  /** @throws InvalidArgumentError for a `start` that is no valid `Date` */
  constructor(start?: Date) {
    this.native = new native.ManualClock(start === undefined ? null : millis(start));
  }

  /** Moves time forward. */
  advance(seconds: number): void {
    now(() => this.native.advance(seconds));
  }

  /** The time. */
  now(): Date {
    return new Date(this.native.millis());
  }
}

function millis(start: Date): number {
  // Not by class: the page or the test may have a `Date` of its own.
  const at: unknown = typeof start?.getTime === "function" ? start.getTime() : undefined;
  if (typeof at !== "number" || Number.isNaN(at)) throw invalid("start", "must be a valid Date");
  return at;
}

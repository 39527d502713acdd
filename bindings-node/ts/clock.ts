/**
 * A clock that tests move.
 *
 * @module
 */

import { now } from "./failure.js";
import { type NativeClock, native } from "./native.js";

/**
 * Stands still until it is moved. A client that lives by it promotes, rescues and prunes nothing
 * until `client.sweep()` is called. Starts at 2030-01-01T00:00:00Z unless told otherwise.
 */
export class ManualClock {
  /** @internal */
  readonly native: NativeClock;

  constructor(start?: Date) {
    this.native = new native.ManualClock(start === undefined ? null : start.getTime());
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

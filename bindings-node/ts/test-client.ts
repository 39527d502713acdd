/**
 * A client for tests of handlers and of what submits tasks.
 *
 * @module
 */

import { Client } from "./client.js";
import { ManualClock } from "./clock.js";
import type { ConnectOptions, TaskMap } from "./options.js";

/**
 * A client of a store in memory, private to it, with a clock that stands still. Its workers work as
 * ever; delays, backoffs and retention pass when the clock is moved.
 */
export class TestClient<M extends TaskMap<M> = TaskMap> extends Client<M> {
  readonly clock: ManualClock;

  constructor(options: Omit<ConnectOptions, "clock"> = {}) {
    const clock = new ManualClock();
    super("memory:", { seedlessJitter: true, ...options, clock });
    this.clock = clock;
  }

  /** Moves the clock forward, and promotes, rescues and prunes what is due then. */
  async advance(seconds: number): Promise<void> {
    this.clock.advance(seconds);
    await this.sweep();
  }
}

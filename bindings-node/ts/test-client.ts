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

/** Where a runner of tests takes what is to be done after a test: `t` of `node:test`. */
export interface TestScope {
  after(run: () => Promise<void>): void;
}

/** A client that is closed when the test is over: `testClient(t)` in a test of `node:test`. */
export function testClient<M extends TaskMap<M> = TaskMap>(
  scope: TestScope,
  options: Omit<ConnectOptions, "clock"> = {},
): TestClient<M> {
  const client = new TestClient<M>(options);
  scope.after(() => client.close());
  return client;
}

/** What tests with {@link clientFixture} are given. */
export interface ClientFixture {
  /** The test's own. It is closed when the test is over. */
  client: TestClient;
}

/** A fixture of vitest, and of runners like it: `test.extend<ClientFixture>(clientFixture)`. */
export const clientFixture = {
  // Runners read the names that a fixture needs from this very pattern.
  client: async ({}: object, use: (client: TestClient) => Promise<void>): Promise<void> => {
    const client = new TestClient();
    try {
      await use(client);
    } finally {
      await client.close();
    }
  },
};

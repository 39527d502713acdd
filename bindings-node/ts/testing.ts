/**
 * For tests of handlers and of what submits tasks: a clock that is moved by hand, and a real server.
 *
 * @module
 */

import { Client } from "./client.js";
import { answer } from "./failure.js";
import type { NativeServer } from "./native.js";
import type { ConnectOptions } from "./options.js";

export { ManualClock } from "./clock.js";
export { type ClientFixture, TestClient, type TestScope, clientFixture, testClient } from "./test-client.js";

/** How a server of a test listens. */
export interface TestServerOptions extends ConnectOptions {
  /** Address and port. Default `127.0.0.1:0`: any free port. */
  listen?: string;
  /** The key that callers must send. */
  apiKey?: string;
  /** How long a stop waits for connections, in seconds. */
  grace?: number;
  /** Origins of pages that may call it: `SCHEME://HOST[:PORT]`, or `*`. Default: none. */
  corsOrigins?: readonly string[];
}

/** A server in this process that answers by HTTP what a store answers. */
export class TestServer implements AsyncDisposable {
  /** A client of the store itself. */
  readonly client: Client;
  readonly #native: NativeServer;

  private constructor(client: Client, server: NativeServer) {
    this.client = client;
    this.#native = server;
  }

  /** Serves the store at `url`. */
  static async start(
    url = "memory:",
    { listen, apiKey, grace, corsOrigins, ...options }: TestServerOptions = {},
  ): Promise<TestServer> {
    const client = new Client(url, options);
    try {
      return new TestServer(client, await client.serve({ listen, apiKey, grace, corsOrigins }));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Where it answers. */
  get url(): string {
    return this.#native.url();
  }

  /** Stops it and closes its store. Again is no error. */
  async stop(): Promise<void> {
    await answer(() => this.#native.stop());
    await this.client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

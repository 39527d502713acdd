/**
 * The client that a part of a page shares, made when it is first needed and closed when nobody is left.
 *
 * @module
 */

import { Client } from "../outbox/client.js";
import { defaultUrl } from "../platform.js";
import { Lanes } from "./lanes.js";

/** Where to connect, or the client to use. */
export interface ConnectionOptions {
  /** The server; else the one that the page came from. */
  endpoint?: string | undefined;
  apiKey?: string | undefined;
  /** Whose tasks. */
  tenantId?: string | undefined;
  /** A client of one's own, which is never closed here; nothing else is looked at then. */
  client?: Client | undefined;
}

/** Stands for the client while a page is rendered that says of no server: whoever uses it is told so. */
const NOWHERE: Client = new Proxy(Object.create(Client.prototype), {
  get: (client, name) => (name in client && !(name in Object.prototype) ? defaultUrl() : undefined),
});

/** A client on loan. */
export class Connection {
  readonly #given: Client | undefined;
  readonly #options: Record<string, string>;
  /** The streams that its tasks share. */
  readonly lanes = new Lanes(() => this.client);
  #made: Client | undefined;
  #holders = 0;

  constructor({ client, ...options }: ConnectionOptions = {}) {
    this.#given = client;
    // An option that is left out has to be absent.
    const given = Object.entries(options).filter((option): option is [string, string] => option[1] != null);
    this.#options = Object.fromEntries(given);
  }

  /**
   * The client. Nothing is made before somebody asks: a page that is rendered on a server needs none.
   *
   * @throws InvalidUrlError, InvalidArgumentError
   */
  get client(): Client {
    if (this.#given !== undefined) return this.#given;
    // A server that renders pages is not the one that they will come from.
    if (this.#options.endpoint === undefined && globalThis.location === undefined) return NOWHERE;
    // A part of a page that is never shown begins nothing; one that is shown holds it.
    this.#made ??= new Client({ ...this.#options, outbox: { resume: false } });
    return this.#made;
  }

  /** What names the server and tenant: a new key for the same place leads to the same tasks. */
  get place(): unknown {
    const { endpoint = "", tenantId = "" } = this.#options;
    return this.#given ?? JSON.stringify([endpoint, tenantId]);
  }

  /** Holds the client; answers how to let go. The last one to go closes it. */
  hold(): () => void {
    this.#holders += 1;
    if (this.#given === undefined) this.#resume();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      // Whoever is taken down and put up again in the same breath keeps it: React's StrictMode does so.
      queueMicrotask(() => this.#holders === 0 && this.#close());
    };
  }

  /** Sends what earlier pages left. */
  #resume(): void {
    try {
      const { client } = this;
      if (/^https?:/.test(client.location)) void client.outbox.resume();
    } catch {
      // A wrong endpoint is told to whoever asks for something.
    }
  }

  #close(): void {
    const made = this.#made;
    this.#made = undefined;
    void made?.close().catch(() => {});
  }
}

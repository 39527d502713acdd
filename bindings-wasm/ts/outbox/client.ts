/**
 * The client of a browser: the shared one, and an outbox.
 *
 * @module
 */

import { Client as Connected } from "../client.js";
import { invalid } from "../failure.js";
import type { Submission } from "../generated/words.js";
import type { CallOptions, ConnectOptions, SubmitTaskOptions, TaskMap } from "../options.js";
import type { OfflineTaskOptions, QueuedSubmission } from "./entry.js";
import { Outbox } from "./outbox.js";
import { defaultUrl } from "../platform.js";

/** How a client's outbox behaves. */
export interface OutboxOptions {
  /** Keeps the tasks of one user of the browser apart from those of another. */
  name?: string;
  /** Whether tasks that earlier pages left are sent without being asked for. Default: yes. */
  resume?: boolean;
}

/** What a connection from a browser can be told. */
export interface WebConnectOptions extends ConnectOptions {
  outbox?: OutboxOptions;
}

type Given = WebConnectOptions & { endpoint?: string };

/**
 * A connection to a server, or to an engine in the page. Code and connections are loaded when they are
 * first needed.
 */
export class Client<M extends TaskMap<M> = TaskMap> extends Connected<M> {
  readonly #outbox: Outbox | undefined;
  /** Sends what the outbox holds, at the outbox's own pace. */
  #postman: Connected | undefined;

  /**
   * Connects to `url`, else `endpoint`, else the server that the page came from. A server is asked
   * nothing yet, unless earlier pages left tasks for it.
   *
   * @throws InvalidUrlError, InvalidArgumentError
   */
  constructor(url?: string, options?: WebConnectOptions);
  constructor(options: Given);
  constructor(first: string | Given = {}, second: WebConnectOptions = {}) {
    const { outbox = {}, ...options } = (typeof first === "string" ? second : { ...first, ...second }) as Given;
    const url = typeof first === "string" ? first : first.endpoint;
    delete options.endpoint;
    super(url, options);
    if (!/^https?:/.test(this.location)) return;
    this.#outbox = new Outbox(lineOf(this.location, options.tenantId, outbox), (request, signal) => {
      // One request for one attempt: how long to pause, and whether to try at all, is the outbox's.
      const retry = { ...options.retry, maxRetries: 0 };
      this.#postman ??= new Connected(url || defaultUrl(), { ...options, retry, breaker: false, patience: 0 });
      return this.#postman.submitTask(JSON.parse(request), { signal });
    });
    if (outbox.resume !== false) void this.#outbox.resume();
  }

  /**
   * The tasks that wait to be sent to this server.
   *
   * @throws InvalidArgumentError when this is no connection to a server
   */
  get outbox(): Outbox {
    if (this.#outbox !== undefined) return this.#outbox;
    throw invalid("offline", "needs a server: an engine in the page is always there");
  }

  /**
   * Stores one task in the browser, on its disk when it resolves, and sends it as soon as the server
   * answers: see {@link Outbox}.
   *
   * @throws InvalidArgumentError, InvalidPayloadError, IdempotencyConflictError,
   *   StoreFullError, StoreUnavailableError when the browser has no room or forbids it
   */
  override submitTask<N extends keyof M & string>(
    options: OfflineTaskOptions<M, N>,
    call?: CallOptions,
  ): Promise<QueuedSubmission>;
  /**
   * Stores one task on the server; durable when it resolves.
   *
   * @throws InvalidArgumentError, InvalidPayloadError, PayloadTooLargeError,
   *   IdempotencyConflictError, QueueFullError
   */
  override submitTask<N extends keyof M & string>(
    options: SubmitTaskOptions<M, N> & { offline?: false },
    call?: CallOptions,
  ): Promise<Submission>;
  override async submitTask(
    options: SubmitTaskOptions<M, any> & { offline?: boolean },
    call: CallOptions = {},
  ): Promise<any> {
    if (typeof options !== "object" || options === null || !("offline" in options)) {
      return super.submitTask(options, call);
    }
    const { offline, ...task } = options;
    if (offline === undefined || offline === false) return super.submitTask(task as SubmitTaskOptions<M, any>, call);
    if (offline !== true) throw invalid("offline", "must be true or false");
    call.signal?.throwIfAborted();
    return this.outbox.add(task);
  }

  /** Drains the workers of this client and lets the server go; the outbox keeps what it has. Again is no error. */
  override async close(): Promise<void> {
    this.#outbox?.close();
    await Promise.all([super.close(), this.#postman?.close()]);
  }
}

/**
 * Connects; see {@link Client}. Rejects when the code that asks a server cannot be loaded: a page that
 * may begin without a network makes a `new Client`.
 */
export async function connect<M extends TaskMap<M> = TaskMap>(
  url?: string,
  options: WebConnectOptions = {},
): Promise<Client<M>> {
  const client = new Client<M>(url, options);
  try {
    await client.ready();
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Whose tasks they are: one server's, one tenant's, one user's. */
function lineOf(location: string, tenantId: string | undefined, { name }: OutboxOptions): string {
  const parts = [tenantId, name].map((part) => encodeURIComponent(part ?? ""));
  return parts.join("") === "" ? location : `${location}#${parts.join("&")}`;
}

/**
 * The outbox: tasks that were submitted while nobody may have been there to take them.
 *
 * @module
 */

import { invalid, text } from "../failure.js";
import { fromCode } from "../generated/errors.js";
import type { Submission } from "../generated/words.js";
import type { CallOptions } from "../options.js";
import { taskRecord } from "../wire.js";
import { check, checkDepth } from "./check.js";
import { type OutboxEntry, type QueuedSubmission, raisedFrom, shown } from "./entry.js";
import { type Send, Sender } from "./sender.js";
import { Storage, hasStorage } from "./storage.js";

/** What tabs tell each other: `added` when there is something to send, `changed` for all else. */
type News = "added" | "changed";

const NOTHING: readonly OutboxEntry[] = [];

/**
 * The tasks of one server and tenant that this browser keeps until they are sent. All tabs of an origin
 * share it.
 *
 * Tasks are sent in the order of their submits, each until the server has answered: what is refused stays
 * here with its error and lets the next one go on; what meets no server, or one that may not be asked,
 * waits and holds the others back. Every task has an idempotency key before it is sent first, so that a
 * task whose answer was lost, with its tab or on its way, is sent again and stored once.
 */
export class Outbox {
  readonly #line: string;
  readonly #storage = new Storage();
  readonly #sender: Sender;
  readonly #listeners = new Set<() => void>();
  /** Those who wait for the next change; told before anything is read. */
  readonly #waiters = new Set<() => void>();
  readonly #online = () => this.#sender.wake();
  #channel: BroadcastChannel | undefined;
  #started = false;
  #closed = false;
  #entries = NOTHING;
  /** The reading that is under way, and whether another has to follow it. */
  #reading: Promise<void> | undefined;
  #stale = false;

  /** @internal */
  constructor(line: string, send: Send) {
    this.#line = line;
    this.#sender = new Sender(line, this.#storage, send, () => this.#tell("changed"));
  }

  /** @internal On disk when it resolves. */
  async add(options: object): Promise<QueuedSubmission> {
    // What cannot be sent is refused now, by the words of a task that is.
    const record = taskRecord(options);
    checkDepth(options, record);
    const given = (options as { idempotencyKey?: unknown }).idempotencyKey;
    const key = given == null ? madeKey() : text("idempotency_key", given);
    if (key === "") throw invalid("idempotency_key", "must not be empty");
    await check(record);
    const request = JSON.stringify({ ...options, idempotencyKey: key });
    const { sent } = await this.#storage.add(this.#line, key, request);
    this.#start();
    this.#tell("added");
    this.#sender.wake();
    return { taskId: sent?.submission.taskId ?? null, queued: true, key };
  }

  /**
   * What waits or was refused, in the order of the submits.
   *
   * @throws StoreUnavailableError, SchemaIncompatibleError
   */
  async list(): Promise<OutboxEntry[]> {
    return (await this.#storage.list(this.#line)).map(shown);
  }

  /**
   * Calls `listener` after each change, in whatever tab; answers how to stop that. With {@link entries}
   * it is what `useSyncExternalStore` wants.
   */
  subscribe(listener: () => void): () => void {
    // Each subscription is one of its own.
    const call = () => listener();
    this.#listeners.add(call);
    this.#start();
    void this.#refresh();
    return () => void this.#listeners.delete(call);
  }

  /** What {@link list} answered last, for those who subscribe: the same array until something changes. */
  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  /**
   * What the server answered for a key, as soon as it did. The last 1,000 answers are remembered.
   *
   * @throws the error by which the server refused it; InvalidArgumentError for a key that is not known
   *   here, or was removed; the signal's reason
   */
  async sent(key: string, { signal }: CallOptions = {}): Promise<Submission> {
    text("key", key);
    for (;;) {
      signal?.throwIfAborted();
      const change = this.#nextChange(signal);
      try {
        const { entry, sent } = await this.#storage.find(this.#line, key);
        if (entry === undefined) {
          if (sent !== undefined) return sent.submission;
          throw invalid("key", "is not in the outbox");
        }
        if (entry.state === "refused") throw raisedFrom(entry.reason!);
        await change.happened;
        if (this.#closed) throw fromCode("client_closed", "the client is closed");
      } finally {
        change.forget();
      }
    }
  }

  /** Has a refused task sent again, at its own place in the order. Answers whether there was one. */
  async retry(key: string): Promise<boolean> {
    const found = await this.#storage.retry(this.#line, text("key", key));
    this.#start();
    if (found) this.#tell("added");
    this.#sender.wake();
    return found;
  }

  /**
   * Takes a task out that was not sent. Answers whether there was one. One that is just being sent may
   * have reached the server.
   */
  async remove(key: string): Promise<boolean> {
    const found = await this.#storage.remove(this.#line, text("key", key));
    if (found) this.#tell("changed");
    return found;
  }

  /**
   * Goes on with what is there, at once. `new Client` and the browser's `online` event do it by
   * themselves. Without storage nothing happens: there is nothing to go on with.
   */
  async resume(): Promise<void> {
    if (!(await this.#storage.exists()) || this.#closed) return;
    this.#start();
    this.#sender.wake();
  }

  /** @internal Sends no more; what is there stays. */
  close(): void {
    this.#closed = true;
    this.#sender.close();
    this.#storage.close();
    this.#channel?.close();
    globalThis.removeEventListener?.("online", this.#online);
    this.#wakeWaiters();
  }

  /** Listens to other tabs and to the browser, from the first use on. */
  #start(): void {
    if (this.#started || this.#closed || !hasStorage()) return;
    this.#started = true;
    globalThis.addEventListener?.("online", this.#online);
    if (typeof BroadcastChannel === "undefined") return;
    this.#channel = new BroadcastChannel(`windlass-outbox:${this.#line}`);
    this.#channel.onmessage = ({ data }: MessageEvent<News>) => {
      if (data === "added") this.#sender.wake();
      this.#changed();
    };
  }

  #tell(news: News): void {
    if (this.#closed) return;
    this.#channel?.postMessage(news);
    this.#changed();
  }

  #changed(): void {
    this.#wakeWaiters();
    if (this.#listeners.size > 0) void this.#refresh();
  }

  #wakeWaiters(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Reads the entries anew, then tells the listeners. Changes that come in the meantime share a reading. */
  #refresh(): Promise<void> {
    this.#stale = true;
    this.#reading ??= (async () => {
      while (this.#stale && !this.#closed) {
        this.#stale = false;
        try {
          this.#entries = await this.list();
        } catch {
          // `list` says why, to those who ask.
          this.#entries = NOTHING;
        }
        for (const listener of [...this.#listeners]) listener();
      }
      this.#reading = undefined;
    })();
    return this.#reading;
  }

  /** The next change from here on. */
  #nextChange(signal?: AbortSignal | null): { happened: Promise<void>; forget: () => void } {
    this.#start();
    let forget = () => {};
    const happened = new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal!.reason);
      this.#waiters.add(resolve);
      signal?.addEventListener("abort", abort, { once: true });
      forget = () => {
        this.#waiters.delete(resolve);
        signal?.removeEventListener("abort", abort);
      };
    });
    // Nobody may come to look.
    happened.catch(() => {});
    return { happened, forget };
  }
}

/** 128 bits by chance; pages without a secure context have no `randomUUID`. */
function madeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `outbox-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

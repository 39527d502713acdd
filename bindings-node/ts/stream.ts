/**
 * Histories and events, followed as they grow.
 *
 * @module
 */

import { answer, invalid, now, text } from "./failure.js";
import { type TaskEvent, type TaskUpdate, readTaskEvent, readTaskUpdate } from "./generated/words.js";
import type { NativeClient, NativeStream } from "./native.js";
import type { CallOptions } from "./options.js";
import { EventEmitter, soon } from "./platform.js";

/** Where to begin, and what ends it. */
export interface StreamOptions extends CallOptions {
  /** The number of the last entry that is known. Default 0: from the beginning. */
  after?: number;
}

/** What listeners of a stream are told. */
export interface StreamListeners {
  /** One entry of the history. */
  update: (update: TaskUpdate) => void;
  /** The handler's answer; the last event. */
  completed: (result: any) => void;
  /** Why there is no answer, or no more history; the last event. */
  error: (error: unknown) => void;
}

/** The number of an entry: native code takes whole ones only. @internal */
export function place(after: number): number {
  if (Number.isSafeInteger(after)) return after;
  throw invalid("after", `must be a whole number of 0 or more, not ${after}`);
}

const EVENTS = ["update", "completed", "error"];

/** The event: a listener to anything else would wait for ever. */
function heard<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): E {
  if (!EVENTS.includes(event)) throw invalid("event", `must be one of ${EVENTS.join(", ")}`);
  if (typeof listener !== "function") throw invalid("listener", "must be a function");
  return event;
}

/** Entries of a source until its end; leaving the loop closes it. @internal */
export async function* entries<T>(
  open: () => NativeStream,
  read: (record: object) => T,
  opened: Set<NativeStream>,
  signal?: AbortSignal | null,
): AsyncGenerator<T, void, undefined> {
  signal?.throwIfAborted();
  const source = now(open);
  const close = () => source.close();
  opened.add(source);
  signal?.addEventListener("abort", close, { once: true });
  try {
    for (;;) {
      const told = await answer(() => source.next());
      if (told === null) break;
      yield read(JSON.parse(told));
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", close);
    opened.delete(source);
    close();
  }
}

/**
 * A task's history until its final entry: iterate it, or listen to it.
 *
 * Listeners get every `update`, then exactly one of `completed` and `error`; a cancelled task is an
 * `error` with `TaskCancelledError`. Without an `error` listener nothing is thrown. The history is
 * followed from the first listener on; an iteration follows it for itself.
 */
export class TaskStream implements AsyncIterable<TaskUpdate>, AsyncDisposable {
  readonly #client: NativeClient;
  readonly #taskId: string;
  readonly #options: StreamOptions;
  readonly #emitter = new EventEmitter();
  readonly #opened = new Set<NativeStream>();
  #follows = false;
  #closed = false;

  /** @internal */
  constructor(client: NativeClient, taskId: string, options: StreamOptions) {
    this.#client = client;
    this.#taskId = taskId;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncGenerator<TaskUpdate, void, undefined> {
    return this.#entries();
  }

  /** Listens. @throws InvalidArgumentError for an event that there is not */
  on<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): this {
    this.#emitter.on(heard(event, listener), listener);
    this.#follow();
    return this;
  }

  /** Listens to the next one. */
  once<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): this {
    this.#emitter.once(heard(event, listener), listener);
    this.#follow();
    return this;
  }

  /** Listens no more. */
  off<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): this {
    this.#emitter.off(event, listener);
    return this;
  }

  /** Another name for `on`. */
  addListener<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): this {
    return this.on(event, listener);
  }

  /** Another name for `off`. */
  removeListener<E extends keyof StreamListeners>(event: E, listener: StreamListeners[E]): this {
    return this.off(event, listener);
  }

  /** Ends it: no more events, iterations end. Again is no error. */
  close(): void {
    this.#closed = true;
    for (const source of this.#opened) source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async *#entries(): AsyncGenerator<TaskUpdate, void, undefined> {
    if (this.#closed) return;
    const { after = 0, signal } = this.#options;
    const open = (): NativeStream => this.#client.updates(text("task_id", this.#taskId), place(after));
    yield* entries(open, readTaskUpdate, this.#opened, signal);
  }

  #follow(): void {
    if (this.#follows) return;
    this.#follows = true;
    // Listeners that are added in the same breath hear everything, too.
    queueMicrotask(() => void this.#tell());
  }

  async #tell(): Promise<void> {
    try {
      let last: TaskUpdate | undefined;
      for await (const update of this.#entries()) {
        if (this.#closed) return;
        this.#emit("update", update);
        last = update;
      }
      if (this.#closed) return;
      if (last?.status === "completed") return this.#emit("completed", last.result);
      // Core makes the error of a task that has no answer.
      const result = JSON.parse(await answer(() => this.#client.result(this.#taskId, 0)));
      this.#emit("completed", result);
    } catch (error) {
      if (!this.#closed && this.#emitter.listenerCount("error") > 0) this.#emit("error", error);
    }
  }

  #emit(event: keyof StreamListeners, value: unknown): void {
    try {
      this.#emitter.emit(event, value);
    } catch (error) {
      // The listener's own, and not of this stream.
      soon(() => {
        throw error;
      });
    }
  }
}

/** What happens to tasks from now on: endless, until the loop is left or it is closed. */
export class EventStream implements AsyncIterable<TaskEvent>, AsyncDisposable {
  readonly #open: () => NativeStream;
  readonly #signal: AbortSignal | null | undefined;
  readonly #opened = new Set<NativeStream>();
  #source: NativeStream | undefined;

  /** @internal */
  constructor(open: () => NativeStream, signal?: AbortSignal | null) {
    // Followed from here on, not from the first turn of a loop.
    this.#source = now(open);
    this.#open = open;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): AsyncGenerator<TaskEvent, void, undefined> {
    const first = this.#source;
    this.#source = undefined;
    return entries(() => first ?? this.#open(), readTaskEvent, this.#opened, this.#signal);
  }

  /** Ends it. Again is no error. */
  close(): void {
    this.#source?.close();
    for (const source of this.#opened) source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

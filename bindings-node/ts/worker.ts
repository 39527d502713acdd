/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A worker: claims jobs as slots become free, runs handlers, hands outcomes back. Both ways one
 * string for many tasks. Leases are renewed by native threads, whatever the event loop does.
 *
 * @module
 */

import { type Told, misfit, returned, threw, toldText } from "./attempt.js";
import { type CancelReason, Context, type Job } from "./context.js";
import { answer, invalid, now } from "./failure.js";
import { type NativeClient, type NativeWorker, startWorker } from "./native.js";
import type { RetryOptions, TaskMap } from "./options.js";
import { identity, onTermination, soon, warn } from "./platform.js";
import { type StandardSchema, fitted } from "./schema.js";
import { taskRecord, workerRecord } from "./wire.js";

/** Jobs claimed at once, at most; core gives no more than there are free slots. */
const CLAIM = 1000;

/** Does one attempt: resolves to the task's result, or throws. Runs again after a crash. */
export type Handler<P = any, R = unknown> = (payload: P, ctx: Context) => R | PromiseLike<R>;

/** A handler with what it declares for tasks that say nothing of it. */
export interface HandlerDefinition<P = any, R = unknown> {
  run: Handler<P, R>;
  /** Longest one attempt may run, in seconds. */
  timeout?: number;
  maxRetries?: number;
  retry?: RetryOptions;
  /** Validates the payload: Zod, Valibot, ArkType and others. A misfit fails the task for good. */
  schema?: StandardSchema<unknown, P>;
}

/** Handlers by task type. */
export type Handlers<M extends TaskMap<M> = TaskMap> = {
  [N in keyof M & string]?: Handler<M[N]["payload"], M[N]["result"]> | HandlerDefinition<M[N]["payload"], M[N]["result"]>;
};

/** What a worker can be told. What is left out has core's default. */
export interface WorkerOptions {
  /** Tasks it runs at once. Default 8. */
  concurrency?: number;
  /** Queues to take from. Default `default`. */
  queues?: readonly string[];
  /** Runs `stateless` and `stateful` tasks that name no function. */
  defaultHandler?: Handler | HandlerDefinition;
  workerId?: string;
  /** Seconds a lease lasts, 1 to 3600. Default 60. */
  lease?: number;
  /** Seconds that running tasks may go on after a drain begins. Default 30. */
  drainGrace?: number;
  /** Seconds that a handler may ignore being asked to stop. Default 10. */
  cancelGrace?: number;
  /** A JSON object shown with the worker. */
  metadata?: Record<string, unknown>;
  /** Whether SIGTERM and SIGINT drain while it runs, and a second one ends it now. Default true. */
  signals?: boolean;
}

/** A worker of a client. Keeps the process alive while it runs. */
export class Worker implements AsyncDisposable {
  readonly #client: NativeClient;
  readonly #handlers: Map<string, HandlerDefinition>;
  readonly #options: WorkerOptions;
  readonly #running: Set<Worker>;
  readonly #attempts = new Map<number, Context>();
  #native: NativeWorker | undefined;
  #ended: Promise<void> | undefined;
  #drains = false;
  #completed: string[] = [];
  #stateful: string[] = [];
  #others: string[] = [];

  /** @internal */
  constructor(client: NativeClient, handlers: Handlers<any>, options: WorkerOptions, running: Set<Worker>) {
    if (typeof options !== "object" || options === null) throw invalid("options", "must be an object");
    this.#client = client;
    this.#options = options;
    this.#running = running;
    this.#handlers = definitions(handlers, options.defaultHandler);
  }

  /** Its id, once it runs. */
  get id(): string | null {
    return this.#native?.id() ?? null;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#native?.running() ?? 0;
  }

  /** Handlers given up because they ignored being asked to stop, and that still run. */
  get abandoned(): number {
    return this.#native?.abandoned() ?? 0;
  }

  /**
   * Works until it is drained. A worker runs once.
   *
   * @throws InvalidArgumentError, before it begins
   */
  run(): Promise<void> {
    this.#ended ??= this.#work();
    return this.#ended;
  }

  /**
   * Stops leasing; what runs has the grace period, the rest goes back uncounted. Resolves when all is
   * settled.
   */
  async drain(): Promise<void> {
    this.#drains = true;
    this.#native?.drain();
    // What went wrong is told to whoever called `run`.
    await this.#ended?.catch(() => {});
  }

  /** Ends now: what runs is asked to stop and goes back to its queue, uncounted. */
  stop(): void {
    this.#drains = true;
    const worker = this.#native;
    if (worker === undefined) return;
    // What has ended in this turn is told as it ended: there may be no other turn.
    if (this.#untold) now(() => worker.completeJson(this.#outcomes()));
    worker.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #work(): Promise<void> {
    const { signals = true, defaultHandler: _, ...options } = this.#options;
    const declared = Array.from(this.#handlers, ([type, { run, schema, ...told }]) => {
      return `${JSON.stringify(type)}:${taskRecord(told)}`;
    });
    const config = workerRecord({ host: identity(), ...options }, `{${declared.join(",")}}`);
    const started = now(() => startWorker(this.#client, config));
    // A promise where native code has to be fetched first.
    const worker = started instanceof Promise ? await answer(() => started) : started;
    this.#native = worker;
    if (this.#drains) worker.drain();
    this.#running.add(this);
    const quiet = signals ? this.#listenToSignals(worker) : undefined;
    try {
      await Promise.all([this.#claim(worker), this.#listen(worker), answer(() => worker.stopped())]);
    } finally {
      // Nothing is left that could run what it would lease.
      worker.stop();
      quiet?.();
      this.#running.delete(this);
    }
  }

  async #claim(worker: NativeWorker): Promise<void> {
    for (;;) {
      const jobs: Job[] = JSON.parse(await answer(() => worker.claimJson(CLAIM)));
      if (jobs.length === 0) return;
      this.#start(worker, jobs);
    }
  }

  #start(worker: NativeWorker, jobs: Job[]): void {
    for (const job of jobs) {
      const context = new Context(job, worker, this.#client);
      this.#attempts.set(job.id, context);
      void this.#attempt(worker, job, context);
    }
  }

  async #attempt(worker: NativeWorker, job: Job, context: Context): Promise<void> {
    const { run, schema } = this.#handlers.get(job.handler)!;
    let told: Told;
    try {
      let payload = job.payload;
      let reason: string | undefined;
      if (schema !== undefined) ({ value: payload, reason } = await fitted(schema, payload));
      told = reason === undefined ? returned(job.handler, await run(payload, context), context) : misfit(reason);
    } catch (thrown) {
      told = threw(thrown, context);
    }
    this.#tell(worker, job.id, told);
  }

  #tell(worker: NativeWorker, id: number, told: Told): void {
    this.#attempts.delete(id);
    if (!this.#untold) {
      // Once for each turn of the loop, however many end in it.
      soon(() => this.#flush(worker));
    }
    if (typeof told === "string") this.#completed.push(`[${id},${told}]`);
    else if ("state" in told) this.#stateful.push(`[${id},${told.result},${told.state}]`);
    else this.#others.push(`[${id},${toldText(told)}]`);
  }

  #flush(worker: NativeWorker): void {
    // Freed slots are filled from what lies ready; the claim under way waits for new work.
    this.#start(worker, JSON.parse(now(() => worker.turnJson(this.#outcomes(), CLAIM))));
  }

  get #untold(): boolean {
    return this.#completed.length + this.#stateful.length + this.#others.length > 0;
  }

  /** What has ended since it was asked for last. */
  #outcomes(): string {
    const stateful = this.#stateful.length === 0 ? "" : `"stateful":[${this.#stateful.join()}],`;
    const outcomes = `{"completed":[${this.#completed.join()}],${stateful}"ended":[${this.#others.join()}]}`;
    this.#completed = [];
    this.#stateful = [];
    this.#others = [];
    return outcomes;
  }

  async #listen(worker: NativeWorker): Promise<void> {
    for (;;) {
      const signals: [number, CancelReason | null][] = JSON.parse(await answer(() => worker.signals()));
      if (signals.length === 0) return;
      for (const [id, reason] of signals) {
        const context = this.#attempts.get(id);
        if (context === undefined) continue;
        if (reason !== null) {
          context.askToStop(reason);
        } else {
          this.#attempts.delete(id);
          warn(`a handler of task ${context.taskId} ignores being asked to stop and is given up`);
        }
      }
    }
  }

  /** Answers how to stop listening. */
  #listenToSignals(worker: NativeWorker): () => void {
    let asked = false;
    return onTermination(() => {
      if (asked) this.stop();
      else worker.drain();
      asked = true;
    });
  }
}

/** The handlers by what selects them; the empty name selects the default one. */
function definitions(handlers: Handlers<any>, defaultHandler: WorkerOptions["defaultHandler"]): Map<string, HandlerDefinition> {
  const named = new Map<string, HandlerDefinition>();
  const add = (name: string, handler: unknown) => {
    const definition = typeof handler === "function" ? { run: handler as Handler } : handler;
    if (typeof (definition as HandlerDefinition | null)?.run !== "function") {
      throw invalid("handlers", `${JSON.stringify(name)} must be a function, or an object with \`run\``);
    }
    const { schema } = definition as HandlerDefinition;
    if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function") {
      throw invalid("schema", `of ${JSON.stringify(name)} must have the Standard Schema interface`);
    }
    named.set(name, definition as HandlerDefinition);
  };
  if (typeof handlers !== "object" || handlers === null) {
    throw invalid("handlers", "must be an object of handlers by task type");
  }
  for (const [name, handler] of Object.entries(handlers)) if (handler !== undefined) add(name, handler);
  if (defaultHandler !== undefined) add("", defaultHandler);
  return named;
}

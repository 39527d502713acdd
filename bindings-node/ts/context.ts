/**
 * What a handler is told about its task, and what it can tell.
 *
 * @module
 */

import { found } from "./compose.js";
import { invalid, now, text } from "./failure.js";
import type { LogLevel } from "./generated/words.js";
import { jsonText } from "./json.js";
import type { NativeClient, NativeWorker } from "./native.js";
import { readUpstream } from "./upstream.js";

/** Why a handler is asked to stop. */
export type CancelReason = "requested" | "timeout" | "shutdown" | "lost";

/** A job as native code hands it out. */
export interface Job {
  id: number;
  handler: string;
  task_id: string;
  task_type: string;
  queue: string;
  attempt: number;
  payload: unknown;
  timeout_seconds?: number;
  labels?: Record<string, string>;
  metadata?: any;
  traceparent?: string;
  batch_id?: string;
  block_id?: string;
  pipeline_id?: string;
  stage?: string;
  state_key?: string;
  state?: unknown;
  idempotency_key?: string;
}

/** `ctx` of a handler. */
export class Context {
  readonly #job: Job;
  readonly #worker: NativeWorker;
  readonly #client: NativeClient;
  readonly #started = Date.now();
  #reason: CancelReason | undefined;
  // Made when it is asked for: most handlers never look.
  #abort: AbortController | undefined;
  /** JSON text of the state as it was, once the handler has looked at it or set it. */
  #before: string | undefined;
  #state: any;

  /** @internal */
  constructor(job: Job, worker: NativeWorker, client: NativeClient) {
    this.#job = job;
    this.#worker = worker;
    this.#client = client;
  }

  get taskId(): string {
    return this.#job.task_id;
  }

  get taskType(): string {
    return this.#job.task_type;
  }

  get queue(): string {
    return this.#job.queue;
  }

  /** Which attempt this is, from 1. */
  get attempt(): number {
    return this.#job.attempt;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#job.labels ?? {};
  }

  /** The object that travels with the task. */
  get metadata(): any {
    return this.#job.metadata ?? null;
  }

  /** W3C trace context. */
  get traceparent(): string | null {
    return this.#job.traceparent ?? null;
  }

  get batchId(): string | null {
    return this.#job.batch_id ?? null;
  }

  /** The block the task is a step of. */
  get blockId(): string | null {
    return this.#job.block_id ?? null;
  }

  /** The pipeline the task is a stage of. */
  get pipelineId(): string | null {
    return this.#job.pipeline_id ?? null;
  }

  /** The task's name in its pipeline. */
  get stage(): string | null {
    return this.#job.stage ?? null;
  }

  /** Tasks with one key run one at a time, in the order of their submission, and share a state. */
  get stateKey(): string | null {
    return this.#job.state_key ?? null;
  }

  /**
   * The state of the task's `stateKey`: as the last task left it, else its `initialState`; `null` while there is
   * none. Assign it, or change the object or array that it is: as it stands when the handler resolves it is stored
   * together with the completion, or not at all.
   *
   * @throws InvalidArgumentError when it is assigned in a task that has no `stateKey`
   */
  get state(): any {
    this.#look();
    return this.#state;
  }

  set state(value: any) {
    if (this.#job.state_key === undefined) throw invalid("state", "the task has no state key to keep a state under");
    this.#look();
    this.#state = value;
  }

  #look(): void {
    if (this.#before !== undefined) return;
    this.#state = this.#job.state ?? null;
    this.#before = JSON.stringify(this.#state);
  }

  /** @internal JSON text of the state where it changed. @throws InvalidPayloadError where it has none */
  changedState(): string | undefined {
    if (this.#before === undefined || this.#job.state_key === undefined) return undefined;
    const text = jsonText("state", this.#state);
    return text === this.#before ? undefined : text;
  }

  /**
   * What a task returned that this one waited for, by the name of its stage; fetched when it is asked for. A task
   * that runs when a batch has ended finds the batch's counts as `batch`.
   *
   * @throws InvalidArgumentError with the field `upstream` when it waited for nothing of that name
   */
  async upstream(name: string): Promise<any> {
    return readUpstream(this.#client, this.#job.task_id, name);
  }

  /** The names that {@link upstream} knows. */
  async upstreamNames(): Promise<string[]> {
    return JSON.parse(await found(this.#client, "upstream_names", this.#job.task_id));
  }

  get idempotencyKey(): string | null {
    return this.#job.idempotency_key ?? null;
  }

  /** When this attempt times out; `null` without a timeout. */
  get deadline(): Date | null {
    const timeout = this.#job.timeout_seconds;
    return timeout === undefined ? null : new Date(this.#started + timeout * 1000);
  }

  /** Why the handler is asked to stop, if it is. */
  get cancelReason(): CancelReason | null {
    return this.#reason ?? null;
  }

  /** Aborted when the handler is asked to stop, with an `AbortError`. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(asked(this.#reason));
    }
    return this.#abort.signal;
  }

  /** Reports progress, 0 to 100. @throws InvalidArgumentError, PayloadTooLargeError */
  progress(percent: number, message?: string): void {
    if (typeof percent !== "number") throw invalid("progress", "must be a number from 0 to 100");
    const told = message == null ? null : text("message", message);
    now(() => this.#worker.progress(this.#job.id, percent, told));
  }

  /** Reports a log line. @throws InvalidArgumentError, PayloadTooLargeError */
  log(message: string, level: LogLevel = "info"): void {
    const line = text("message", message);
    now(() => this.#worker.log(this.#job.id, text("level", level), line));
  }

  /** @internal Asks the handler to stop. */
  askToStop(reason: CancelReason): void {
    this.#reason ??= reason;
    this.#abort?.abort(asked(reason));
  }
}

const TEXT: Record<CancelReason, string> = {
  requested: "the task is cancelled",
  timeout: "the attempt ran past its timeout",
  shutdown: "the worker shuts down",
  lost: "the lease is lost",
};

function asked(reason: CancelReason): DOMException {
  return new DOMException(TEXT[reason], "AbortError");
}

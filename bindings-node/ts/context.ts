/**
 * What a handler is told about its task, and what it can tell.
 *
 * @module
 */

import { invalid, now, text } from "./failure.js";
import type { LogLevel } from "./generated/words.js";
import type { NativeWorker } from "./native.js";

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
  idempotency_key?: string;
}

/** `ctx` of a handler. */
export class Context {
  readonly #job: Job;
  readonly #worker: NativeWorker;
  readonly #started = Date.now();
  #reason: CancelReason | undefined;
  // Made when it is asked for: most handlers never look.
  #abort: AbortController | undefined;

  /** @internal */
  constructor(job: Job, worker: NativeWorker) {
    this.#job = job;
    this.#worker = worker;
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

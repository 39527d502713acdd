/**
 * What callers may say.
 *
 * @module
 */

import type { Priority, TaskKind, TaskState } from "./generated/words.js";
import type { ManualClock } from "./clock.js";

/** Payload and result of one task type. */
export interface TaskShape {
  payload: any;
  result?: any;
}

/** Payload and result of each task type, as an interface or a type; `Client<MyTasks>` checks them. */
export type TaskMap<M = Record<string, unknown>> = { [N in keyof M]: TaskShape };

/** How failed attempts are repeated. What is left out comes from the handler, else from core. */
export interface RetryOptions {
  /** Retries after the first attempt. */
  maxRetries?: number;
  /** Delay before the first retry, in seconds. */
  initialDelay?: number;
  /** Factor from one delay to the next. */
  exponentialBase?: number;
  /** Longest delay, in seconds, before jitter. */
  maxDelay?: number;
  /** Fraction of the delay by which it varies either way. */
  jitter?: number;
  /** Whether an attempt that timed out is retried. */
  retryOnTimeout?: boolean;
}

/** A task to submit. */
export interface SubmitTaskOptions<
  M extends TaskMap<M> = TaskMap,
  N extends keyof M & string = keyof M & string,
> {
  /**
   * Names the handler. `stateless` (the default) and `stateful` leave that to `payload.function`,
   * else to the worker's default handler.
   */
  type?: N;
  /** What the handler is given: a JSON value. */
  payload?: M[N]["payload"];
  /** The line of tasks to stand in. */
  queue?: string;
  /** 1 to 5, lower first, or by name. */
  priority?: Priority;
  /** Longest one attempt may run, in seconds. */
  timeout?: number;
  /** One key is one task: the same request again answers the same id. */
  idempotencyKey?: string;
  labels?: Record<string, string | number | boolean>;
  /** Seconds before the first run. */
  delay?: number;
  /** Earliest start. */
  runAt?: Date | string;
  maxRetries?: number;
  retry?: RetryOptions;
  /** A JSON object that travels with the task. */
  metadata?: Record<string, unknown>;
  /** W3C trace context. */
  traceparent?: string;
  /** Tasks with one key run one at a time, in the order of their submission, and share a state. */
  stateKey?: string;
  /** The state when there is none under the key yet: a JSON value. */
  initialState?: unknown;
  /** Comes later; only `false` is accepted. */
  teeRequired?: boolean;
}

/** A task of any of the types, each with its own payload. */
export type AnyTaskOptions<M extends TaskMap<M> = TaskMap> = {
  [N in keyof M & string]: SubmitTaskOptions<M, N>;
}[keyof M & string];

/** Ends a call. */
export interface CallOptions {
  /** Rejects the call with the signal's reason; work under way is dropped. */
  signal?: AbortSignal | null;
}

/** A wait that never touches the task. */
export interface WaitOptions extends CallOptions {
  /** Milliseconds. Default 300,000; `null` for no limit. */
  timeout?: number | null;
  /** Accepted and not needed: a wait ends as soon as the task does. */
  pollInterval?: number;
}

/** A wait for many tasks. */
export interface WaitForBatchOptions extends WaitOptions {
  /** Return at the first failure, the others as they stand then. */
  failFast?: boolean;
}

/** Which tasks are meant. All that is given must hold. */
export interface TaskFilter {
  status?: TaskState | readonly TaskState[];
  type?: string;
  queue?: string;
  labels?: Record<string, string | number | boolean>;
  batchId?: string;
  /** What the tasks are made of. Default: those that a handler runs. */
  kind?: TaskKind;
  /** Created at or after. */
  since?: Date | string;
  /** Created before. */
  until?: Date | string;
  /** The error's message contains this. */
  error?: string;
}

/** Which tasks to list. */
export interface ListOptions extends TaskFilter {
  /** Most tasks to list. Default: all. */
  limit?: number;
}

/** Where a verb over all tasks that match stops. */
export interface BoundOptions {
  /** Count or change at most so many. */
  most?: number;
}

/** How far a verb that changes all tasks that match goes. */
export interface StretchOptions extends BoundOptions {
  /** Where to go on: `next` of the answer before. Default: with the newest task. */
  cursor?: string | null | undefined;
}

/** How calls to a server are repeated; durations in seconds. */
export interface CallRetryOptions {
  maxRetries?: number;
  initialDelay?: number;
  maxDelay?: number;
  exponentialBase?: number;
  jitter?: number;
  /** HTTP statuses. */
  retryableErrors?: number[];
}

/** When calls to a server are kept away. */
export interface BreakerOptions {
  failureThreshold?: number;
  successThreshold?: number;
  /** Seconds. */
  timeout?: number;
  /** Codes of errors that do not count. */
  excluded?: string[];
}

/** What a connection can be told. What is left out has core's default. */
export interface ConnectOptions {
  /** Whose tasks; else `WINDLASS_TENANT_ID`. */
  tenantId?: string;
  /** A server's key; else `WINDLASS_API_KEY`. */
  apiKey?: string;
  /** A file of certificates, as PEM, that are trusted beside those of the system. */
  caFile?: string;
  /** How long a call to a server may take, its retries included, in seconds. */
  timeout?: number;
  /** How long a submit keeps trying while its queue is full, in seconds. Default: the timeout. */
  patience?: number;
  retry?: CallRetryOptions;
  /** `false` for never. */
  breaker?: BreakerOptions | false;
  /** Calls to a server at once. */
  maxConnections?: number;
  /** `full` (the default) survives a power cut, `normal` a killed process. SQLite only. */
  durability?: "full" | "normal";
  queueDepthLimit?: number;
  /** How long finished tasks are kept, in seconds. */
  retention?: number;
  keepFinished?: number;
  updatesPerTask?: number;
  /** For tests: a clock that is moved by hand. */
  clock?: ManualClock;
  /** For tests: draws the middle of every jitter. */
  seedlessJitter?: boolean;
}

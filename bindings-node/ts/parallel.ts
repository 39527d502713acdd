/**
 * Steps run at once in this process, under a strategy: {@link parallel}.
 *
 * @module
 */

import { invalid, now, options as checked } from "./failure.js";
import { ParallelExecutionError } from "./generated/errors.js";
import { rules } from "./native.js";
import { type BlockEnd, drive } from "./parallel-run.js";

/** Steps that run at once when nothing is said. */
const DEFAULT_CONCURRENCY = 10;
/** Milliseconds that cancelled steps may go on when nothing is said. */
const DEFAULT_GRACE = 1000;

/** How steps are run and judged. `"quorum(2)"` says the number, too. */
export type Strategy = "all" | "any_success" | "race" | "throttled" | "quorum" | `quorum(${number})` | "custom";

/** What came of a block: `partial` is some successes and some failures where all were wanted. */
export type OverallStatus = "completed" | "partial" | "failed" | "timeout" | "cancelled";

/** What a step is told beside its value. */
export interface StepContext {
  /** Its place among the steps, from 0. */
  readonly index: number;
  /**
   * Aborts when the step is no longer wanted: the strategy is decided, the time is over, or the caller's own
   * signal has aborted. A step that took it is waited for up to `cancelGraceMs`; one that never asked for it
   * cannot hear, and is reported `cancelled` at once.
   */
  readonly signal: AbortSignal;
}

/** Runs one step. Throws, or rejects, where it fails. */
export type StepFunction<S, R> = (step: S, context: StepContext) => R | PromiseLike<R>;

/** What came of one step. Times are seconds; a step that never began has 0. */
export type StepResult<R> =
  | { readonly status: "completed"; readonly result: R; readonly error: undefined; readonly executionTime: number }
  | { readonly status: "failed"; readonly result: undefined; readonly error: unknown; readonly executionTime: number }
  | { readonly status: "cancelled"; readonly result: undefined; readonly error: unknown; readonly executionTime: number };

/** How a block stands after a finish: what a `custom` strategy decides from. */
export interface BlockProgress<R> {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  /** The step that finished. */
  readonly index: number;
  readonly last: StepResult<R>;
  /** What finished so far, at the places of the steps; the others are `undefined`. */
  readonly results: readonly (StepResult<R> | undefined)[];
}

/**
 * What a `custom` strategy says after a finish: `satisfied` ends the block as `completed`, and `failed` as `failed`.
 * `true`, `false` and nothing say the same in short.
 */
export type CustomAnswer = "keep_going" | "satisfied" | "failed" | boolean | null | undefined | void;

/** A `custom` strategy, asked after each finish. */
export type CustomStrategy<R> = (progress: BlockProgress<R>) => CustomAnswer;

/** What {@link parallel} can be told. */
export interface ParallelOptions<R = unknown> {
  /** Default `all`. */
  strategy?: Strategy;
  /** Steps that run at once, at most; at least 1. Default 10. */
  maxConcurrency?: number;
  /** Milliseconds that the block may take. What finished until then is kept. */
  timeoutMs?: number;
  /** Cancels the block when it aborts; what finished until then is kept. */
  signal?: AbortSignal | undefined;
  /** Successes that `quorum` needs. */
  quorum?: number;
  /** Starts in a second that `throttled` allows. Default `maxConcurrency`. */
  ratePerSecond?: number;
  /** Decides for `custom`. */
  custom?: CustomStrategy<R>;
  /** Milliseconds that cancelled steps which took their signal may go on. Default 1000. */
  cancelGraceMs?: number;
}

const KNOWN = ["strategy", "maxConcurrency", "timeoutMs", "signal", "quorum", "ratePerSecond", "custom", "cancelGraceMs"] as const;

/** What came of a block, with every step in its place. */
export class BlockResult<R> {
  readonly status: OverallStatus;
  readonly strategy: string;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Seconds. */
  readonly executionTime: number;
  /** In the order of the steps. */
  readonly results: readonly StepResult<R>[];

  /** @internal */
  constructor(strategy: string, end: BlockEnd<R>) {
    this.status = end.status;
    // `quorum(2)` is the strategy `quorum`.
    this.strategy = strategy.split("(", 1)[0]!;
    this.total = end.results.length;
    this.completed = end.completed;
    this.failed = end.failed;
    this.cancelled = end.cancelled;
    this.executionTime = end.executionTime;
    this.results = end.results;
  }

  /**
   * The results of the steps that completed, in the order of the steps: of all of them under `all`, of the
   * winner alone under `race`.
   *
   * @throws ParallelExecutionError when the block's status is not `completed`; its cause is what the first
   * failed step threw
   */
  values(): R[] {
    if (this.status !== "completed") throw this.#failure();
    const values: R[] = [];
    for (const step of this.results) if (step.status === "completed") values.push(step.result);
    return values;
  }

  #failure(): ParallelExecutionError {
    const index = this.results.findIndex(({ status }) => status === "failed");
    const text = `the block is ${this.status}: ${this.completed} of ${this.total} steps completed, ${this.failed} failed`;
    const { status, completed, failed, cancelled } = this;
    const counts = { overall_status: status, completed_tasks: completed, failed_tasks: failed, cancelled_tasks: cancelled };
    const fields = { ...counts, ...(index < 0 ? {} : { index }) };
    return new ParallelExecutionError(text, { fields, ...(index < 0 ? {} : { cause: this.results[index]!.error }) });
  }
}

/**
 * Runs `fn` with every step under a strategy, so many at once, in this process.
 *
 * ```ts
 * const block = await parallel(urls, (url, { signal }) => fetch(url, { signal }), { maxConcurrency: 20 });
 * for (const step of block.results) console.log(step.status);
 * ```
 *
 * A step that fails is no failure of the call: its error stands in its result. Once the strategy is decided
 * nothing more starts, what runs is cancelled by its signal, and waited for where it has taken that. Steps
 * that never wait give the event loop its turn every 10 ms. An asynchronous list of steps is read to its end
 * before the first step starts.
 *
 * @throws InvalidArgumentError with the `field`, before any step starts
 * @throws ParallelExecutionError when the function of a `custom` strategy throws; what runs is cancelled first
 */
export async function parallel<S, R>(
  steps: Iterable<S> | AsyncIterable<S>,
  fn: StepFunction<S, R>,
  options: ParallelOptions<Awaited<R>> = {},
): Promise<BlockResult<Awaited<R>>> {
  checked(options, ...KNOWN);
  if (typeof fn !== "function") throw invalid("fn", `must be a function of a step, not ${kind(fn)}`);
  const { strategy = "all", custom, signal } = options;
  if (typeof strategy !== "string") throw invalid("strategy", `must be a word, not ${kind(strategy)}`);
  if (custom !== undefined && typeof custom !== "function") {
    throw invalid("custom", `must be a function of the progress, not ${kind(custom)}`);
  }
  const most = number("max_concurrency", options.maxConcurrency) ?? DEFAULT_CONCURRENCY;
  const timeout = number("timeout_ms", options.timeoutMs);
  const quorum = number("quorum", options.quorum);
  const rate = number("rate_per_second", options.ratePerSecond);
  const cancelGrace = number("cancel_grace_ms", options.cancelGraceMs) ?? DEFAULT_GRACE;
  if (!(cancelGrace >= 0)) throw invalid("cancel_grace_ms", `must be at least 0, not ${cancelGrace}`);
  const list = await listed(steps, signal);
  const { Block } = await rules();
  const seconds = timeout === null ? null : timeout / 1000;
  const block = now(() => new Block(strategy, list.length, most, quorum, rate, seconds, custom !== undefined));
  const work = { steps: list, fn: fn as StepFunction<S, Awaited<R>>, most, custom, signal, cancelGrace };
  return new BlockResult(strategy, await drive(block, work));
}

/**
 * @internal The steps as they are now: what the caller does to a list afterwards is not heard. An asynchronous
 * source is read no further once the signal has aborted.
 */
export async function listed<S>(steps: Iterable<S> | AsyncIterable<S>, signal?: AbortSignal): Promise<S[]> {
  if (Array.isArray(steps)) return steps.slice();
  const of = steps as Partial<Iterable<S> & AsyncIterable<S>> | null | undefined;
  if (typeof of?.[Symbol.asyncIterator] === "function") {
    const list: S[] = [];
    for await (const step of steps) {
      if (signal?.aborted) break;
      list.push(step);
    }
    return list;
  }
  // The letters of a text are no steps that somebody wants.
  if (typeof steps !== "string" && typeof of?.[Symbol.iterator] === "function") return Array.from(steps as Iterable<S>);
  throw invalid("steps", `must be an iterable of steps, not ${kind(steps)}`);
}

function number(field: string, value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return value;
  throw invalid(field, `must be a number, not ${kind(value)}`);
}

function kind(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}

/**
 * Blocks of steps as records: what is asked for, and what came of it.
 *
 * @module
 */

import { invalid, options as checked } from "./failure.js";
import type { BlockResult, OverallStatus, ParallelOptions, StepContext, StepResult, Strategy } from "./parallel.js";

/** How steps are run and judged. */
export type ParallelStrategy = Strategy;

/** The strategies by their names in the documents. */
export const ParallelStrategy = Object.freeze({
  /** Waits for all steps; those that fail end nothing. */
  ALL: "all",
  /** Ends at the first success. */
  ANY_SUCCESS: "any_success",
  /** Ends at the first finish, success or failure. */
  RACE: "race",
  /** All steps, with so many starts in a second at most. */
  THROTTLED: "throttled",
  /** Ends once `quorum` steps succeeded. */
  QUORUM: "quorum",
  /** Asks `custom` after each finish. */
  CUSTOM: "custom",
} as const);

/** What a step executor is told beside the step. */
export interface StepExecutorContext extends StepContext {
  /** As it was given with the block. */
  readonly securityContext: unknown;
}

/** Runs one step of a block. */
export type StepExecutor<S = any, R = unknown> = (step: S, context: StepExecutorContext) => R | PromiseLike<R>;

/** How steps are to be run. */
export interface StepsOptions<R = any> {
  /** Default `all`. */
  strategy?: ParallelStrategy | undefined;
  /** Default: the executor's own. */
  maxConcurrency?: number | undefined;
  /** Seconds that the block may take. What finished until then is kept. */
  timeoutSeconds?: number | undefined;
  /** Successes that `quorum` needs. */
  quorum?: number | undefined;
  /** Starts in a second that `throttled` allows. Default `maxConcurrency`. */
  ratePerSecond?: number | undefined;
  /** Decides for `custom`. */
  custom?: ParallelOptions<R>["custom"] | undefined;
  /** Cancels the block when it aborts. */
  signal?: AbortSignal | undefined;
}

/** A block of steps. The words of the wire, such as `max_concurrency`, are read as well. */
export interface ParallelBlockOptions<S = any, R = any> extends StepsOptions<R> {
  /** Default `parallel_block`. */
  name?: string | undefined;
  steps: Iterable<S> | AsyncIterable<S>;
  /** Where steps run is the coordinator's choice; here they run in this process. */
  distributionPolicy?: string | undefined;
  /**
   * Whether equal steps run once and share what that came to, with `metadata.cached`. Steps are equal when they are
   * the same value, or the same JSON. Not for blocks with a security context.
   */
  enableCaching?: boolean | undefined;
  max_concurrency?: number | undefined;
  timeout_seconds?: number | undefined;
  rate_per_second?: number | undefined;
  distribution_policy?: string | undefined;
  enable_caching?: boolean | undefined;
}

/** What became of one step. */
export interface ParallelTaskResult<R = any> {
  /** The block's name, a hyphen and the number of the step, which counts from 0. */
  readonly taskId: string;
  readonly status: "completed" | "failed" | "cancelled";
  /** What the step returned; `null` unless it completed. */
  readonly result: R | null;
  /** The text of what the step threw. */
  readonly errorMessage: string | null;
  /** What the step threw, or why it was cancelled. */
  readonly error: unknown;
  /** Seconds; 0 for a step that never started. */
  readonly executionTime: number;
  readonly metadata: Record<string, unknown>;
}

/** What became of a block. */
export interface ParallelExecutionResult<R = any> {
  readonly blockName: string;
  readonly strategy: string;
  /** Steps; the three counts that follow add up to it. */
  readonly totalTasks: number;
  readonly completedTasks: number;
  readonly failedTasks: number;
  /** Steps that lost, were in the way of a timeout, or never started. */
  readonly cancelledTasks: number;
  readonly overallStatus: OverallStatus;
  /** Seconds. */
  readonly executionTime: number;
  /** In the order of the steps. */
  readonly results: readonly ParallelTaskResult<R>[];
  readonly metadata: Record<string, unknown>;
}

/** @internal What a block is called that has no name. */
export const NAME = "parallel_block";
/** @internal */
export const STEPS = ["strategy", "maxConcurrency", "timeoutSeconds", "quorum", "ratePerSecond", "custom", "signal"] as const;
const BLOCK = [...STEPS, "name", "steps", "distributionPolicy", "enableCaching"] as const;
/** Words of the wire, and their names here. */
const WIRE: Record<string, string> = {
  max_concurrency: "maxConcurrency",
  timeout_seconds: "timeoutSeconds",
  rate_per_second: "ratePerSecond",
  distribution_policy: "distributionPolicy",
  enable_caching: "enableCaching",
};

/** Of what kind those are that no strategy looks at. */
const KINDS: Record<string, string> = { name: "string", distributionPolicy: "string", enableCaching: "boolean" };

/** @internal The block with the names of this language alone. */
export function blockOf<S, R>(given: ParallelBlockOptions<S, R>): ParallelBlockOptions<S, R> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw invalid("parallel_block", "must be an object");
  const block: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const here = WIRE[name] ?? name;
    if (here in block) throw invalid(name, `is given twice, as ${here}, too`);
    const kind = KINDS[here];
    if (kind !== undefined && value != null && typeof value !== kind) throw invalid(name, `must be a ${kind}, not ${typeof value}`);
    block[here] = value ?? undefined;
  }
  return checked(block as unknown as ParallelBlockOptions<S, R>, ...BLOCK);
}

/** @internal What `parallel` is told. `most` is the concurrency of a block that names none. */
export function optionsOf<R>(given: StepsOptions<R>, most: number): ParallelOptions<R> {
  const { strategy = "all", maxConcurrency = most, timeoutSeconds, quorum, ratePerSecond, custom, signal } = given;
  const told = { quorum, ratePerSecond, custom, signal };
  const options = { strategy, maxConcurrency, ...Object.fromEntries(Object.entries(told).filter(([, value]) => value != null)) };
  if (timeoutSeconds == null) return options;
  if (typeof timeoutSeconds !== "number") throw invalid("timeout_seconds", "must be a number");
  return { ...options, timeoutMs: timeoutSeconds * 1000 };
}

/** @internal */
export function resultOf<R>(
  name: string,
  block: BlockResult<R>,
  shared: ReadonlySet<number> | undefined,
  metadata: Record<string, unknown>,
): ParallelExecutionResult<R> {
  return {
    blockName: name,
    strategy: block.strategy,
    totalTasks: block.total,
    completedTasks: block.completed,
    failedTasks: block.failed,
    cancelledTasks: block.cancelled,
    overallStatus: block.status,
    executionTime: block.executionTime,
    results: block.results.map((step, index) => taskOf(`${name}-${index}`, step, shared?.has(index) === true)),
    metadata,
  };
}

function taskOf<R>(taskId: string, step: StepResult<R>, cached: boolean): ParallelTaskResult<R> {
  const { status, error, executionTime } = step;
  return {
    taskId,
    status,
    result: status === "completed" ? step.result : null,
    errorMessage: status === "completed" ? null : error instanceof Error ? error.message : String(error),
    error: status === "completed" ? null : error,
    executionTime,
    metadata: cached ? { cached } : {},
  };
}

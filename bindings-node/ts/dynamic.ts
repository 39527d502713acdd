/**
 * Functions with dependencies and priorities, so many at once as there is room for: {@link DynamicParallelExecutor}.
 *
 * @module
 */

import { type PoolSettings, Run } from "./dynamic-run.js";
import { invalid, options as checked, text } from "./failure.js";
import { fromCode } from "./generated/errors.js";
import type { Priority } from "./generated/words.js";
import { dynamicRules } from "./native.js";

/** How urgent a task is: the scale of every task of Windlass. */
export const TaskPriority = { CRITICAL: 1, HIGH: 2, NORMAL: 3, LOW: 4, BACKGROUND: 5 } as const;
export type TaskPriority = (typeof TaskPriority)[keyof typeof TaskPriority];

/** What a task's function is told behind its arguments. */
export interface TaskContext {
  readonly taskId: string;
  /** Aborts when nobody waits for the task any more: its timeout has passed, or it is cancelled. */
  readonly signal: AbortSignal;
}

/** What an {@link ExecutionTask} can be told. */
export interface ExecutionTaskOptions {
  /** What its function is called with; its {@link TaskContext} comes behind them. */
  args?: readonly unknown[];
  /** By `TaskPriority`, by name, or from 1 to 5. Default `NORMAL`. */
  priority?: Priority;
  /** Ids of tasks that must complete first, given before or together with this one. */
  dependencies?: Iterable<string>;
  /** Seconds that it is thought to run; only compared with those that it did. */
  estimatedDuration?: number;
  /** What it needs while it runs, in MiB. It starts when so much of the limit is free. Default 0. */
  memoryRequirementMb?: number;
  /** The longest it may run, in seconds. */
  timeoutSeconds?: number;
}

const TASK = ["args", "priority", "dependencies", "estimatedDuration", "memoryRequirementMb", "timeoutSeconds"] as const;

/** A call to make once its dependencies are done. Its id is unique among the tasks of a run. */
export class ExecutionTask {
  readonly taskId: string;
  readonly fn: (...args: any[]) => unknown;
  readonly args: readonly unknown[];
  readonly priority: Priority;
  readonly dependencies: readonly string[];
  readonly estimatedDuration: number | null;
  readonly memoryRequirementMb: number;
  readonly timeoutSeconds: number | null;

  /** @throws InvalidArgumentError for what is not of its kind; what core refuses is refused when it is given to run */
  constructor(taskId: string, fn: (...args: any[]) => unknown, options: ExecutionTaskOptions = {}) {
    const { args = [], priority = TaskPriority.NORMAL, dependencies = [], ...told } = checked(options, ...TASK);
    this.taskId = text("task_id", taskId);
    if (typeof fn !== "function") throw invalid("function", `of task ${taskId} must be a function`);
    if (!Array.isArray(args)) throw invalid("args", `of task ${taskId} must be an array`);
    if (typeof priority !== "number" && typeof priority !== "string") {
      throw invalid("priority", `must be a priority's name or number, not ${typeof priority}`);
    }
    this.fn = fn;
    this.args = args.slice();
    this.priority = priority;
    this.dependencies = names(dependencies);
    this.estimatedDuration = number("estimated_duration", told.estimatedDuration);
    this.memoryRequirementMb = number("memory_requirement_mb", told.memoryRequirementMb) ?? 0;
    this.timeoutSeconds = number("timeout_seconds", told.timeoutSeconds);
  }
}

/** A task that calls `fn(...args)`; the same as `new ExecutionTask(taskId, fn, { ...options, args })`. */
export function createExecutionTask(
  taskId: string,
  fn: (...args: any[]) => unknown,
  args: readonly unknown[] = [],
  options: Omit<ExecutionTaskOptions, "args"> = {},
): ExecutionTask {
  return new ExecutionTask(taskId, fn, { ...options, args });
}

/** What was measured of a run, up to now: times are seconds, memory is MiB, shares are 0 to 1. */
export interface DynamicMetrics {
  readonly total: number;
  readonly completed: number;
  /** Timeouts among them. */
  readonly failed: number;
  readonly timedOut: number;
  /** Those that depend on one that did not complete, too. */
  readonly cancelled: number;
  readonly running: number;
  readonly waiting: number;
  readonly wallSeconds: number;
  readonly throughputPerSecond: number;
  readonly averageSeconds: number;
  readonly p95Seconds: number;
  /** How long a task that could run waited for a worker. */
  readonly averageWaitSeconds: number;
  readonly utilisation: number;
  readonly workers: number;
  readonly peakWorkers: number;
  readonly peakReservedMb: number;
  /** 0 where it cannot be measured, as in a page; so is `processors`. */
  readonly peakMemoryMb: number;
  readonly processors: number;
  readonly memoryWaitSeconds: number;
  readonly longestChainSeconds: number;
  /** Tasks that go on though nobody waits for them: they did not heed their signal. */
  readonly abandonedTasks: number;
}

/** What became of a list of tasks. */
export interface DynamicResult {
  /** Whether every task completed; `null` while tasks run. */
  readonly success: boolean | null;
  /** What the completed ones returned, by task id. */
  readonly results: Record<string, unknown>;
  /** What the others threw, by task id: as {@link DynamicWorkerPool.errors}. */
  readonly errors: Record<string, unknown>;
  /** Whether `timeout` passed: what had not ended then is cancelled. */
  readonly timedOut: boolean;
  readonly metrics: DynamicMetrics;
}

/** What a pool can be told. */
export interface DynamicPoolOptions {
  /** The fewest tasks that there are places for. Default 1. */
  minWorkers?: number;
  /** The most tasks that run at once. Default 16. */
  maxWorkers?: number;
  /**
   * What the tasks that run may need together, in MiB. Default: the memory of the machine or the container; in a
   * browser what it tells, and no limit where it tells nothing.
   */
  memoryLimitMb?: number;
  /** Is told of tasks that ran too long. */
  logger?: { warn(text: string): void };
}

/** Runs of the same settings: the last is asked for its numbers. */
class Runs {
  last: Run | undefined;
  readonly #settings: PoolSettings;

  constructor(options: DynamicPoolOptions) {
    const { minWorkers = 1, maxWorkers = 16, memoryLimitMb, logger } = checked(
      options,
      "minWorkers",
      "maxWorkers",
      "memoryLimitMb",
      "logger",
    );
    if (logger !== undefined && typeof logger?.warn !== "function") throw invalid("logger", "must have a function warn");
    this.#settings = {
      minWorkers: number("min_workers", minWorkers) ?? 1,
      maxWorkers: number("max_workers", maxWorkers) ?? 16,
      memoryLimitMb: number("memory_limit_mb", memoryLimitMb),
      logger,
    };
  }

  async begin(): Promise<Run> {
    return new Run(await dynamicRules(), this.#settings);
  }

  metrics(): DynamicMetrics {
    return this.last?.metrics() ?? NOTHING;
  }
}

/**
 * Runs tasks as they are submitted, so many at once as it has workers: as many as there are tasks to run, from
 * `minWorkers` to `maxWorkers`, and fewer while the machine is full. The most urgent task whose dependencies
 * completed starts next.
 */
export class DynamicWorkerPool {
  readonly #runs: Runs;
  #opening: Promise<Run> | undefined;
  #isShut = false;

  /** @throws InvalidArgumentError for what is no number; a bad bound is refused by the first task */
  constructor(options: DynamicPoolOptions = {}) {
    this.#runs = new Runs(options);
  }

  /**
   * Takes a task in, and gives its id. What it depends on was submitted before.
   *
   * @throws InvalidArgumentError with the `field`, with nothing taken in
   * @throws ClientClosedError after `shutdown`
   */
  async submitTask(task: ExecutionTask): Promise<string> {
    const given = listed([task]);
    const run = await this.#opened();
    if (this.#isShut) throw fromCode("client_closed", "this pool was shut down");
    run.add(given);
    return task.taskId;
  }

  /** Waits until every task has ended, however; false when `timeout` seconds pass first. Default 300. */
  async waitForCompletion(timeout: number | null = 300): Promise<boolean> {
    const seconds = number("timeout", timeout);
    // A task that is being submitted counts.
    await this.#opening?.catch(() => {});
    return (await this.#runs.last?.wait(seconds)) ?? true;
  }

  /** What the tasks that completed so far returned, by their ids. */
  get results(): Record<string, unknown> {
    return Object.fromEntries(this.#runs.last?.results ?? []);
  }

  /**
   * What the tasks that did not complete threw, by their ids: `TaskTimeoutError` for one that ran too long,
   * `TaskCancelledError` for one that depends on one of these, or never started.
   */
  get errors(): Record<string, unknown> {
    return Object.fromEntries(this.#runs.last?.errors ?? []);
  }

  /** Numbers measured so far. */
  getPerformanceMetrics(): DynamicMetrics {
    return this.#runs.metrics();
  }

  /** What the measured numbers say about the settings, most important first. */
  getOptimizationRecommendations(): string[] {
    return this.#runs.last?.recommendations() ?? [];
  }

  /** Cancels what has not ended. A second call does nothing. */
  shutdown(): void {
    this.#isShut = true;
    this.#runs.last?.cancel("the pool was shut down");
  }

  #opened(): Promise<Run> {
    if (this.#opening === undefined) {
      this.#opening = this.#runs.begin().then((run) => (this.#runs.last = run));
      // What could not be fetched is tried again by the next task.
      this.#opening.catch(() => (this.#opening = undefined));
    }
    return this.#opening;
  }
}

/**
 * Runs lists of tasks, each list by workers of its own.
 *
 * ```ts
 * const executor = new DynamicParallelExecutor();
 * const { success, results } = await executor.executeParallel([
 *   new ExecutionTask("load", load, { args: ["orders.csv"], priority: TaskPriority.HIGH }),
 *   new ExecutionTask("report", report, { dependencies: ["load"], timeoutSeconds: 60 }),
 * ]);
 * ```
 */
export class DynamicParallelExecutor {
  readonly #runs: Runs;

  /** @throws InvalidArgumentError for what is no number; a bad bound is refused by the first list */
  constructor(options: DynamicPoolOptions = {}) {
    this.#runs = new Runs(options);
  }

  /**
   * Runs the tasks, and gives what became of them. `timeout` are the seconds that they may take together. With
   * `waitForCompletion: false` they run on, and `wait` gives the same later.
   *
   * @throws InvalidArgumentError with the `field`, before any task starts
   */
  async executeParallel(
    tasks: Iterable<ExecutionTask>,
    options: { waitForCompletion?: boolean; timeout?: number | null } = {},
  ): Promise<DynamicResult> {
    const { waitForCompletion = true, timeout } = checked(options, "waitForCompletion", "timeout");
    const given = listed(tasks);
    const seconds = number("timeout", timeout);
    if (seconds !== null && !(seconds > 0)) throw invalid("timeout", `must be above 0, not ${seconds}`);
    const run = await this.#runs.begin();
    run.add(given, seconds);
    this.#runs.last = run;
    if (waitForCompletion) await run.wait(null);
    return report(run);
  }

  /** What became of the tasks of the last call, once they ended or `timeout` seconds passed. Cancels nothing. */
  async wait(timeout: number | null = null): Promise<DynamicResult> {
    const seconds = number("timeout", timeout);
    const run = this.#runs.last ?? (await this.#runs.begin());
    await run.wait(seconds);
    return report(run);
  }

  /** Numbers of the last call's tasks, measured so far. */
  getPerformanceMetrics(): DynamicMetrics {
    return this.#runs.metrics();
  }

  /** What the measured numbers say about the settings, most important first. */
  getOptimizationRecommendations(): string[] {
    return this.#runs.last?.recommendations() ?? [];
  }
}

/** What is measured where nothing has run. */
const NOTHING: DynamicMetrics = {
  total: 0,
  completed: 0,
  failed: 0,
  timedOut: 0,
  cancelled: 0,
  running: 0,
  waiting: 0,
  wallSeconds: 0,
  throughputPerSecond: 0,
  averageSeconds: 0,
  p95Seconds: 0,
  averageWaitSeconds: 0,
  utilisation: 0,
  workers: 0,
  peakWorkers: 0,
  peakReservedMb: 0,
  peakMemoryMb: 0,
  processors: 0,
  memoryWaitSeconds: 0,
  longestChainSeconds: 0,
  abandonedTasks: 0,
};

function report(run: Run): DynamicResult {
  return {
    success: run.isOver ? run.errors.size === 0 : null,
    results: Object.fromEntries(run.results),
    errors: Object.fromEntries(run.errors),
    timedOut: run.isTimedOut,
    metrics: run.metrics(),
  };
}

function listed(tasks: Iterable<ExecutionTask>): ExecutionTask[] {
  const of = tasks as Partial<Iterable<ExecutionTask>> | null | undefined;
  if (typeof tasks === "string" || typeof of?.[Symbol.iterator] !== "function") {
    throw invalid("tasks", `must be an iterable of ExecutionTask, not ${tasks === null ? "null" : typeof tasks}`);
  }
  const list = [...tasks];
  for (const task of list) if (!(task instanceof ExecutionTask)) throw invalid("tasks", "must be of type ExecutionTask");
  return list;
}

function names(given: Iterable<string>): string[] {
  if (typeof given === "string" || typeof (given as Partial<Iterable<string>> | null)?.[Symbol.iterator] !== "function") {
    throw invalid("dependencies", "must be an iterable of task ids");
  }
  return Array.from(given, (name) => {
    if (typeof name === "string") return name;
    throw invalid("dependencies", `must be task ids, not ${typeof name}`);
  });
}

function number(field: string, given: unknown): number | null {
  if (given === undefined || given === null) return null;
  if (typeof given === "number" && !Number.isNaN(given)) return given;
  throw invalid(field, `must be a number, not ${typeof given === "number" ? given : typeof given}`);
}

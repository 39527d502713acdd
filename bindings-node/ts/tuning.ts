/**
 * How many steps to run at once, and in which batches. The rules are core's, and so is the measuring.
 *
 * @module
 */

import { invalid, options as checked } from "./failure.js";
import { machine, rules } from "./native.js";
import type { ParallelTaskResult, StepExecutor } from "./parallel-block.js";
import { ParallelExecutor } from "./parallel-executor.js";
import type { NativeAdaptive, NativeMachine } from "./surface.js";

/** Batches that run at once. */
const BATCHES = 10;
/** Lists whose measures are kept. */
const HISTORY = 100;
/** Items of a chunk when nothing is said. */
const CHUNK = 10_000;

/**
 * How many tasks of a kind to run at once on this machine; at least 1.
 *
 * `cpu_intensive`: one for each physical core. `io_intensive`: 8 for each, at most 200. `memory_intensive`: one
 * for 2 GiB of memory, at most 50. `mixed`: 2 for each core. Any other: 4 for each core. A container's limits
 * count. A page knows its logical cores, and of memory what the browser tells, which may be nothing.
 *
 * @throws InvalidArgumentError
 */
export async function calculateOptimalConcurrency(taskType: string): Promise<number> {
  const kind = kindOf(taskType);
  const { optimalConcurrency } = await rules();
  const { coresPhysical, coresLogical, memoryGb } = machine();
  return optimalConcurrency(kind, coresPhysical ?? null, coresLogical, memoryGb);
}

/** What one list of tasks took. */
export interface AdaptiveRun {
  readonly level: "down" | "base" | "up";
  readonly concurrency: number;
  readonly tasks: number;
  readonly failedTasks: number;
  /** Seconds. */
  readonly executionTime: number;
  /** How much of the processors, and of the memory, was in use: 0 to 1; `null` where nobody knows. */
  readonly processorsShare: number | null;
  readonly memoryShare: number | null;
}

/** What an {@link AdaptiveExecutor} can be told. */
export interface AdaptiveOptions {
  /** Runs the blocks. Default: one of its own. */
  executor?: ParallelExecutor;
  /** What is doubled and halved. Default: that of `mixed` work. */
  baseConcurrency?: number;
}

/**
 * Runs lists of tasks, each with a concurrency that follows how those before did: twice as many, at most 100,
 * where the machine has room and that is no slower; half, at least 1, where it is full.
 */
export class AdaptiveExecutor<S = any, R = unknown> {
  readonly executor: ParallelExecutor;
  readonly #taskProcessor: StepExecutor<S, R>;
  readonly #machine: NativeMachine;
  #base: number | undefined;
  #adaptive: NativeAdaptive | undefined;
  #load = 0;
  readonly #history: AdaptiveRun[] = [];

  /** @throws InvalidArgumentError */
  constructor(taskProcessor: StepExecutor<S, R>, options: AdaptiveOptions = {}) {
    if (typeof taskProcessor !== "function") throw invalid("task_processor", "must be a function of a task");
    const { executor, baseConcurrency } = checked(options, "executor", "baseConcurrency");
    if (baseConcurrency !== undefined && (count("base_concurrency", baseConcurrency) < 1 || baseConcurrency >= 2 ** 32)) {
      throw invalid("base_concurrency", `must be at least 1, not ${baseConcurrency}`);
    }
    this.#taskProcessor = taskProcessor;
    this.executor = executorOf(executor);
    this.#base = baseConcurrency;
    this.#machine = machine();
  }

  /** Lists that run now. */
  get currentLoad(): number {
    return this.#load;
  }

  /** The last 100 lists that ended, the newest last. */
  get performanceHistory(): readonly AdaptiveRun[] {
    return this.#history;
  }

  /** Runs a list; what became of each task, in their order. Throws as `executeParallelSteps` does. */
  async executeWithAdaptiveConcurrency(tasks: Iterable<S> | AsyncIterable<S>): Promise<readonly ParallelTaskResult<Awaited<R>>[]> {
    const adaptive = (this.#adaptive ??= await this.#begin());
    const [level, concurrency] = [adaptive.level(), adaptive.concurrency()];
    // What was before does not count.
    this.#machine.busy();
    this.#load++;
    const block = { name: "adaptive", steps: tasks, maxConcurrency: concurrency };
    const result = await this.executor.executeParallelBlock(block, this.#taskProcessor).finally(() => this.#load--);
    const [processorsShare, memoryShare] = this.#machine.busy().map((share) => (Number.isNaN(share) ? null : share));
    const { totalTasks, completedTasks, failedTasks, executionTime } = result;
    adaptive.measured(completedTasks + failedTasks, executionTime, processorsShare ?? null, memoryShare ?? null);
    const shares = { processorsShare: processorsShare ?? null, memoryShare: memoryShare ?? null };
    this.#history.push({ level, concurrency, tasks: totalTasks, failedTasks, executionTime, ...shares });
    if (this.#history.length > HISTORY) this.#history.shift();
    return result.results;
  }

  async #begin(): Promise<NativeAdaptive> {
    this.#base ??= await calculateOptimalConcurrency("mixed");
    const { Adaptive } = await rules();
    return (this.#adaptive ??= new Adaptive(this.#base));
  }
}

/** Processes data in batches of a size that fits the kind of work. */
export class BatchProcessor<S = any, R = unknown> {
  /** Items in a batch by the kind of work, where they are to be others than the rules': yours to fill. */
  readonly optimalBatchSizes: Record<string, number> = {};
  readonly executor: ParallelExecutor;
  readonly #batchProcessor: StepExecutor<S[], R>;

  /** @throws InvalidArgumentError */
  constructor(batchProcessor: StepExecutor<S[], R>, options: { executor?: ParallelExecutor } = {}) {
    if (typeof batchProcessor !== "function") throw invalid("batch_processor", "must be a function of a batch");
    this.#batchProcessor = batchProcessor;
    this.executor = executorOf(checked(options, "executor").executor);
  }

  /**
   * How many of `dataSize` items to put in one batch; at least 1. `database_writes` 1000, `api_calls` 50,
   * `file_processing` 100, `ml_inference` 32, any other 100; below 1000 items never more than there are, above
   * 100,000 twice as many.
   *
   * @throws InvalidArgumentError
   */
  async getOptimalBatchSize(taskType: string, dataSize: number): Promise<number> {
    const kind = kindOf(taskType);
    const items = count("data_size", dataSize);
    const { baseBatchSize, optimalBatchSize } = await rules();
    const own = Object.hasOwn(this.optimalBatchSizes, kind) ? this.optimalBatchSizes[kind] : undefined;
    const base = own === undefined ? baseBatchSize(kind) : count(`optimalBatchSizes.${kind}`, own);
    return optimalBatchSize(base, items);
  }

  /** Runs the batches, ten at once; what became of each, in the order of the data. No data, no batches. */
  async processInOptimalBatches(data: readonly S[], taskType: string): Promise<readonly ParallelTaskResult<Awaited<R>>[]> {
    if (!Array.isArray(data)) throw invalid("data", "must be an array");
    const size = await this.getOptimalBatchSize(taskType, data.length);
    const batches: S[][] = [];
    for (let at = 0; at < data.length; at += size) batches.push(data.slice(at, at + size));
    return this.executor.executeParallelSteps(batches, this.#batchProcessor, { maxConcurrency: BATCHES });
  }
}

/**
 * Chunks of so many items, the last one with what is left. No more than one chunk is held.
 *
 * @throws InvalidArgumentError
 */
export async function* readChunks<S>(source: Iterable<S> | AsyncIterable<S>, chunkSize: number = CHUNK): AsyncGenerator<S[], void> {
  if (count("chunk_size", chunkSize) < 1) throw invalid("chunk_size", "must be at least 1");
  let chunk: S[] = [];
  for await (const item of source) {
    chunk.push(item);
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function kindOf(taskType: unknown): string {
  if (typeof taskType === "string") return taskType;
  throw invalid("task_type", `must be the name of a kind of work, not ${typeof taskType}`);
}

function count(field: string, given: unknown): number {
  if (Number.isSafeInteger(given) && (given as number) >= 0) return given as number;
  throw invalid(field, `must be a whole number from 0, not ${String(given)}`);
}

function executorOf(given: unknown): ParallelExecutor {
  if (given === undefined) return new ParallelExecutor();
  if (given instanceof ParallelExecutor) return given;
  throw invalid("executor", "must be a ParallelExecutor");
}

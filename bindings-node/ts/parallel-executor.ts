/**
 * Blocks of steps by an object: the class-shaped twin of `parallel`, with the names of document 000 in
 * camelCase.
 *
 * @module
 */

import { ExecutorInterface } from "./executor.js";
import { invalid, now, options as checked } from "./failure.js";
import { InvalidArgumentError, fromCode } from "./generated/errors.js";
import { rules } from "./native.js";
import {
  NAME,
  STEPS,
  type ParallelBlockOptions,
  type ParallelExecutionResult,
  type ParallelTaskResult,
  type StepExecutor,
  type StepExecutorContext,
  type StepsOptions,
  blockOf,
  optionsOf,
  resultOf,
} from "./parallel-block.js";
import { Memory } from "./parallel-memory.js";
import { Meter } from "./parallel-meter.js";
import { type StepContext, type StepFunction, listed, parallel } from "./parallel.js";

/** What an executor can be told. */
export interface ParallelExecutorOptions {
  /** Steps of a block that run at once when the block does not say. Default 10. */
  defaultMaxConcurrency?: number;
  /**
   * Whether results of blocks have `metadata.resources`: `peakConcurrency`, and of the process `cpuSeconds`,
   * `rssBytes`, `rssGrownBytes`, `maxRssBytes`, which are `null` in a browser.
   */
  enableResourceMonitoring?: boolean;
  /** Not there yet: `true` is refused. */
  enableSecurity?: boolean;
  /** Not there yet: refused. */
  securityManager?: unknown;
  /** Not there yet: `true` is refused. */
  enableObservability?: boolean;
  /** Not there yet: refused. */
  observabilityManager?: unknown;
}

const LATER = ["enableSecurity", "securityManager", "enableObservability", "observabilityManager"] as const;

/** How an executor does. */
export interface ParallelExecutorHealth {
  status: "healthy";
  healthy: true;
  defaultMaxConcurrency: number;
  runningBlocks: number;
  runningSteps: number;
  executedBlocks: number;
}

/**
 * Runs blocks of steps in this process.
 *
 * ```ts
 * const executor = new ParallelExecutor({ defaultMaxConcurrency: 20 });
 * const block = { name: "thumbnails", strategy: ParallelStrategy.ALL, steps: paths };
 * const { completedTasks } = await executor.executeParallelBlock(block, shrink);
 * ```
 */
export class ParallelExecutor extends ExecutorInterface {
  readonly defaultMaxConcurrency: number;
  readonly #measures: boolean;
  readonly #running = { blocks: 0, steps: 0 };
  #executed = 0;

  /** @throws InvalidArgumentError, and NotImplementedYetError for what is not there yet */
  constructor(options: ParallelExecutorOptions = {}) {
    super();
    checked(options, "defaultMaxConcurrency", "enableResourceMonitoring", ...LATER);
    for (const feature of LATER) {
      if (options[feature] == null || options[feature] === false) continue;
      throw fromCode("not_implemented", `${feature} is not there yet, and nothing runs without it in silence`, { feature });
    }
    const { defaultMaxConcurrency = 10, enableResourceMonitoring = false } = options;
    refuseConcurrency(defaultMaxConcurrency);
    this.defaultMaxConcurrency = defaultMaxConcurrency;
    this.#measures = enableResourceMonitoring;
  }

  /**
   * Runs a block. What steps throw stands in their results; `securityContext` stands in the executor's context.
   *
   * @throws InvalidArgumentError with the `field`, before any step starts
   * @throws ParallelExecutionError when the function of a `custom` strategy throws
   */
  async executeParallelBlock<S, R>(
    parallelBlock: ParallelBlockOptions<S, Awaited<R>>,
    stepExecutor: StepExecutor<S, R>,
    securityContext: unknown = null,
  ): Promise<ParallelExecutionResult<Awaited<R>>> {
    const { name = NAME, steps, enableCaching = false, ...told } = blockOf(parallelBlock);
    if (typeof stepExecutor !== "function") throw invalid("step_executor", "must be a function of a step");
    const options = optionsOf(told, this.defaultMaxConcurrency);
    const run: StepFunction<S, R> = (step, context) => stepExecutor(step, new ExecutorContext(context, securityContext));
    // What a step may find differs with who asks: then nothing is shared.
    const memory = enableCaching && securityContext === null ? new Memory(run) : undefined;
    const meter = new Meter(memory?.call ?? run, this.#running);
    this.#running.blocks++;
    try {
      const block = await parallel(steps, meter.call, options);
      return resultOf(name, block, memory?.shared, this.#measures ? { resources: meter.read() } : {});
    } finally {
      this.#running.blocks--;
      this.#executed++;
    }
  }

  /** Runs steps; one result for each, in their order. Throws as `executeParallelBlock` does. */
  async executeParallelSteps<S, R>(
    steps: Iterable<S> | AsyncIterable<S>,
    stepExecutor: StepExecutor<S, R>,
    options: StepsOptions<Awaited<R>> & { securityContext?: unknown } = {},
  ): Promise<readonly ParallelTaskResult<Awaited<R>>[]> {
    const { securityContext, ...told } = checked(options, "securityContext", ...STEPS);
    return (await this.executeParallelBlock({ ...told, steps }, stepExecutor, securityContext)).results;
  }

  /**
   * Executes a block, and gives its result, or calls a function, and gives what it returns or throws.
   *
   * A block's step executor is beside its keys or in `context`, as `stepExecutor`; without one the steps are
   * functions. `context` may hold `securityContext`.
   *
   * @throws InvalidArgumentError, before any step starts
   */
  override async execute(task: any, context?: Record<string, any> | null): Promise<any> {
    const securityContext = context?.securityContext ?? null;
    if (typeof task === "function") {
      const [step] = await this.executeParallelSteps([task], called, { securityContext });
      if (step!.status !== "completed") throw step!.error;
      return step!.result;
    }
    if (typeof task !== "object" || task === null) throw invalid("task", `must be a block or a function, not ${typeof task}`);
    const { stepExecutor = context?.stepExecutor, ...block } = task;
    if (stepExecutor != null) return this.executeParallelBlock(block, stepExecutor, securityContext);
    const steps = await listed<unknown>(block.steps);
    if (!steps.every((step) => typeof step === "function")) {
      throw invalid("step_executor", "is missing, and not every step is a function");
    }
    return this.executeParallelBlock({ ...block, steps }, called, securityContext);
  }

  /** How it does: `status` is `healthy`; what runs now, and how many blocks have ended. */
  override async healthCheck(): Promise<ParallelExecutorHealth> {
    return {
      status: "healthy",
      healthy: true,
      defaultMaxConcurrency: this.defaultMaxConcurrency,
      runningBlocks: this.#running.blocks,
      runningSteps: this.#running.steps,
      executedBlocks: this.#executed,
    };
  }
}

/** Asks the rules; where they have to be fetched first, the first block is refused instead. */
function refuseConcurrency(number: unknown): void {
  const field = "default_max_concurrency";
  if (typeof number !== "number") throw invalid(field, `must be a number, not ${typeof number}`);
  const there = rules();
  if (!("Block" in there)) return;
  try {
    now(() => new there.Block("all", 0, number, null, null, null, false));
  } catch (error) {
    throw error instanceof InvalidArgumentError ? invalid(field, error.reason) : error;
  }
}

function called(step: any, context: StepExecutorContext): unknown {
  return step(context);
}

/** What a step executor sees. */
class ExecutorContext implements StepExecutorContext {
  readonly #step: StepContext;
  readonly securityContext: unknown;

  constructor(step: StepContext, securityContext: unknown) {
    this.#step = step;
    this.securityContext = securityContext;
  }

  get index(): number {
    return this.#step.index;
  }

  get signal(): AbortSignal {
    return this.#step.signal;
  }
}

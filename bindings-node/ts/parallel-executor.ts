/**
 * Blocks of steps by an object: the class-shaped twin of `parallel`, with the names of document 000 in
 * camelCase.
 *
 * @module
 */

import { ExecutorInterface } from "./executor.js";
import { invalid, now, options as checked } from "./failure.js";
import { fromCode } from "./generated/errors.js";
import { rules } from "./native.js";
import {
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
import { type StepContext, parallel } from "./parallel.js";
import { usage } from "./platform.js";

/** What an executor can be told. */
export interface ParallelExecutorOptions {
  /** Steps of a block that run at once when the block does not say. Default 10. */
  defaultMaxConcurrency?: number;
  /**
   * Whether results of blocks have `metadata.resources`: `peakConcurrency`, and in Node `cpuSeconds` of the
   * process and `maxRssBytes`.
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

/** Blocks that an executor runs, and has run. */
interface Counts {
  activeBlocks: number;
  activeSteps: number;
  finishedBlocks: number;
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
  readonly #counts: Counts = { activeBlocks: 0, activeSteps: 0, finishedBlocks: 0 };

  /** @throws InvalidArgumentError, and NotImplementedYetError for what is not there yet */
  constructor(options: ParallelExecutorOptions = {}) {
    super();
    checked(options, "defaultMaxConcurrency", "enableResourceMonitoring", ...LATER);
    for (const feature of LATER) {
      if (options[feature] == null || options[feature] === false) continue;
      throw fromCode("not_implemented", `${feature} is not there yet, and nothing runs without it in silence`, { feature });
    }
    const { defaultMaxConcurrency = 10, enableResourceMonitoring = false } = options;
    if (typeof defaultMaxConcurrency !== "number") throw invalid("default_max_concurrency", "must be a number");
    const there = rules();
    // Where the rules are fetched first, the first block refuses it.
    if ("Block" in there) now(() => new there.Block("all", 0, defaultMaxConcurrency, null, null, null, false));
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
    const { name = "parallel", steps, enableCaching = false, ...told } = blockOf(parallelBlock);
    if (typeof name !== "string") throw invalid("name", "must be a string");
    if (typeof stepExecutor !== "function") throw invalid("step_executor", "must be a function of a step");
    const options = optionsOf(told, this.defaultMaxConcurrency);
    const caller = new Caller(stepExecutor, securityContext, enableCaching, this.#counts);
    const before = this.#measures ? usage() : undefined;
    this.#counts.activeBlocks++;
    try {
      const block = await parallel(steps, caller.call, options);
      const metadata = this.#measures ? { resources: caller.resources(before) } : {};
      return resultOf(name, block, caller.cached, metadata);
    } finally {
      this.#counts.activeBlocks--;
      this.#counts.finishedBlocks++;
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
   * Runs a block by the `stepExecutor` of the context, or a block whose steps are functions; the block's result.
   * A task that is a function runs as a block's only step: what it returns or throws.
   */
  override async execute(task: any, context: Record<string, any> = {}): Promise<any> {
    const { stepExecutor = callStep, securityContext } = context ?? {};
    if (typeof task !== "function") return this.executeParallelBlock(task, stepExecutor, securityContext);
    const [step] = await this.executeParallelSteps([task], stepExecutor, { securityContext });
    if (step!.status !== "completed") throw step!.error;
    return step!.result;
  }

  /** `status` is `healthy`; what runs now, and how many blocks have ended. */
  override async healthCheck(): Promise<{ status: string; defaultMaxConcurrency: number } & Counts> {
    return { status: "healthy", defaultMaxConcurrency: this.defaultMaxConcurrency, ...this.#counts };
  }
}

function callStep(step: unknown, context: StepExecutorContext): unknown {
  if (typeof step === "function") return step(context);
  throw invalid("step_executor", "is missing, and the step is no function");
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

/** Calls the step executor of one block: counts what runs, and runs equal steps once where that is asked for. */
class Caller<S, R> {
  readonly #fn: StepExecutor<S, R>;
  readonly #securityContext: unknown;
  readonly #counts: Counts;
  readonly #answers: Map<S, R | PromiseLike<R>> | undefined;
  #running = 0;
  #peak = 0;
  /** Steps that had the result of another. */
  readonly cached = new Set<number>();

  constructor(fn: StepExecutor<S, R>, securityContext: unknown, caches: boolean, counts: Counts) {
    this.#fn = fn;
    this.#securityContext = securityContext;
    this.#counts = counts;
    this.#answers = caches ? new Map() : undefined;
  }

  readonly call = (step: S, context: StepContext): R | PromiseLike<R> => {
    if (this.#answers?.has(step)) {
      this.cached.add(context.index);
      return this.#answers.get(step)!;
    }
    this.#counts.activeSteps++;
    this.#peak = Math.max(this.#peak, ++this.#running);
    let answer;
    try {
      answer = this.#fn(step, new ExecutorContext(context, this.#securityContext));
    } catch (error) {
      this.#left();
      throw error;
    }
    this.#answers?.set(step, answer);
    const failed = () => {
      this.#left();
      // Equal steps that are still to come try again.
      this.#answers?.delete(step);
    };
    if (answer instanceof Promise) answer.then(this.#left, failed);
    else this.#left();
    return answer;
  };

  readonly #left = (): void => {
    this.#running--;
    this.#counts.activeSteps--;
  };

  resources(before: ReturnType<typeof usage>): Record<string, number> {
    const after = usage();
    const peakConcurrency = this.#peak;
    if (before === undefined || after === undefined) return { peakConcurrency };
    return { peakConcurrency, cpuSeconds: after.cpuSeconds - before.cpuSeconds, maxRssBytes: after.maxRssBytes };
  }
}

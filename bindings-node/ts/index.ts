/**
 * A durable task engine: a file on a laptop, a server or a database, with the same client.
 *
 * @module
 */

export { BatchHandle, OpenBatch, type SubmitBatchOptions } from "./batch.js";
export { BlockHandle, type SubmitBlockOptions } from "./block.js";
export { Client, type LogEntry, connect } from "./client.js";
export { type CancelReason, Context } from "./context.js";
export {
  type DynamicMetrics,
  DynamicParallelExecutor,
  type DynamicPoolOptions,
  type DynamicResult,
  DynamicWorkerPool,
  ExecutionTask,
  type ExecutionTaskOptions,
  type TaskContext,
  TaskPriority,
  createExecutionTask,
} from "./dynamic.js";
export { ExecutorInterface } from "./executor.js";
export * as errors from "./generated/errors.js";
export * from "./generated/errors.js";
export type * from "./generated/words.js";
export { FINAL_STATES, LOG_LEVELS, PRIORITY_NAMES, TASK_STATES } from "./generated/words.js";
export type { Submission as TaskResult } from "./generated/words.js";
export { TaskList, type TaskPage } from "./listing.js";
export type {
  AnyTaskOptions,
  BoundOptions,
  StretchOptions,
  BreakerOptions,
  CallOptions,
  CallRetryOptions,
  ConnectOptions,
  ListOptions,
  RetryOptions,
  SubmitTaskOptions,
  TaskFilter,
  TaskMap,
  TaskShape,
  WaitForBatchOptions,
  WaitOptions,
} from "./options.js";
export { Cancel, Fail, Outcome, Retry, Snooze } from "./outcomes.js";
export {
  type BlockProgress,
  BlockResult,
  type CustomAnswer,
  type CustomStrategy,
  type OverallStatus,
  type ParallelOptions,
  type StepContext,
  type StepFunction,
  type StepResult,
  parallel,
} from "./parallel.js";
export {
  type ParallelBlockOptions,
  type ParallelExecutionResult,
  ParallelStrategy,
  type ParallelTaskResult,
  type StepExecutor,
  type StepExecutorContext,
  type StepsOptions,
} from "./parallel-block.js";
export { ParallelExecutor, type ParallelExecutorHealth, type ParallelExecutorOptions } from "./parallel-executor.js";
export {
  type ExecuteOptions,
  Pipeline,
  PipelineList,
  type PipelineOptions,
  type PipelineSummary,
  Stage,
  type StageChange,
  type StageOptions,
} from "./pipeline.js";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./schema.js";
export { EventStream, type StreamListeners, type StreamOptions, TaskStream } from "./stream.js";
export {
  AdaptiveExecutor,
  type AdaptiveOptions,
  type AdaptiveRun,
  BatchProcessor,
  calculateOptimalConcurrency,
  readChunks,
} from "./tuning.js";
export { type Handler, type HandlerDefinition, type Handlers, Worker, type WorkerOptions } from "./worker.js";

export { version } from "./native.js";

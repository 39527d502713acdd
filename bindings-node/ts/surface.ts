/**
 * What native code offers, in Node as an addon and in a browser as wasm, private to the package: records
 * are JSON text in the words of the wire.
 *
 * A call that fails rejects (or throws) with an error whose message is the JSON text
 * `{"code", "message", "fields"}`; `raised` in `failure.ts` makes the typed error of it. In Node a pending
 * promise keeps the process alive, nothing else does.
 *
 * @module
 */

/** Ends the wait of the call it is given to. */
export interface Cancel {
  abort(): void;
}

/** A clock that tests move. */
export interface NativeClock {
  advance(seconds: number): void;
  millis(): number;
}

/** What is followed: a task's history, a pipeline's stages or all tasks. */
export interface NativeStream {
  /** The next record; `null` when there are no more, or once it is closed. */
  next(): Promise<string | null>;
  close(): void;
}

/** The verbs that `compose` does. */
export type ComposeVerb =
  | "submit_batch"
  | "open_batch"
  | "extend_batch"
  | "seal_batch"
  | "submit_pipeline"
  | "pipeline"
  | "cancel_pipeline"
  | "retry_pipeline"
  | "submit_block"
  | "block"
  | "upstream"
  | "upstream_names"
  | "state";

/** The verbs of a client. Durations are seconds. */
export interface NativeClient {
  /** Where it has to be fetched: resolves once it is there and has taken the options. */
  ready?(): Promise<unknown>;
  location(): string;
  nowMillis(): number;
  /**
   * Stores tasks, all or none, from JSON text of a list of their records. Answers runs of submissions:
   * `[{"task_ids", "status", "deduplicated", "batch_id"}, …]`.
   */
  submit(records: string, batch: boolean, cancel?: Cancel): Promise<string>;
  get(taskId: string): Promise<string>;
  getMany(taskIds: string[]): Promise<string>;
  /** The records once all have ended, or with `failFast` the first has failed. */
  wait(
    taskIds: string[],
    timeout: number | null,
    failFast: boolean,
    cancel?: Cancel,
  ): Promise<string>;
  /** JSON text of a task's answer, once it has completed. */
  result(taskId: string, timeout: number | null, cancel?: Cancel): Promise<string>;
  /** One page; `query` is JSON text of an object. */
  list(query: string): Promise<string>;
  /** How many match; `query` is JSON text of an object, as for the next two. */
  count(query: string): Promise<string>;
  cancelMatching(query: string): Promise<string>;
  retryMatching(query: string): Promise<string>;
  history(taskId: string, after: number, limit: number): Promise<string>;
  /** A task's history behind entry `after`, as it grows. */
  updates(taskId: string, after: number): NativeStream;
  /** The changes of a pipeline's stages behind entry `after` of its history, and then its end. */
  monitor(pipelineId: string, after: number): NativeStream;
  /** What happens to all tasks. */
  events(queue: string | null, taskType: string | null): NativeStream;
  cancel(taskId: string): Promise<string>;
  retry(taskId: string): Promise<string>;
  why(taskId: string): Promise<string>;
  counts(): Promise<string>;
  queues(): Promise<string>;
  pause(queue: string, paused: boolean): Promise<string>;
  batch(batchId: string): Promise<string>;
  cancelBatch(batchId: string): Promise<string>;
  /**
   * Verbs of batches, pipelines, blocks and states: JSON text, or `null` where there is nothing of that name. What
   * `subject` and `told` are, `windlass_json::Client::compose` says for each verb.
   */
  compose(verb: ComposeVerb, subject: string, told: string, cancel?: Cancel): Promise<string | null>;
  workers(): Promise<string>;
  clusterHealth(): Promise<string>;
  /** Leases taken by hand: bodies and answers of `/leases`, as JSON text. */
  lease(request: string): Promise<string>;
  renew(renewals: string): Promise<string>;
  settle(settles: string): Promise<string>;
  sweep(): Promise<string>;
  close(): Promise<null>;
}

/** A running worker. */
export interface NativeWorker {
  id(): string;
  /** Jobs as JSON text of a list; an empty list once no more will come. */
  claimJson(max: number): Promise<string>;
  /**
   * Hands in outcomes: JSON text of `{"completed": [[id, result], …], "stateful": [[id, result, state], …],
   * "ended": [[id, outcome], …]}`; the second may be left out.
   * One that makes no sense fails its own task, and no other.
   */
  completeJson(outcomes: string): void;
  /** The same, and takes what lies ready: no wait. */
  turnJson(outcomes: string, max: number): string;
  /** `[[id, reason], …]`; the reason is `null` when a job is given up. Empty at the end. */
  signals(): Promise<string>;
  progress(id: number, progress: number, message: string | null): void;
  log(id: number, level: string, message: string): void;
  drain(): void;
  stop(): void;
  stopped(): Promise<null>;
  running(): number;
  abandoned(): number;
}

/**
 * The machine of a block of steps, which knows them by their indexes only. After each `step` its plan is read
 * from the members. Times are milliseconds of a clock that never steps back.
 */
export interface NativeBlock {
  /** Tells how many ended, and whether the first of all that finished succeeded. */
  step(now: number, completed: number, failed: number, cancelled: number, first: boolean | null): void;
  /** Takes what a custom block's function says: `keep_going`, `satisfied` or `failed`; whether that decides. */
  answer(word: string): boolean;
  /** Ends it as cancelled, unless its verdict is taken. */
  cancel(): void;
  /** Whether all steps are granted at once, and need not be told one by one. */
  readonly quiet: boolean;
  /** Steps from `from` up to `to`, without it, may start now; each plan begins where the last one ended. */
  readonly from: number;
  readonly to: number;
  /** When to ask again though nothing ends. */
  readonly wake: number | null | undefined;
  readonly verdict: "completed" | "partial" | "failed" | "timeout" | "cancelled" | null | undefined;
  /** How many ended, and how; with a verdict, those never granted count as cancelled. */
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** In wasm: gives back its memory. */
  free?(): void;
}

/** Makes a block. `Infinity` is no limit to the steps that run at once. */
export interface NativeBlockType {
  new (
    strategy: string,
    total: number,
    maxConcurrency: number,
    quorum: number | null,
    ratePerSecond: number | null,
    timeoutSeconds: number | null,
    hasCustom: boolean,
  ): NativeBlock;
}

/** Concurrency that follows how the machine did: asked before a run, told after it. */
export interface NativeAdaptive {
  concurrency(): number;
  level(): "down" | "base" | "up";
  /** Shares are 0 to 1. */
  measured(steps: number, seconds: number, processors: number | null, memory: number | null): void;
}

/** What this process has to work with. */
export interface NativeMachine {
  readonly coresPhysical: number | null | undefined;
  readonly coresLogical: number;
  readonly memoryGb: number;
  /** Shares of processors and memory in use since the last call, or NaN, and the bytes of this process. */
  busy(): number[];
}

/**
 * The machine of a dynamic executor, which knows tasks by their places, from 0. After each `step` its plan is read
 * from the members. Times are milliseconds of a clock that never steps back.
 */
export interface NativeDynamic {
  /** Puts a task down for the next `add`; after a refusal nothing lies there. */
  push(
    taskId: string,
    priority: string,
    dependencies: string[],
    memoryMb: number,
    timeoutSeconds: number | null,
    estimateSeconds: number | null,
  ): void;
  /** Takes in what was put down, all or none; the place of the first. */
  add(now: number): number;
  /** Puts down an end for the next `step`; `null` is cancelled. */
  ended(place: number, completed: boolean | null): void;
  step(now: number): void;
  /** Takes in what `NativeMachine.busy` told. */
  measured(processors: number, memory: number, residentBytes: number): void;
  /** Cancels what has not started; the places of what runs. */
  cancel(now: number): Iterable<number>;
  /** Numbers in the order of `DynamicMetrics`. */
  metrics(now: number): Iterable<number>;
  recommendations(now: number): string[];
  /** Those that start now, have run too long, and will not start. */
  readonly start: Iterable<number>;
  readonly timedOut: Iterable<number>;
  readonly cancelled: Iterable<number>;
  readonly workers: number;
  /** When to ask again though nothing ends. */
  readonly wake: number | null | undefined;
  /** Tasks that have not ended. */
  readonly open: number;
}

/** Rules of dynamic executors. */
export interface NativeDynamicRules {
  Dynamic: new (minWorkers: number, maxWorkers: number, cores: number, memoryLimitMb: number | null) => NativeDynamic;
}

/** Machines and rules that need no client. */
export interface NativeRules {
  Block: NativeBlockType;
  Adaptive: new (base: number) => NativeAdaptive;
  optimalConcurrency(kind: string, coresPhysical: number | null, coresLogical: number, memoryGb: number): number;
  baseBatchSize(kind: string): number;
  optimalBatchSize(base: number, items: number): number;
  /** The flowchart of stages by name: stage `to[i]` waits for `from[i]`; `statuses` has one for each, or none. */
  mermaid(names: string[], from: string[], to: number[], statuses: string[]): string;
}

/** A server in this process, for tests. */
export interface NativeServer {
  url(): string;
  address(): string;
  stop(): Promise<null>;
}

/** What native code exports. */
export interface NativeModule extends NativeRules, NativeDynamicRules {
  version(): string;
  Cancel: new () => Cancel;
  ManualClock: new (startMillis: number | null) => NativeClock;
  /** `options` is JSON text of an object. */
  Client: new (url: string, options: string, clock: NativeClock | null) => NativeClient;
  /** `config` is JSON text of an object. */
  Worker: new (client: NativeClient, config: string) => NativeWorker;
  Machine: new () => NativeMachine;
  startServer(client: NativeClient, options: string): Promise<NativeServer>;
  /** Runs the command line and blocks: JSON text of `{"exit": code}` or `{"worker": arguments}`. */
  runCli(args: string[]): string;
}

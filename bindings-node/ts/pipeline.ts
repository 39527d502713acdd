/**
 * Pipelines: named stages that wait for each other, run by the store's workers.
 *
 * @module
 */

import { found } from "./compose.js";
import { answer, invalid, options as known, text } from "./failure.js";
import {
  type Failure,
  type MemberCounts,
  type PipelineStatus,
  type Priority,
  type Task,
  type TaskState,
  type WireRecord,
  readFailure,
  readPipelineStatus,
} from "./generated/words.js";
import { TaskList } from "./listing.js";
import { type NativeClient, rules } from "./native.js";
import type { CallOptions, ListOptions, SubmitTaskOptions, TaskMap, WaitOptions } from "./options.js";
import { type StreamOptions, TaskStream, entries, place } from "./stream.js";
import { WAITS, limit } from "./waiting.js";
import { composedRecord, taskRecord } from "./wire.js";

/** Tasks asked for at once. */
const CHUNK = 500;

/** What a pipeline itself is told. */
export interface PipelineOptions {
  labels?: Record<string, string | number | boolean>;
  /** A JSON object that travels with it. */
  metadata?: Record<string, unknown>;
  /** One key is one pipeline. */
  idempotencyKey?: string;
}

/** A stage: a task, with its name and what it waits for. */
export type StageOptions<M extends TaskMap<M> = TaskMap> = {
  [N in keyof M & string]: Omit<SubmitTaskOptions<M, N>, "idempotencyKey">;
}[keyof M & string] & {
  /** Unique in its pipeline. */
  name: string;
  /** Stages that must complete first, or their names; a name may be that of a stage which comes later. */
  dependsOn?: Stage | string | Iterable<Stage | string>;
};

/** How a pipeline is executed. */
export interface ExecuteOptions extends CallOptions {
  /** For stages that have none of their own. */
  priority?: Priority;
  /** Seconds that the whole may take: then it fails, and what is unfinished is cancelled. */
  timeout?: number;
  /** One key is one pipeline. */
  idempotencyKey?: string;
}

/** A stage, as `addStage` gives it: to be named in `dependsOn` of others. */
export class Stage {
  readonly pipeline: Pipeline<any>;
  readonly name: string;
  /** Names of the stages that must complete first. */
  readonly dependsOn: readonly string[];
  /** Its task, once the pipeline is executed. */
  taskId: string | null = null;

  /** @internal */
  constructor(pipeline: Pipeline<any>, name: string, dependsOn: readonly string[]) {
    this.pipeline = pipeline;
    this.name = name;
    this.dependsOn = dependsOn;
  }
}

/** What {@link Pipeline.monitor} tells: a change of a stage, or the pipeline's end. */
export interface StageChange {
  /** Its number in the pipeline's history: `monitor({ after: seq })` goes on behind it. */
  seq: number;
  /** The stage's task; with the end, the pipeline's. */
  taskId: string;
  /** The stage's name; `null` for the pipeline itself. */
  stage: string | null;
  status: TaskState;
  /** Whether this is the pipeline's end: the last item, and the only one of its kind. */
  isTerminal: boolean;
  /** Attempts of the stage that counted so far. */
  attempt: number;
  /** Why it failed or was cancelled. */
  error: Failure | null;
  /** How much of the pipeline has ended, in percent. */
  progress: number;
  timestamp: Date;
}

function readStageChange(r: WireRecord): StageChange {
  return {
    seq: r.seq,
    taskId: r.task_id,
    stage: r.stage ?? null,
    status: r.status,
    isTerminal: r.is_terminal,
    attempt: r.attempt,
    error: r.error == null ? null : readFailure(r.error),
    progress: r.progress,
    timestamp: new Date(r.at),
  };
}

/** Stages, and what they wait for; once executed, the pipeline that is stored. */
export class Pipeline<M extends TaskMap<M> = TaskMap> {
  readonly name: string;
  readonly #native: NativeClient;
  readonly #given: PipelineOptions;
  readonly #stages: Stage[] = [];
  readonly #tasks: object[] = [];
  #id: string | null = null;
  #deduplicated = false;

  /** @internal */
  constructor(client: NativeClient, name: string, given: PipelineOptions) {
    this.#native = client;
    this.#given = given;
    this.name = name;
  }

  /** @internal */
  static async stored<M extends TaskMap<M>>(client: NativeClient, pipelineId: string): Promise<Pipeline<M>> {
    const status = readPipelineStatus(JSON.parse(await found(client, "pipeline", pipelineId)));
    const pipeline = new Pipeline<M>(client, status.name, {});
    pipeline.#id = status.pipelineId;
    for (const { name, dependsOn, taskId } of status.stages) {
      const stage = new Stage(pipeline, name, dependsOn);
      stage.taskId = taskId;
      pipeline.#stages.push(stage);
    }
    return pipeline;
  }

  /** Its id, once executed: also the id of the task that stands for it. */
  get pipelineId(): string | null {
    return this.#id;
  }

  /** Whether its idempotency key was known, so that nothing new was stored. */
  get deduplicated(): boolean {
    return this.#deduplicated;
  }

  /** Its stages, in the order in which they were added. */
  get stages(): readonly Stage[] {
    return this.#stages.slice();
  }

  /**
   * Adds a stage, which starts when all that it depends on has completed. It is a task: its options are those of
   * `submitTask`, without `idempotencyKey`. Its handler reads what the others returned by
   * `await ctx.upstream("name")`. The graph is checked as a whole when it is executed.
   *
   * @throws InvalidArgumentError for a stage of another pipeline, and once it is executed
   */
  addStage(options: StageOptions<M>): Stage {
    if (this.#id !== null) throw invalid("pipeline", "is executed: its stages stay as they are");
    if (typeof options !== "object" || options === null) throw invalid("options", "must be an object");
    const { name, dependsOn = [], ...task } = options as StageOptions;
    const stage = new Stage(this, text("name", name), this.#names(dependsOn));
    this.#stages.push(stage);
    this.#tasks.push(task);
    return stage;
  }

  #names(wanted: NonNullable<StageOptions["dependsOn"]>): string[] {
    const one = typeof wanted === "string" || wanted instanceof Stage;
    if (!one && typeof (wanted as Iterable<unknown> | null)?.[Symbol.iterator] !== "function") {
      throw invalid("depends_on", "must hold stages, or names of stages");
    }
    return Array.from(one ? [wanted] : wanted, (before) => {
      if (!(before instanceof Stage)) return text("depends_on", before);
      if (before.pipeline === this) return before.name;
      throw invalid("depends_on", `${JSON.stringify(before.name)} is a stage of another pipeline`);
    });
  }

  /**
   * Stores the pipeline whole, durably, and resolves at once: workers run it.
   *
   * @throws InvalidArgumentError that names the culprits of a cycle, of an unknown, a duplicate or its own name in
   *   `dependsOn`, and what `submitTask` throws: then nothing is stored
   */
  async execute(options: ExecuteOptions = {}): Promise<this> {
    const { priority, timeout, idempotencyKey, signal } = known(options, "priority", "timeout", "idempotencyKey", "signal");
    if (this.#id !== null) throw invalid("pipeline", "is executed already: create another one");
    const stages = this.#stages.map(({ name, dependsOn }, at) => {
      const task = taskRecord(this.#tasks[at]!, priority === undefined ? {} : { priority });
      const own = `"name":${JSON.stringify(name)},"depends_on":${JSON.stringify(dependsOn)}`;
      return `{${own}${task === "{}" ? "" : ","}${task.slice(1)}`;
    });
    const given = { name: this.name, ...this.#given, timeout, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
    const record = composedRecord(given, `"stages":[${stages.join()}]`);
    const stored = JSON.parse(await found(this.#native, "submit_pipeline", record, "", signal));
    this.#id = stored.pipeline_id;
    this.#deduplicated = stored.deduplicated;
    for (const [at, stage] of this.#stages.entries()) stage.taskId = stored.task_ids[at];
    return this;
  }

  /** How it and its stages stand. @throws PipelineNotFoundError */
  async status(): Promise<PipelineStatus> {
    return this.#record("pipeline");
  }

  /** Changes of stages as they happen, behind entry `after` or from the beginning, and then exactly one item for the end. */
  async *monitor(options: StreamOptions = {}): AsyncGenerator<StageChange, void, undefined> {
    const { after = 0, signal } = known(options, "after", "signal");
    const id = this.#executed();
    yield* entries(() => this.#native.monitor(id, place(after)), readStageChange, new Set(), signal);
  }

  /** The history as it is stored: entries of kind `member`, and its own. */
  stream(options: StreamOptions = {}): TaskStream {
    return new TaskStream(this.#native, this.#executed(), known(options, "after", "signal"));
  }

  /**
   * How it ended, `completed`, `failed` or `cancelled` alike.
   *
   * @throws TaskTimeoutError when the timeout passes first; the pipeline goes on then
   */
  async wait(options: WaitOptions = {}): Promise<PipelineStatus> {
    const { timeout, signal } = known(options, ...WAITS);
    const id = this.#executed();
    await answer((cancel) => this.#native.wait([id], limit(timeout), false, cancel), signal);
    return this.status();
  }

  /** What a stage returned, once it has completed. @throws as `result` of a task */
  async result(stage: Stage | string, options: WaitOptions = {}): Promise<any> {
    const { timeout, signal } = known(options, ...WAITS);
    const taskId = this.#task(stage);
    return JSON.parse(await answer((cancel) => this.#native.result(taskId, limit(timeout), cancel), signal));
  }

  /** What every stage returned that has completed so far, by name. */
  async results(): Promise<Record<string, any>> {
    const done = (await this.status()).stages.filter(({ status }) => status === "completed");
    const results: [string, any][] = [];
    for (let at = 0; at < done.length; at += CHUNK) {
      const some = done.slice(at, at + CHUNK);
      const told = await answer(() => this.#native.getMany(some.map(({ taskId }) => taskId)));
      for (const [place, { result }] of JSON.parse(told).entries()) results.push([some[place]!.name, result ?? null]);
    }
    return Object.fromEntries(results);
  }

  /** Cancels it, and its unfinished stages with it; how it stands then. */
  async cancel(): Promise<PipelineStatus> {
    return this.#record("cancel_pipeline");
  }

  /**
   * Runs a failed or cancelled stage again with all that waited for it, or every such stage; how it stands then.
   *
   * @throws InvalidTransitionError when there is nothing to run again
   */
  async retry(stage?: Stage | string): Promise<PipelineStatus> {
    if (stage === undefined) return this.#record("retry_pipeline");
    return this.#record("retry_pipeline", stage instanceof Stage ? stage.name : text("stage", stage));
  }

  /** The graph as a Mermaid flowchart; once executed, with the states of its stages as they stand. */
  async toMermaid(): Promise<string> {
    const statuses = this.#id === null ? [] : (await this.status()).stages.map(({ status }) => status as string);
    const edges = this.#stages.flatMap(({ dependsOn }, to) => dependsOn.map((from) => [from, to] as const));
    const { mermaid } = await rules();
    const names = this.#stages.map(({ name }) => name);
    return mermaid(names, edges.map(([from]) => from), edges.map(([, to]) => to), statuses);
  }

  async #record(verb: "pipeline" | "cancel_pipeline" | "retry_pipeline", told = ""): Promise<PipelineStatus> {
    return readPipelineStatus(JSON.parse(await found(this.#native, verb, this.#executed(), told)));
  }

  #executed(): string {
    if (this.#id === null) throw invalid("pipeline", `${JSON.stringify(this.name)} is not executed yet`);
    return this.#id;
  }

  #task(stage: Stage | string): string {
    this.#executed();
    const known = this.#stages.find((one) => (stage instanceof Stage ? one === stage : one.name === stage));
    if (known?.taskId == null) throw invalid("stage", `is no stage of ${JSON.stringify(this.name)}`);
    return known.taskId;
  }
}

/** A pipeline as a list shows it: without its stages. */
export interface PipelineSummary {
  pipelineId: string;
  name: string;
  status: TaskState;
  /** How its stages ended so far. */
  members: MemberCounts;
  createdAt: Date;
  finishedAt: Date | null;
  error: Failure | null;
  labels: Record<string, string>;
}

function summary(task: Task): PipelineSummary {
  const { taskId: pipelineId, type: name, status, createdAt, finishedAt, error, labels } = task;
  return { pipelineId, name, status, members: task.members!, createdAt, finishedAt, error, labels };
}

/** Newest first: `for await` fetches page by page, `await` gives an array. */
export class PipelineList implements AsyncIterable<PipelineSummary>, PromiseLike<PipelineSummary[]> {
  readonly #tasks: TaskList;

  /** @internal */
  constructor(client: NativeClient, options: ListOptions) {
    this.#tasks = new TaskList(client, { ...options, kind: "pipeline" });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<PipelineSummary, void, undefined> {
    for await (const task of this.#tasks) yield summary(task);
  }

  /** One page, and the `next` one's cursor; as that of a list of tasks. */
  async page(cursor: string | null = null): Promise<{ pipelines: PipelineSummary[]; next: string | null }> {
    const { tasks, next } = await this.#tasks.page(cursor);
    return { pipelines: tasks.map(summary), next };
  }

  then<A = PipelineSummary[], B = never>(
    resolve?: ((pipelines: PipelineSummary[]) => A | PromiseLike<A>) | null,
    reject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#tasks.toArray().then((tasks) => tasks.map(summary)).then(resolve, reject);
  }
}

/**
 * The client: every verb, over a store in this process or a server.
 *
 * @module
 */

import { submissionsOf } from "./batch.js";
import type { ManualClock } from "./clock.js";
import { Composing } from "./composing.js";
import { answer, invalid, now, options as known, text } from "./failure.js";
import { type WindlassError, fromCode } from "./generated/errors.js";
import {
  type Changed,
  type ClusterHealth,
  type Count,
  type QueueInfo,
  type Submission,
  type Tally,
  type Task,
  type TaskStatus,
  type TaskUpdate,
  type Why,
  type WorkerInfo,
  readChanged,
  readClusterHealth,
  readCount,
  readQueueInfo,
  readTally,
  readTask,
  readTaskStatus,
  readTaskUpdate,
  readWhy,
  readWorkerInfo,
} from "./generated/words.js";
import { TaskList } from "./listing.js";
import { recordText } from "./json.js";
import { type NativeClient, native } from "./native.js";
import type {
  BoundOptions,
  StretchOptions,
  CallOptions,
  ConnectOptions,
  ListOptions,
  SubmitTaskOptions,
  TaskFilter,
  TaskMap,
  WaitForBatchOptions,
  WaitOptions,
} from "./options.js";
import { defaultUrl } from "./platform.js";
import { EventStream, type StreamOptions, TaskStream } from "./stream.js";
import { connectRecord, queryRecord, taskRecords } from "./wire.js";
import { WAITS, limit } from "./waiting.js";
import { type Handlers, Worker, type WorkerOptions } from "./worker.js";

/** A line that a handler logged. */
export interface LogEntry {
  seq: number;
  timestamp: Date;
  level: NonNullable<TaskUpdate["level"]>;
  message: string;
}

/**
 * A connection to a store or a server. An idle one never keeps the process alive; a pending call and
 * a running worker do.
 */
export class Client<M extends TaskMap<M> = TaskMap> extends Composing<M> implements AsyncDisposable {
  readonly #native: NativeClient;
  readonly #workers = new Set<Worker>();

  /**
   * Connects to `url`, else `endpoint`, else where the platform says: in Node `WINDLASS_URL`, else
   * `WINDLASS_API_ENDPOINT`, else the file `windlass.db`; in a browser the server that the page came from. A
   * server is asked nothing yet.
   *
   * @throws InvalidUrlError, InvalidArgumentError, StoreUnavailableError and others of stores
   */
  constructor(url?: string, options?: ConnectOptions);
  constructor(options: ConnectOptions & { endpoint?: string });
  constructor(
    first: string | (ConnectOptions & { endpoint?: string }) = {},
    second: ConnectOptions = {},
  ) {
    const { url, clock, options } = given(first, second);
    const record = connectRecord(options);
    const client = now(() => new native.Client(url, record, clock?.native ?? null));
    super(client);
    this.#native = client;
  }

  /** What and where the store is. */
  get location(): string {
    return this.#native.location();
  }

  /**
   * Stores one task; durable when it resolves.
   *
   * @throws InvalidArgumentError, InvalidPayloadError, PayloadTooLargeError,
   *   IdempotencyConflictError, QueueFullError
   */
  async submitTask<N extends keyof M & string>(
    options: SubmitTaskOptions<M, N>,
    call: CallOptions = {},
  ): Promise<Submission> {
    const records = taskRecords([options]);
    const { signal } = known(call, "signal");
    const told = await answer((cancel) => this.#native.submit(records, false, cancel), signal);
    return submissionsOf(JSON.parse(told))[0]!;
  }

  /** The task. @throws TaskNotFoundError */
  async getTask(taskId: string): Promise<Task> {
    return readTask(JSON.parse(await answer(() => this.#native.get(text("task_id", taskId)))));
  }

  /** How the task stands. @throws TaskNotFoundError */
  async getTaskStatus(taskId: string): Promise<TaskStatus> {
    return readTaskStatus(JSON.parse(await answer(() => this.#native.get(text("task_id", taskId)))));
  }

  /** The tasks as they stand, by id. @throws TaskNotFoundError for the first unknown id */
  async getBatchStatus(taskIds: readonly string[]): Promise<Map<string, Task>> {
    const told = await answer(() => this.#native.getMany(ids(taskIds)));
    const tasks: Task[] = JSON.parse(told).map(readTask);
    return new Map(tasks.map((task, i) => [taskIds[i]!, task]));
  }

  /** Tasks that match, newest first: `for await` fetches page by page, `await` gives an array. */
  listTasks(options: ListOptions = {}): TaskList {
    return new TaskList(this.#native, options);
  }

  /** How many tasks match; counting stops at `most`, 100,000 unless told. @throws InvalidArgumentError */
  async countTasks(filter: TaskFilter = {}, { most }: BoundOptions = {}): Promise<Tally> {
    return readTally(JSON.parse(await answer(() => this.#native.count(queryRecord({ ...filter, most })))));
  }

  /**
   * Cancels the tasks that match, newest first, each as `cancelTask` does; at most `most`, which is
   * 10,000 unless told. What has ended stays as it is and does not count. `cursor` goes on from the
   * `next` of the answer before.
   *
   * @throws InvalidArgumentError, also for a filter that says nothing
   */
  async cancelTasks(filter: TaskFilter, { most, cursor }: StretchOptions = {}): Promise<Changed> {
    const told = await answer(() => this.#native.cancelMatching(queryRecord({ ...filter, most, cursor })));
    return readChanged(JSON.parse(told));
  }

  /**
   * Runs the failed and cancelled tasks that match again, newest first; at most `most`. Calls that go on
   * with `cursor` pass every task once; one without begins at the newest again, and finds what failed
   * again meanwhile. Errors as `cancelTasks`.
   */
  async retryTasks(filter: TaskFilter, { most, cursor }: StretchOptions = {}): Promise<Changed> {
    const told = await answer(() => this.#native.retryMatching(queryRecord({ ...filter, most, cursor })));
    return readChanged(JSON.parse(told));
  }

  /**
   * How the task ended, `completed`, `failed` or `cancelled` alike. The task is not touched.
   *
   * @throws TaskTimeoutError when the timeout passes first, WorkerNotAvailableError if then no live
   *   worker takes the task, the signal's reason once it is aborted
   */
  async waitForTask(taskId: string, options: WaitOptions = {}): Promise<Task> {
    return readTask(JSON.parse(await this.#wait([text("task_id", taskId)], false, known(options, ...WAITS)))[0]);
  }

  /** How the tasks ended, in the order of their ids. Errors as `waitForTask`. */
  async waitForBatch(
    taskIds: readonly string[],
    options: WaitForBatchOptions = {},
  ): Promise<Task[]> {
    known(options, ...WAITS, "failFast");
    return JSON.parse(await this.#wait(ids(taskIds), options.failFast ?? false, options)).map(readTask);
  }

  /** The handler's answer, once the task has completed. @throws as `waitForTask`, TaskFailedError, TaskCancelledError */
  async result<N extends keyof M & string>(
    taskId: string,
    options: WaitOptions = {},
  ): Promise<M[N]["result"]> {
    const { timeout, signal } = known(options, ...WAITS);
    const told = await answer((cancel) => this.#native.result(text("task_id", taskId), limit(timeout), cancel), signal);
    return JSON.parse(told);
  }

  /** The task's history as it grows: iterate it, or listen to it. @throws TaskNotFoundError, within */
  streamTask(taskId: string, options: StreamOptions = {}): TaskStream {
    return new TaskStream(this.#native, taskId, known(options, "after", "signal"));
  }

  /** What happens to tasks from now on; of one queue or type, if one is given. */
  events(options: { queue?: string; type?: string } & CallOptions = {}): EventStream {
    const { queue, type, signal } = known(options, "queue", "type", "signal");
    return new EventStream(() => {
      const named = (field: string, value?: string) => (value == null ? null : text(field, value));
      return this.#native.events(named("queue", queue), named("task_type", type));
    }, signal);
  }

  /** The lines that the handler logged so far. @throws TaskNotFoundError */
  async getTaskLogs(taskId: string): Promise<LogEntry[]> {
    const lines: LogEntry[] = [];
    for (let after = 0; ; ) {
      const told = await answer(() => this.#native.history(text("task_id", taskId), after, 1000));
      const entries: TaskUpdate[] = JSON.parse(told).map(readTaskUpdate);
      const last = entries.at(-1);
      if (last === undefined) return lines;
      after = last.seq;
      for (const { kind, seq, timestamp, level, message } of entries) {
        if (kind === "log") lines.push({ seq, timestamp, level: level!, message: message ?? "" });
      }
    }
  }

  /** Cancels the task: at once when it waits, by request when it runs. @throws TaskNotFoundError */
  async cancelTask(taskId: string): Promise<Task> {
    return readTask(JSON.parse(await answer(() => this.#native.cancel(text("task_id", taskId)))));
  }

  /** Runs a failed or cancelled task again. @throws TaskNotFoundError, InvalidTransitionError */
  async retryTask(taskId: string): Promise<Task> {
    return readTask(JSON.parse(await answer(() => this.#native.retry(text("task_id", taskId)))));
  }

  /** Why the task does not run now. @throws TaskNotFoundError */
  async why(taskId: string): Promise<Why> {
    return readWhy(JSON.parse(await answer(() => this.#native.why(text("task_id", taskId)))));
  }

  /** How many tasks each queue has in each status. */
  async counts(): Promise<Count[]> {
    return JSON.parse(await answer(() => this.#native.counts())).map(readCount);
  }

  /** The queues that have tasks or are paused, by name. */
  async queues(): Promise<QueueInfo[]> {
    return JSON.parse(await answer(() => this.#native.queues())).map(readQueueInfo);
  }

  /** Has workers of every process take nothing from the queue. @throws InvalidArgumentError */
  async pauseQueue(name: string): Promise<QueueInfo> {
    return readQueueInfo(JSON.parse(await answer(() => this.#native.pause(text("queue", name), true))));
  }

  /** Lets a paused queue go on. Again is no error. */
  async resumeQueue(name: string): Promise<QueueInfo> {
    return readQueueInfo(JSON.parse(await answer(() => this.#native.pause(text("queue", name), false))));
  }

  /** The live workers of every process. */
  async workers(): Promise<WorkerInfo[]> {
    return JSON.parse(await answer(() => this.#native.workers())).map(readWorkerInfo);
  }

  /** How the store, its queues and its workers are. */
  async clusterHealth(): Promise<ClusterHealth> {
    return readClusterHealth(JSON.parse(await answer(() => this.#native.clusterHealth())));
  }

  /**
   * A worker that runs `handlers`, by task type. It begins when `run()` is called. Delivery is at
   * least once: a handler may run again after a crash.
   *
   * @throws InvalidArgumentError, from `run`
   */
  worker(handlers: Handlers<M>, options: WorkerOptions = {}): Worker {
    return new Worker(this.#native, handlers, options, this.#workers);
  }

  /** Leases taken by hand, as records of the wire: `POST /leases`. For tests. */
  async lease(request: object): Promise<any> {
    return JSON.parse(await answer(() => this.#native.lease(recordText("request", request))));
  }

  /** Keeps leases taken by hand. */
  async renew(renewals: readonly object[]): Promise<any[]> {
    return JSON.parse(await answer(() => this.#native.renew(recordText("renewals", renewals))));
  }

  /** Records outcomes of leases taken by hand; for each its task's status, or the error. */
  async settle(settles: readonly object[]): Promise<({ task_id: string; status: string } | WindlassError)[]> {
    const told = await answer(() => this.#native.settle(recordText("settles", settles)));
    return JSON.parse(told).map(({ task_id, status, error }: Record<string, any>) => {
      if (error === undefined) return { task_id, status };
      const { code, message, details } = error;
      return fromCode(code, message, details ?? {});
    });
  }

  /** Promotes, rescues and prunes once; where a worker runs it happens by itself. */
  async sweep(): Promise<{ promoted: number; rescued: number; pruned: number }> {
    return JSON.parse(await answer(() => this.#native.sweep()));
  }

  /** @internal Resolves once native code that has to be fetched is there and has looked at the options. */
  async ready(): Promise<void> {
    await answer(async () => this.#native.ready?.());
  }

  /** @internal */
  async serve(options: object): ReturnType<typeof native.startServer> {
    return answer(() => native.startServer(this.#native, connectRecord(options)));
  }

  /** Drains the workers of this client and releases the store. Again is no error. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#workers, (worker) => worker.drain()));
    await answer(() => this.#native.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #wait(taskIds: string[], failFast: boolean, { timeout, signal }: WaitOptions) {
    return answer((cancel) => this.#native.wait(taskIds, limit(timeout), failFast, cancel), signal);
  }
}

/** Connects; see {@link Client}. */
export async function connect<M extends TaskMap<M> = TaskMap>(
  url?: string,
  options: ConnectOptions = {},
): Promise<Client<M>> {
  const client = new Client<M>(url, options);
  await client.ready();
  return client;
}

function given(
  first: string | (ConnectOptions & { endpoint?: string }),
  second: ConnectOptions,
): { url: string; clock: ManualClock | undefined; options: object } {
  if (typeof first !== "string" && (typeof first !== "object" || first === null)) {
    throw invalid("url", `must be a string, or an object of options, not ${first === null ? "null" : typeof first}`);
  }
  if (typeof second !== "object" || second === null) throw invalid("options", "must be an object");
  const { endpoint, clock, ...options }: ConnectOptions & { endpoint?: string } =
    typeof first === "string" ? second : { ...first, ...second };
  // Not by class: the clock may be of the package's other build.
  if (clock !== undefined && Object(clock).native === undefined) throw invalid("clock", "must be a ManualClock");
  const named = typeof first === "string" ? first : endpoint;
  const url = named || defaultUrl();
  return { url: text("url", url), clock, options };
}

function ids(taskIds: readonly string[]): string[] {
  if (!Array.isArray(taskIds)) throw invalid("task_ids", "must be an array of ids");
  return Array.from(taskIds, (taskId) => text("task_ids", taskId));
}

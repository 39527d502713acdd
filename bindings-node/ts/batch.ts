/**
 * Batches: many tasks with one id, one progress and one end.
 *
 * @module
 */

import { found } from "./compose.js";
import { answer, invalid, options as known } from "./failure.js";
import { type Batch, type Submission, readBatch, readSubmission } from "./generated/words.js";
import type { NativeClient } from "./native.js";
import type { AnyTaskOptions, SubmitTaskOptions, TaskMap, WaitOptions } from "./options.js";
import { type StreamOptions, TaskStream } from "./stream.js";
import { batchRecord, taskRecords } from "./wire.js";
import { WAITS, limit } from "./waiting.js";

/** Tasks of one chunk, and characters: it ends with the task that reaches this. */
const TASKS = 5_000;
const SIZE = 4_000_000;
/** Tasks that become text together: the fewer, the less is held twice. */
const SLICE = 250;

/** What a batch can be told beside its tasks. */
export interface SubmitBatchOptions<M extends TaskMap<M> = TaskMap> extends SubmitTaskOptions<M> {
  /** For people. */
  name?: string;
  /** Runs once every task has ended, however. */
  onComplete?: AnyTaskOptions<M>;
  /** Runs when every task has completed. */
  onSuccess?: AnyTaskOptions<M>;
  /** Runs when every task has ended and one of them did not complete. */
  onFailure?: AnyTaskOptions<M>;
}

/** @internal What a batch is told, as its record, and what its tasks share. */
export interface BatchTold {
  record: string;
  shared: object;
}

/** @internal */
export function batchOptions(options: object): BatchTold {
  if (typeof options !== "object" || options === null) throw invalid("options", "must be an object");
  const { name, onComplete, onSuccess, onFailure, idempotencyKey, ...shared }: SubmitBatchOptions = options;
  const { labels, metadata } = shared;
  const own = { name, onComplete, onSuccess, onFailure, idempotencyKey, labels, metadata };
  return { record: batchRecord(own), shared };
}

/** Runs of submissions, as native code tells them: those next to each other differ in their ids only. */
type Run = Record<string, any> & { task_ids: string[] };

/** Submissions from their runs. */
export function submissionsOf(runs: readonly Run[]): Submission[] {
  // The reader makes a record of its own.
  return runs.flatMap((run) => run.task_ids.map((task_id) => readSubmission({ ...run, task_id })));
}

/** A batch in its submitter's hands: its id, and those of its tasks where they are known. */
export class BatchHandle {
  /** The batch: also the id of the task that stands for it. */
  readonly batchId: string;
  /** The tasks' ids, in order; empty for a batch that was found by its id. */
  readonly taskIds: string[];
  /** Whether its own idempotency key was known, so that nothing new was stored. */
  readonly deduplicated: boolean;
  readonly #native: NativeClient;
  readonly #runs: readonly Run[];

  /** @internal */
  constructor(client: NativeClient, batchId: string, runs: readonly Run[] = [], deduplicated = false) {
    this.#native = client;
    this.#runs = runs;
    this.batchId = batchId;
    this.taskIds = runs.flatMap((run) => run.task_ids);
    this.deduplicated = deduplicated;
  }

  /** @internal */
  static of(client: NativeClient, told: string): BatchHandle {
    const { batch_id, runs, deduplicated } = JSON.parse(told);
    return new BatchHandle(client, batch_id, runs, deduplicated);
  }

  /** One for each task, in order. */
  get submissions(): Submission[] {
    return submissionsOf(this.#runs);
  }

  /** How it stands. @throws BatchNotFoundError */
  async status(): Promise<Batch> {
    return readBatch(JSON.parse(await answer(() => this.#native.batch(this.batchId))));
  }

  /** How many of its tasks have ended, in percent: asked for now. */
  async progress(): Promise<number> {
    return (await this.status()).progress;
  }

  /**
   * How it ended, once every task has. A retry of one of its tasks opens it again.
   *
   * @throws TaskTimeoutError when the timeout passes first; the batch goes on then
   */
  async wait(options: WaitOptions = {}): Promise<Batch> {
    const { timeout, signal } = known(options, ...WAITS);
    await answer((cancel) => this.#native.wait([this.batchId], limit(timeout), false, cancel), signal);
    return this.status();
  }

  /** One stream for all: an entry of kind `member` for each task that ends, then the end. */
  stream(options: StreamOptions = {}): TaskStream {
    return new TaskStream(this.#native, this.batchId, known(options, "after", "signal"));
  }

  /** Cancels every task that has not ended; how it stands then. */
  async cancel(): Promise<Batch> {
    return readBatch(JSON.parse(await answer(() => this.#native.cancelBatch(this.batchId))));
  }
}

/** A batch to which tasks are added. Nobody sees any of it before its seal; no more than a chunk is held here. */
export class OpenBatch<M extends TaskMap<M> = TaskMap> {
  readonly #native: NativeClient;
  readonly #told: BatchTold;
  readonly #signal: AbortSignal | null | undefined;
  /** Chunks that are full, each as JSON text of a list. */
  readonly #full: string[] = [];
  #id: string | undefined;
  #sent = 0;
  #tasks: object[] = [];
  #texts: string[] = [];
  #count = 0;
  #size = 0;

  /** @internal */
  constructor(client: NativeClient, told: BatchTold, signal?: AbortSignal | null) {
    this.#native = client;
    this.#told = told;
    this.#signal = signal;
  }

  /** Its id, once it is begun. */
  get batchId(): string | null {
    return this.#id ?? null;
  }

  /** @internal Begins it. Again is no error. */
  async open(): Promise<string> {
    this.#id ??= JSON.parse(await found(this.#native, "open_batch", this.#told.record, "", this.#signal)) as string;
    return this.#id;
  }

  /**
   * Adds tasks, in order; those beyond one chunk are sent as they come. What could not be sent is kept, and goes
   * with the next ones or the seal.
   *
   * @throws InvalidArgumentError, InvalidPayloadError, PayloadTooLargeError
   */
  async add(tasks: Iterable<AnyTaskOptions<M>> | AsyncIterable<AnyTaskOptions<M>>): Promise<this> {
    const of: any = tasks;
    if (typeof of === "object" && of !== null && Symbol.asyncIterator in of) {
      for await (const task of of) if (this.#take(task)) await this.#send();
    } else if (typeof of === "object" && of !== null && Symbol.iterator in of) {
      for (const task of of) if (this.#take(task)) await this.#send();
    } else {
      throw invalid("tasks", "must be an iterable of tasks");
    }
    this.#write();
    return this;
  }

  /** Makes it visible whole; its tasks may run from then on. After an error it can be sealed again. */
  async seal(): Promise<BatchHandle> {
    this.#write();
    this.#end();
    const [only = "[]", ...more] = this.#full;
    if (this.#id === undefined && more.length === 0) {
      const { record } = this.#told;
      if (record === "{}" && only !== "[]") {
        // What every client can do: a page need not fetch the code of the rest.
        const told = await answer((cancel) => this.#native.submit(only, true, cancel), this.#signal);
        const runs: Run[] = JSON.parse(told);
        return new BatchHandle(this.#native, runs[0]!["batch_id"], runs);
      }
      return BatchHandle.of(this.#native, await found(this.#native, "submit_batch", record, only, this.#signal));
    }
    await this.#send();
    return BatchHandle.of(this.#native, await found(this.#native, "seal_batch", await this.open(), "", this.#signal));
  }

  /** Takes a task; whether more than one chunk is there, so that one is to be sent. */
  #take(task: object): boolean {
    this.#tasks.push(task);
    if (this.#tasks.length === SLICE) this.#write();
    return this.#full.length > 1 || (this.#full.length > 0 && this.#count > 0);
  }

  /** Makes text of the tasks that have none yet. */
  #write(): void {
    const tasks = this.#tasks;
    if (tasks.length === 0) return;
    this.#tasks = [];
    const { shared } = this.#told;
    const text = taskRecords(tasks, shared).slice(1, -1);
    if (text.length < SIZE) return this.#put(text, tasks.length);
    // Large ones: one by one, so that a chunk ends where it should.
    for (const task of tasks) this.#put(taskRecords([task], shared).slice(1, -1), 1);
  }

  #put(text: string, count: number): void {
    this.#texts.push(text);
    this.#count += count;
    this.#size += text.length;
    if (this.#count >= TASKS || this.#size >= SIZE) this.#end();
  }

  #end(): void {
    if (this.#count > 0) this.#full.push(`[${this.#texts.join()}]`);
    [this.#texts, this.#count, this.#size] = [[], 0, 0];
  }

  async #send(): Promise<void> {
    const id = await this.open();
    for (let chunk = this.#full[0]; chunk !== undefined; chunk = this.#full[0]) {
      // The same number again replaces a chunk whose answer was lost.
      await found(this.#native, "extend_batch", `${id} ${this.#sent}`, chunk, this.#signal);
      this.#full.shift();
      this.#sent++;
    }
  }
}

/**
 * The verbs of batches, pipelines, blocks and states: what a client has of them.
 *
 * @module
 */

import { BatchHandle, OpenBatch, type SubmitBatchOptions, batchOptions } from "./batch.js";
import { BlockHandle, type SubmitBlockOptions, blockRecord } from "./block.js";
import { compose, found } from "./compose.js";
import { answer, options as known, text } from "./failure.js";
import { type Batch, readBatch, readSubmission } from "./generated/words.js";
import type { NativeClient } from "./native.js";
import type { AnyTaskOptions, CallOptions, ListOptions, TaskMap } from "./options.js";
import { Pipeline, PipelineList, type PipelineOptions } from "./pipeline.js";
import { readUpstream } from "./upstream.js";
import { taskRecords } from "./wire.js";

/** The verbs of composition. */
export abstract class Composing<M extends TaskMap<M> = TaskMap> {
  readonly #native: NativeClient;

  /** @internal */
  protected constructor(client: NativeClient) {
    this.#native = client;
  }

  /**
   * Stores many tasks, all or none, as one batch; durable when it resolves. What `options` say of a task holds for
   * tasks that do not say otherwise; `labels` and `metadata` are the batch's own as well, and one `idempotencyKey`
   * is one batch. Any iterable will do, also one that is asynchronous: a long one goes in chunks, and nobody sees
   * any of its tasks before the last one is there. At most 100,000.
   *
   * `onComplete` runs once every task has ended, `onSuccess` when all completed, `onFailure` when one did not. It
   * reads the batch's counts as `await ctx.upstream("batch")`.
   *
   * @throws as `submitTask`
   */
  async submitBatch(
    tasks: Iterable<AnyTaskOptions<M>> | AsyncIterable<AnyTaskOptions<M>>,
    options: SubmitBatchOptions<M> = {},
    call: CallOptions = {},
  ): Promise<BatchHandle> {
    const { signal } = known(call, "signal");
    const batch = new OpenBatch<M>(this.#native, batchOptions(options), signal);
    await batch.add(tasks);
    return batch.seal();
  }

  /**
   * Begins a batch whose tasks are added bit by bit. Nobody sees any of it before `seal()`; one that is never
   * sealed is forgotten after a day. Options as `submitBatch`.
   */
  async openBatch(options: SubmitBatchOptions<M> = {}, call: CallOptions = {}): Promise<OpenBatch<M>> {
    const { signal } = known(call, "signal");
    const batch = new OpenBatch<M>(this.#native, batchOptions(options), signal);
    await batch.open();
    return batch;
  }

  /**
   * Adds a chunk to a batch that `openBatch` began, here or elsewhere: chunks are numbered from 0, and the same
   * number again replaces one. Answers how many tasks the batch has so far.
   *
   * @throws BatchNotFoundError, also once it is sealed
   */
  async extendBatch(batchId: string, chunk: number, tasks: Iterable<AnyTaskOptions<M>>): Promise<number> {
    const subject = `${text("batch_id", batchId)} ${chunk}`;
    return JSON.parse(await found(this.#native, "extend_batch", subject, taskRecords(Array.from(tasks))));
  }

  /** Makes a batch visible whole that `openBatch` began. @throws BatchNotFoundError */
  async sealBatch(batchId: string): Promise<BatchHandle> {
    return BatchHandle.of(this.#native, await found(this.#native, "seal_batch", text("batch_id", batchId)));
  }

  /** A batch that is known by its id; its tasks are not. Nothing is asked yet. */
  batchHandle(batchId: string): BatchHandle {
    return new BatchHandle(this.#native, text("batch_id", batchId));
  }

  /** How the tasks of a batch stand, counted. @throws BatchNotFoundError */
  async getBatch(batchId: string): Promise<Batch> {
    return readBatch(JSON.parse(await answer(() => this.#native.batch(text("batch_id", batchId)))));
  }

  /** Cancels every task of a batch that has not ended. @throws BatchNotFoundError */
  async cancelBatch(batchId: string): Promise<Batch> {
    return readBatch(JSON.parse(await answer(() => this.#native.cancelBatch(text("batch_id", batchId)))));
  }

  /** A pipeline to add stages to. Nothing is stored before its `execute`. */
  createPipeline(name: string, options: PipelineOptions = {}): Pipeline<M> {
    return new Pipeline<M>(this.#native, text("name", name), known(options, "labels", "metadata", "idempotencyKey"));
  }

  /** A pipeline that is stored. @throws PipelineNotFoundError */
  async getPipeline(pipelineId: string): Promise<Pipeline<M>> {
    return Pipeline.stored<M>(this.#native, text("pipeline_id", pipelineId));
  }

  /** Pipelines that match, newest first: `for await` fetches page by page, `await` gives an array. */
  listPipelines(options: Omit<ListOptions, "type" | "queue" | "batchId" | "kind"> = {}): PipelineList {
    return new PipelineList(this.#native, options);
  }

  /**
   * Stores a block of steps under a strategy; durable, and judged by the store itself. `block` holds the steps, or
   * is an object with `steps` and the options beside it. Each step becomes the payload of a task of `type`; without
   * one a step's `function` names its handler, else the default handler runs it.
   *
   * @throws InvalidArgumentError, also for `custom`, whose function cannot travel; InvalidPayloadError
   */
  async submitBlock(
    block: (SubmitBlockOptions & { steps: Iterable<any> | AsyncIterable<any> }) | Iterable<any> | AsyncIterable<any>,
    options: SubmitBlockOptions = {},
    call: CallOptions = {},
  ): Promise<BlockHandle> {
    const { signal } = known(call, "signal");
    const record = await blockRecord(block, options, signal);
    const [run] = JSON.parse(await found(this.#native, "submit_block", record, "", signal));
    const { taskId, deduplicated } = readSubmission({ ...run, task_id: run.task_ids[0] });
    return new BlockHandle(this.#native, taskId, deduplicated);
  }

  /** A block that is known by its id. Nothing is asked yet. */
  blockHandle(taskId: string): BlockHandle {
    return new BlockHandle(this.#native, text("task_id", taskId));
  }

  /** The state that was stored last under a key; `null` when there is none. */
  async getState(stateKey: string): Promise<any> {
    return JSON.parse((await compose(this.#native, "state", text("state_key", stateKey))) ?? "null");
  }

  /**
   * What a task's handler reads as `await ctx.upstream(name)`.
   *
   * @throws TaskNotFoundError, InvalidArgumentError with the field `upstream` when it waited for nothing of that name
   */
  async upstream(taskId: string, name: string): Promise<any> {
    return readUpstream(this.#native, text("task_id", taskId), name);
  }

  /** The names that `upstream` knows for a task. @throws TaskNotFoundError */
  async upstreamNames(taskId: string): Promise<string[]> {
    return JSON.parse(await found(this.#native, "upstream_names", text("task_id", taskId)));
  }
}

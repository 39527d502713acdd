/**
 * Blocks of steps that are stored: each step is a task, and the store judges them by their strategy.
 *
 * @module
 */

import { found } from "./compose.js";
import { answer, invalid, options as known } from "./failure.js";
import { type BlockOutcome, type Priority, readBlockOutcome } from "./generated/words.js";
import { jsonText } from "./json.js";
import type { NativeClient } from "./native.js";
import type { RetryOptions, WaitOptions } from "./options.js";
import { listed } from "./parallel.js";
import { type StreamOptions, TaskStream } from "./stream.js";
import { WAITS, limit } from "./waiting.js";
import { composedRecord } from "./wire.js";

/** How a stored block is to be run. The words of the wire, such as `max_concurrency`, are read as well. */
export interface SubmitBlockOptions {
  /** For people. */
  name?: string;
  /** Default `all`. */
  strategy?: "all" | "any_success" | "race" | "throttled" | "quorum" | (string & {});
  /** Selects the handler of every step. */
  type?: string;
  /** Steps that run at once, at most. */
  maxConcurrency?: number;
  /** Seconds that the whole may take; then its verdict is `timeout`, and what is unfinished is cancelled. */
  timeoutSeconds?: number;
  /** Successes that `quorum` needs. */
  quorum?: number;
  /** Starts in a second that `throttled` allows. */
  ratePerSecond?: number;
  queue?: string;
  priority?: Priority;
  retry?: RetryOptions;
  maxRetries?: number;
  labels?: Record<string, string | number | boolean>;
  /** One key is one block. */
  idempotencyKey?: string;
  /** Carried for the caller. */
  distributionPolicy?: string;
  /** Carried for the caller. */
  enableCaching?: boolean;
  max_concurrency?: number;
  timeout_seconds?: number;
}

/** @internal JSON text of a block: the steps, or an object that has them; `options` go first. */
export async function blockRecord(block: unknown, options: object, signal?: AbortSignal | null): Promise<string> {
  if (typeof options !== "object" || options === null) throw invalid("options", "must be an object");
  const holds = typeof block === "object" && block !== null && "steps" in block;
  const { steps, ...given } = holds ? (block as { steps: any }) : { steps: block as any };
  const list = await listed<unknown>(steps, signal ?? undefined);
  signal?.throwIfAborted();
  const texts = list.map((step, at) => jsonText(`steps[${at}]`, step));
  return composedRecord({ ...given, ...options }, `"steps":[${texts.join()}]`);
}

/** A block in its submitter's hands. */
export class BlockHandle {
  /** The block: also the id of the task that stands for it. */
  readonly taskId: string;
  /** Whether its idempotency key was known, so that nothing new was stored. */
  readonly deduplicated: boolean;
  readonly #native: NativeClient;

  /** @internal */
  constructor(client: NativeClient, taskId: string, deduplicated = false) {
    this.#native = client;
    this.taskId = taskId;
    this.deduplicated = deduplicated;
  }

  /** How it stands: `overallStatus` is `running` before the verdict. @throws TaskNotFoundError */
  async status(): Promise<BlockOutcome> {
    return readBlockOutcome(JSON.parse(await found(this.#native, "block", this.taskId)));
  }

  /**
   * What it came to, once its strategy has decided. A block that failed rejects nothing.
   *
   * @throws TaskTimeoutError when the timeout passes first; the block goes on then
   */
  async wait(options: WaitOptions = {}): Promise<BlockOutcome> {
    const { timeout, signal } = known(options, ...WAITS);
    await answer((cancel) => this.#native.wait([this.taskId], limit(timeout), false, cancel), signal);
    return this.status();
  }

  /** Another name for `wait`. */
  result(options: WaitOptions = {}): Promise<BlockOutcome> {
    return this.wait(options);
  }

  /** Its history: an entry of kind `member` for each change of a step, then the end. */
  stream(options: StreamOptions = {}): TaskStream {
    return new TaskStream(this.#native, this.taskId, known(options, "after", "signal"));
  }

  /** Cancels it, and its unfinished steps with it; how it stands then. */
  async cancel(): Promise<BlockOutcome> {
    await answer(() => this.#native.cancel(this.taskId));
    return this.status();
  }
}

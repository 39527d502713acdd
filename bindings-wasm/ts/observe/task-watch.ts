/**
 * One task, submitted and followed for a page. Frameworks subscribe to it.
 *
 * @module
 */

import { WindlassError } from "../generated/errors.js";
import type { Submission, Task, TaskUpdate } from "../generated/words.js";
import type { SubmitTaskOptions } from "../options.js";
import type { QueuedSubmission } from "../outbox/entry.js";
import type { TaskStream } from "../stream.js";
import type { Connection } from "./connection.js";
import { IDLE, type TaskView, unknown } from "./view.js";

/** Pauses before a stream that broke is opened again, in milliseconds. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** What a page submits: as `submitTask` takes it. */
export type ToSubmit = SubmitTaskOptions & { offline?: boolean };

/**
 * Follows the task that was submitted last, or the one that is named, as long as somebody listens. While
 * nobody does there is no request; whoever listens again sees what was missed.
 */
export class TaskWatch {
  #connection: Connection;
  #view: TaskView = IDLE;
  readonly #listeners = new Set<() => void>();
  /** Counts tasks: what an earlier one says late is not heard. */
  #turn = 0;
  /** The last entry of the history that is known. */
  #after = 0;
  #ended = false;
  #stream: TaskStream | undefined;
  /** Gives the stream back to those who wait for one, or ends the questions in place of one. */
  #leave: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;
  /** Ends the wait for the outbox. */
  #waiting: AbortController | undefined;
  /** The task in the outbox that is waited for. */
  #key: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // Each subscription is one of its own.
    const call = () => listener();
    this.#listeners.add(call);
    if (this.#listeners.size === 1) this.#follow();
    return () => {
      if (this.#listeners.delete(call) && this.#listeners.size === 0) this.#rest();
    };
  };

  readonly getSnapshot = (): TaskView => this.#view;

  /**
   * Submits a task and follows it from then on in place of the one before. Never rejects: what is wrong
   * is the view's `error`, and the answer `null`.
   */
  readonly submit = async (options: ToSubmit): Promise<Submission | QueuedSubmission | null> => {
    const turn = this.#begin({ ...IDLE, isLoading: true });
    try {
      const told: Submission | QueuedSubmission = await this.#connection.client.submitTask(options as SubmitTaskOptions);
      if (turn === this.#turn) this.#stored(told);
      return told;
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
      return null;
    }
  };

  /** Follows the task with this id from now on; none for `null`. */
  readonly watch = (taskId: string | null): void => {
    if (taskId === this.#view.taskId) return;
    this.#begin(unknown(taskId));
    this.#follow();
  };

  /** Goes on through another connection. The task is another server's when the place is another. */
  readonly use = (connection: Connection): void => {
    if (connection === this.#connection) return;
    const { place } = this.#connection;
    this.#connection = connection;
    if (place !== connection.place) this.#begin(IDLE);
    if (this.#ended || (this.#view.taskId === null && this.#key === undefined)) return;
    // What ended the stream before, a key that had run out for one, is over.
    this.#rest();
    this.#set({ error: null, isLoading: true });
    this.#follow();
  };

  #begin(view: TaskView): number {
    this.#rest();
    this.#after = 0;
    this.#ended = false;
    this.#key = undefined;
    this.#pause = FIRST_PAUSE;
    this.#set(view);
    return ++this.#turn;
  }

  #stored(told: Submission | QueuedSubmission): void {
    if ("queued" in told) this.#key = told.key;
    else this.#set({ taskId: told.taskId, status: told.status });
    this.#follow();
  }

  /** Opens what has to be open. */
  #follow(): void {
    if (this.#listeners.size === 0 || this.#ended) return;
    if (this.#key !== undefined) return void this.#await(this.#key);
    const { taskId } = this.#view;
    if (taskId === null || this.#leave !== undefined) return;
    const { lanes } = this.#connection;
    this.#leave = lanes.take();
    if (this.#leave === undefined) this.#poll(taskId);
    else this.#open(taskId);
  }

  #open(taskId: string): void {
    let stream: TaskStream;
    try {
      stream = this.#connection.client.streamTask(taskId, { after: this.#after });
    } catch (error) {
      return this.#fail(error);
    }
    this.#stream = stream;
    const heard = <T>(hear: (told: T) => void) => (told: T) => {
      if (stream === this.#stream) hear(told);
    };
    stream
      .on("update", heard((update) => this.#update(update)))
      .on("completed", heard((result) => this.#end({ status: "completed", progress: 100, result })))
      .on("error", heard((error) => this.#broken(error)));
  }

  /** Without a stream of its own, until one is free. */
  #poll(taskId: string): void {
    this.#leave = this.#connection.lanes.poll({
      taskId,
      told: (task) => this.#asked(task),
      failed: (error) => this.#broken(error),
      free: () => {
        this.#rest();
        this.#follow();
      },
    });
  }

  #asked({ taskId, status, progress, message, result }: Task): void {
    this.#pause = FIRST_PAUSE;
    if (status === "completed") return this.#end({ status, progress: 100, message, result });
    if (status !== "failed" && status !== "cancelled") {
      return this.#set({ status, progress, message, error: null, isLoading: true });
    }
    // Core makes the error of a task that has no answer.
    this.#rest();
    const turn = this.#turn;
    const heard = (error: unknown) => void (turn === this.#turn && this.#broken(error));
    void this.#connection.client.result(taskId, { timeout: 0 }).then(() => this.#follow(), heard);
  }

  #update({ seq, status, kind, progress, message }: TaskUpdate): void {
    this.#after = seq;
    this.#pause = FIRST_PAUSE;
    // Shown together with the result or the error, which follow at once.
    if (status === "completed" || status === "failed" || status === "cancelled") return;
    const said = kind === "progress" ? { progress, message: message ?? this.#view.message } : {};
    this.#set({ status, error: null, isLoading: true, ...said });
  }

  #end(view: Partial<TaskView>): void {
    this.#rest();
    this.#ended = true;
    this.#set({ error: null, ...view, isLoading: false });
  }

  /** The task ended without an answer, or its stream did. */
  #broken(error: unknown): void {
    const { code = "", retryable = false } = error instanceof WindlassError ? error : {};
    if (code === "task_failed") return this.#end({ status: "failed", error: error as Error });
    if (code === "task_cancelled") return this.#end({ status: "cancelled", error: error as Error });
    if (!retryable) return this.#fail(error);
    this.#rest();
    this.#set({ error: error as Error });
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#timer = setTimeout(() => this.#follow(), pause);
  }

  /** Nothing more will come, by this connection. */
  #fail(error: unknown): void {
    this.#rest();
    this.#set({ error: error instanceof Error ? error : new Error(String(error)), isLoading: false });
  }

  /** Until the outbox has sent the task. */
  async #await(key: string): Promise<void> {
    if (this.#waiting !== undefined) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    try {
      const told = await this.#connection.client.outbox.sent(key, waiting);
      if (waiting.signal.aborted) return;
      this.#waiting = undefined;
      this.#key = undefined;
      this.#stored(told);
    } catch (error) {
      if (!waiting.signal.aborted) this.#fail(error);
    }
  }

  /** Closes what is open. */
  #rest(): void {
    this.#stream?.close();
    this.#stream = undefined;
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.();
    this.#waiting?.abort();
    this.#waiting = undefined;
    clearTimeout(this.#timer);
  }

  #set(change: Partial<TaskView>): void {
    this.#view = Object.freeze({ ...this.#view, ...change });
    for (const listener of [...this.#listeners]) listener();
  }
}

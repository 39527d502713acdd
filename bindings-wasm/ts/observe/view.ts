/**
 * What a page shows of one task.
 *
 * @module
 */

import type { TaskState } from "../generated/words.js";

/** How a task stands, for a page. The same object until something changes. */
export interface TaskView<R = any> {
  /** The task's id; `null` before the server has it. */
  readonly taskId: string | null;
  /** `null` before a task was submitted. */
  readonly status: TaskState | null;
  /** Percent; `null` until the handler reports some. */
  readonly progress: number | null;
  /** What the handler said last. */
  readonly message: string | null;
  /** The handler's answer, once it has completed; `null` before. */
  readonly result: R | null;
  /**
   * Why there is no answer: what refused the submit, how the task failed or was cancelled. While a
   * server is away it says so, and goes when the server is back.
   */
  readonly error: Error | null;
  /** From the submit on until the task has ended. */
  readonly isLoading: boolean;
}

/** A task of which nothing is known yet but its name. */
export function unknown(taskId: string | null): TaskView {
  return taskId === null ? IDLE : Object.freeze({ ...IDLE, taskId, isLoading: true });
}

/** No task yet. */
export const IDLE: TaskView = Object.freeze({
  taskId: null,
  status: null,
  progress: null,
  message: null,
  result: null,
  error: null,
  isLoading: false,
});

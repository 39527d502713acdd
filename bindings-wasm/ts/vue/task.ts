/**
 * Composables for one task.
 *
 * @module
 */

import { type MaybeRefOrGetter, type Ref, computed, onBeforeUnmount, onMounted, shallowRef, toValue, watch } from "vue";

import type { Submission } from "../generated/words.js";
import { TaskWatch, type ToSubmit } from "../observe/task-watch.js";
import { IDLE, type TaskView, unknown } from "../observe/view.js";
import type { SubmitTaskOptions } from "../options.js";
import type { OfflineTaskOptions, QueuedSubmission } from "../outbox/entry.js";
import { useConnection } from "./provide.js";

/** Each value of a task's view as a read-only ref. */
export type TaskRefs<R = any> = { readonly [N in keyof TaskView<R>]: Readonly<Ref<TaskView<R>[N]>> };

/** A task that is submitted and shown by one component. */
export interface WindlassTask<R = any> extends TaskRefs<R> {
  /**
   * Submits a task; it takes the place of the one before. Never rejects: `error` says what is wrong, and
   * the answer is `null`.
   */
  submit: (options: ToSubmit) => Promise<Submission | QueuedSubmission | null>;
}

/**
 * Submits tasks and shows the last one: its status, its result or its error, live. A component that goes
 * ends the stream, not the task, and takes no submit back.
 */
export function useWindlassTask<R = any>(): WindlassTask<R> {
  const task = useWatch();
  return { submit: task.submit, ...useView<R>(task) };
}

/** Shows the task with this id, live; nothing for `null`. */
export function useTask<R = any>(taskId: MaybeRefOrGetter<string | null | undefined>): TaskRefs<R> {
  const connection = useConnection();
  const task = useWatch();
  const named = () => toValue(taskId) ?? null;
  onMounted(() => task.watch(named()));
  // After the watch of the connection above: another place has other tasks.
  watch([named, connection], ([id]) => task.watch(id));
  return useView<R>(task, unknown(named()));
}

/** Submits a task: as `client.submitTask`, which rejects with typed errors. */
export function useSubmit(): {
  (options: OfflineTaskOptions): Promise<QueuedSubmission>;
  (options: SubmitTaskOptions & { offline?: false }): Promise<Submission>;
} {
  const connection = useConnection();
  return async (options: any): Promise<any> => connection.value.client.submitTask(options);
}

function useWatch(): TaskWatch {
  const connection = useConnection();
  const task = new TaskWatch(connection.value);
  watch(connection, (now) => task.use(now));
  return task;
}

function useView<R>(task: TaskWatch, first: TaskView<R> = IDLE): TaskRefs<R> {
  const view = shallowRef<TaskView<R>>(first);
  const show = () => (view.value = task.getSnapshot());
  let stop: (() => void) | undefined;
  // Not on a server, where nothing is mounted.
  onMounted(() => {
    stop = task.subscribe(show);
    show();
  });
  onBeforeUnmount(() => stop?.());
  const names = Object.keys(IDLE) as (keyof TaskView)[];
  return Object.fromEntries(names.map((name) => [name, computed(() => view.value[name])])) as unknown as TaskRefs<R>;
}

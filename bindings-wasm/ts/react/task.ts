/**
 * Hooks for one task.
 *
 * @module
 */

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";

import type { Submission } from "../generated/words.js";
import { TaskWatch, type ToSubmit } from "../observe/task-watch.js";
import { IDLE, type TaskView, unknown } from "../observe/view.js";
import type { SubmitTaskOptions } from "../options.js";
import type { OfflineTaskOptions, QueuedSubmission } from "../outbox/entry.js";
import { useConnection } from "./provider.js";

/** A task that is submitted and shown by one component. */
export interface WindlassTask<R = any> extends TaskView<R> {
  /**
   * Submits a task; it takes the place of the one before. Never rejects: `error` says what is wrong, and
   * the answer is `null`. The same function in every render.
   */
  submit: (options: ToSubmit) => Promise<Submission | QueuedSubmission | null>;
}

/**
 * Submits tasks and shows the last one: its status, its result or its error, live. A component that goes
 * ends the stream, not the task, and takes no submit back.
 */
export function useWindlassTask<R = any>(): WindlassTask<R> {
  const watch = useWatch();
  const view = useView<R>(watch);
  return useMemo(() => ({ ...view, submit: watch.submit }), [view, watch]);
}

/** Shows the task with this id, live; nothing for `null`. */
export function useTask<R = any>(taskId: string | null | undefined): TaskView<R> {
  const id = taskId ?? null;
  const connection = useConnection();
  const watch = useWatch();
  useEffect(() => watch.watch(id), [watch, connection, id]);
  const view = useView<R>(watch);
  // The first render after a change shows nothing of the task before.
  const first = useMemo(() => unknown(id), [id]);
  return view.taskId === id ? view : first;
}

/** Submits a task: as `client.submitTask`, which rejects with typed errors. The same function while the client is. */
export function useSubmit(): {
  (options: OfflineTaskOptions): Promise<QueuedSubmission>;
  (options: SubmitTaskOptions & { offline?: false }): Promise<Submission>;
} {
  const connection = useConnection();
  return useCallback(async (options: any): Promise<any> => connection.client.submitTask(options), [connection]);
}

function useWatch(): TaskWatch {
  const connection = useConnection();
  const [watch] = useState(() => new TaskWatch(connection));
  useEffect(() => watch.use(connection), [watch, connection]);
  return watch;
}

function useView<R>(watch: TaskWatch): TaskView<R> {
  return useSyncExternalStore(watch.subscribe, watch.getSnapshot, rendered);
}

/** What a server renders, and a page at first. */
function rendered(): TaskView {
  return IDLE;
}

/**
 * The rows of a list: as they were fetched, and what has happened to them since. Rows never move by
 * themselves; what is new is counted, and shown when somebody asks.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { FINAL_STATES, type Task } from "windlass-web";
import { listen } from "../live/feed.js";
import type { Happening } from "../server/side.js";
import type { Search } from "./search.js";

/** Milliseconds between two pictures of what happens. */
const EVERY = 250;

/** New tasks that are counted one by one; beyond that there are many. */
export const MANY = 1_000;

/** Rows with what has happened to them since. */
export interface Rows {
  tasks: readonly Task[];
  /** Tasks that match now and are not shown, as far as events tell. */
  fresh: number;
}

/** `fetched` as it goes on; `search` says what else would belong to it, `null` for nothing. */
export function useRows(fetched: readonly Task[] | undefined, search: Search | null): Rows {
  const [, draw] = useState(0);
  const changes = useRef(new Map<string, Change>());
  const fresh = useRef(new Set<string>());
  const of = useRef<readonly Task[] | undefined>(undefined);
  if (of.current !== fetched) {
    of.current = fetched;
    changes.current.clear();
    fresh.current.clear();
  }
  const wanted = useRef(search);
  wanted.current = search;

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = listen((events) => {
      const shown = new Set(of.current?.map((task) => task.taskId));
      let changed = false;
      for (const event of events) {
        if (shown.has(event.taskId)) {
          const begun = event.event === "task.started" ? event.at : changes.current.get(event.taskId)?.begun;
          changes.current.set(event.taskId, { ...event, begun });
          changed = true;
        } else if (wanted.current !== null) {
          const { size } = fresh.current;
          if (belongs(event, wanted.current) && size < MANY) fresh.current.add(event.taskId);
          else fresh.current.delete(event.taskId);
          changed ||= size !== fresh.current.size;
        }
      }
      if (changed) timer ??= setTimeout(() => ((timer = undefined), draw((n) => n + 1)), EVERY);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);

  const tasks = (fetched ?? []).map((task) => {
    const change = changes.current.get(task.taskId);
    return change === undefined ? task : changed(task, change);
  });
  return { tasks, fresh: fresh.current.size };
}

/** Whether a list of the search would have the task, as far as an event tells. */
function belongs(event: Happening, search: Search): boolean {
  // An event has no labels, and no batch: nothing is claimed then.
  if (Object.keys(search.labels).length > 0 || search.batch !== undefined || search.until !== undefined) return false;
  if (search.type !== undefined && search.type !== event.type) return false;
  if (search.queue !== undefined && search.queue !== event.queue) return false;
  if (search.error !== undefined && !(event.message ?? "").includes(search.error)) return false;
  // Without a status in the search only a task that is new is a new row.
  return search.status.length === 0 ? event.event === "task.submitted" : search.status.includes(event.status);
}

/** What happened to a row last. */
interface Change extends Happening {
  /** When the attempt began, if that was heard. */
  begun: number | undefined;
}

function changed(task: Task, change: Change): Task {
  const ended = FINAL_STATES.includes(change.status);
  const at = new Date(change.at);
  return {
    ...task,
    status: change.status,
    attempt: change.attempt,
    cancelRequested: task.cancelRequested && !ended,
    finishedAt: ended ? (task.finishedAt ?? at) : null,
    attemptStartedAt: change.begun === undefined ? task.attemptStartedAt : new Date(change.begun),
    executedOn: change.worker ?? task.executedOn,
    message: change.message ?? task.message,
    error:
      change.status === "failed" && change.message !== null
        ? { code: "", errorType: null, traceback: null, retryable: false, at, ...task.error, message: change.message }
        : task.error,
  };
}

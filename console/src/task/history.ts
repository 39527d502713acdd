/**
 * The history of one task as it grows.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { FINAL_STATES, type TaskUpdate } from "windlass-web";
import { listen } from "../live/feed.js";
import { keep, until } from "../live/keep.js";
import { client, epoch } from "../server/session.js";

/** Milliseconds between two pictures; many entries may come within. */
const EVERY = 120;
/** Progress reports that are kept for the picture. */
const REPORTS = 400;
/** Lines that are kept; older ones are counted. */
const LINES = 5_000;

/** The history as far as it is known. */
export interface History {
  /** Changes of status, oldest first. */
  changes: TaskUpdate[];
  /** Lines that the handler logged, oldest first. */
  lines: TaskUpdate[];
  /** Lines before those that are kept. */
  older: number;
  /** Progress reports, the last of them. */
  reports: TaskUpdate[];
  /** The last report of the attempt that runs. */
  report: TaskUpdate | undefined;
  /** Entries that were pruned are missing. */
  isCut: boolean;
}

/** Follows the task; `changed` is called with each change of its status. */
export function useHistory(id: string, changed: () => void): History {
  const history = useRef<History>({ changes: [], lines: [], older: 0, reports: [], report: undefined, isCut: false });
  const [, draw] = useState(0);
  const tell = useRef(changed);
  tell.current = changed;

  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw((n) => n + 1);
      }, EVERY);
    };
    let last = 0;
    const read = async (cut: AbortController, reached: () => void) => {
      for await (const update of (await client()).streamTask(id, { after: last, signal: cut.signal })) {
        last = update.seq;
        reached();
        if (add(history.current, update)) tell.current();
        soon();
      }
      await goesOn(id, cut.signal);
    };
    void keep(read, leaving.signal);
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [id]);
  // Another object each time: what is drawn is compared by its properties.
  return { ...history.current };
}

/** Adds an entry; whether the task's status changed. */
function add(history: History, update: TaskUpdate): boolean {
  switch (update.kind) {
    case "status":
      history.changes.push(update);
      history.report = undefined;
      return true;
    case "progress":
      history.reports.push(update);
      history.report = update;
      if (history.reports.length > REPORTS * 2) history.reports = history.reports.filter((_, i) => i % 2 === 1);
      return false;
    case "log":
      history.lines.push(update);
      if (history.lines.length > LINES * 1.2) {
        history.older += history.lines.length - LINES;
        history.lines = history.lines.slice(-LINES);
      }
      return false;
    case "resync":
      history.isCut = true;
      return false;
    case "member":
      // The page of a batch or a pipeline tells of them.
      return false;
  }
}

/** Resolves when a task that ended may go on: it does, or what happened was missed. */
function goesOn(id: string, leaving: AbortSignal): Promise<void> {
  return until(leaving, (done) => {
    const stopEvents = listen((events) => {
      if (events.some((event) => event.taskId === id && !FINAL_STATES.includes(event.status))) done();
    });
    const known = epoch.peek();
    const stopEpoch = epoch.subscribe((now) => now !== known && done());
    return () => {
      stopEvents();
      stopEpoch();
    };
  });
}

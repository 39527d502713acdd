/**
 * The history of one task as it grows.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { FINAL_STATES, type TaskUpdate } from "windlass-web";
import { isMissing, isRefused } from "../live/failure.js";
import { listen, onUnseen, seen } from "../live/feed.js";
import { client, epoch, refuseKey } from "../server/session.js";

/** Milliseconds between two pictures; many entries may come within. */
const EVERY = 120;
/** Milliseconds before a stream that broke is opened again. */
const PAUSE = 1_000;
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
  error: unknown;
}

/** Follows the task; `changed` is called with each change of its status. */
export function useHistory(id: string, changed: () => void): History {
  const history = useRef<History>({ changes: [], lines: [], older: 0, reports: [], report: undefined, isCut: false, error: undefined });
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
    const read = async (signal: AbortSignal) => {
      for await (const update of (await client()).streamTask(id, { after: last, signal })) {
        last = Math.max(last, update.seq);
        history.current.error = undefined;
        if (add(history.current, update)) tell.current();
        soon();
      }
    };
    void (async () => {
      while (!leaving.signal.aborted) {
        const cut = new AbortController();
        const leave = () => cut.abort();
        leaving.signal.addEventListener("abort", leave, { once: true });
        const stop = onUnseen(leave);
        let error: unknown;
        try {
          await read(cut.signal);
        } catch (thrown) {
          error = thrown;
        } finally {
          stop();
          leaving.signal.removeEventListener("abort", leave);
        }
        if (leaving.signal.aborted || isMissing(error)) return;
        if (document.hidden) {
          await seen();
          continue;
        }
        if (isRefused(error)) refuseKey();
        if (error !== undefined && !cut.signal.aborted) {
          history.current.error = error;
          soon();
        }
        await more(id, error !== undefined, leaving.signal);
      }
    })();
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

/** Resolves when there may be more to read: the task goes on, or the server is back. */
function more(id: string, broken: boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stopEvents();
      stopEpoch();
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stopEvents = listen((events) => {
      if (events.some((event) => event.taskId === id && !FINAL_STATES.includes(event.status))) done();
    });
    let first = true;
    const stopEpoch = epoch.subscribe(() => {
      if (!first) done();
      first = false;
    });
    const timer = broken ? setTimeout(done, PAUSE) : undefined;
    signal.addEventListener("abort", done, { once: true });
  });
}

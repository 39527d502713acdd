/**
 * What a task did when: its history as spans of time, one row for each attempt.
 *
 * @module
 */

import { FINAL_STATES, type Task, type TaskState, type TaskUpdate } from "windlass-web";

/** A stretch of time in which the task had one status. Milliseconds. */
export interface Span {
  status: TaskState;
  from: number;
  /** `null` while it lasts. */
  to: number | null;
  /** How the attempt ended, for one that ran. */
  outcome: TaskState | "handed back" | null;
  /** Why it changed to the next. */
  message: string | null;
}

/** An attempt with what it waited for before it. */
export interface Turn {
  attempt: number;
  spans: Span[];
}

/** The spans of a history. Without one, what the task's row tells. */
export function turns(task: Task, changes: readonly TaskUpdate[]): Turn[] {
  const known = changes.length > 0 ? changes.map(entry) : rowEntries(task);
  const found: Turn[] = [];
  let turn: Turn = { attempt: 1, spans: [] };
  for (const [i, { status, at, message }] of known.entries()) {
    if (FINAL_STATES.includes(status)) continue;
    // What comes after an attempt belongs to the next one.
    if (status !== "running" && turn.spans.at(-1)?.status === "running") {
      found.push(turn);
      turn = { attempt: turn.attempt + 1, spans: [] };
    }
    const next = known[i + 1];
    turn.spans.push({
      status,
      from: at,
      to: next?.at ?? null,
      outcome: status !== "running" || next === undefined ? null : next.status === "pending" ? "handed back" : outcome(next.status),
      message: next === undefined ? message : next.message,
    });
  }
  if (turn.spans.length > 0) found.push(turn);
  return found;
}

/** An attempt that is followed by a wait has failed, or snoozes. */
function outcome(next: TaskState): TaskState {
  return next === "scheduled" || next === "blocked" ? "failed" : next;
}

function entry(update: TaskUpdate) {
  return { status: update.status, at: update.timestamp.getTime(), message: update.error?.message ?? update.message };
}

function rowEntries(task: Task) {
  const found: { status: TaskState; at: number; message: string | null }[] = [
    { status: task.startedAt === null ? task.status : "pending", at: task.createdAt.getTime(), message: null },
  ];
  if (task.startedAt !== null) found.push({ status: "running", at: task.startedAt.getTime(), message: null });
  if (task.finishedAt !== null) {
    found.push({ status: task.status, at: task.finishedAt.getTime(), message: task.error?.message ?? null });
  }
  return found;
}

/** Steps of an axis in seconds, from small to large. */
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

/** Marks of an axis over so many seconds, at most `most` of them beside 0. */
export function marks(seconds: number, most: number): number[] {
  const step = STEPS.find((one) => seconds / one <= most) ?? seconds;
  return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, i) => i * step);
}

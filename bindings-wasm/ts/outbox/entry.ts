/**
 * What waits in the outbox, as it is kept and as it is shown.
 *
 * @module
 */

import { WindlassError, fromCode } from "../generated/errors.js";
import type { Submission } from "../generated/words.js";
import type { SubmitTaskOptions, TaskMap } from "../options.js";

/** A task to submit, kept in the browser until the server has it. */
export type OfflineTaskOptions<
  M extends TaskMap<M> = TaskMap,
  N extends keyof M & string = keyof M & string,
> = SubmitTaskOptions<M, N> & { offline: true };

/** A task that is kept in the browser and goes to the server as soon as it answers. */
export interface QueuedSubmission {
  /** The task's id when this key was sent before, else `null`: the server has not seen it yet. */
  taskId: string | null;
  queued: true;
  /** The task's idempotency key, and its name in the outbox. */
  key: string;
}

/** One task in the outbox. */
export interface OutboxEntry {
  /** Its idempotency key. */
  key: string;
  /** `waiting` to be sent, or `refused` by the server and kept. */
  state: "waiting" | "refused";
  /** What was submitted, as JSON has it. */
  options: SubmitTaskOptions;
  /** When, by this machine's clock: for show only. */
  queuedAt: Date;
  /** How often it was sent without an answer that settles it. */
  attempts: number;
  /** Why it was refused, or why the last attempt to send it came to nothing. */
  error: WindlassError | null;
}

/** An error as it is kept. */
export interface Reason {
  code: string;
  message: string;
  fields: Record<string, unknown>;
}

/** An entry as it is kept; `id` is its place in the order. */
export interface Stored {
  id: number;
  line: string;
  key: string;
  state: OutboxEntry["state"];
  /** JSON text of the options, the key among them. */
  request: string;
  queuedAt: number;
  attempts: number;
  reason: Reason | null;
}

/** An answer as it is kept. */
export interface Sent {
  id: number;
  line: string;
  key: string;
  submission: Submission;
}

/** The entry as it is shown. */
export function shown({ key, state, request, queuedAt, attempts, reason }: Stored): OutboxEntry {
  const options: SubmitTaskOptions = JSON.parse(request);
  return { key, state, options, queuedAt: new Date(queuedAt), attempts, error: reason && raisedFrom(reason) };
}

/** The error that was kept. */
export function raisedFrom({ code, message, fields }: Reason): WindlassError {
  return fromCode(code, message, fields);
}

/** What is kept of an error. One that has no code came from the page or the browser, not from a server. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof WindlassError) {
    // What cannot be cloned cannot be kept.
    return { code: error.code, message: error.message, fields: JSON.parse(JSON.stringify(error.fields)) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "store_unavailable", message, fields: { operation: "outbox", reason: message } };
}

/** Whether two requests are one by the rule for idempotency keys: type, queue and payload. */
export function isSame(one: string, other: string): boolean {
  const print = (request: string) => {
    const { type, queue, payload } = JSON.parse(request);
    return JSON.stringify(sorted([type, queue, payload]));
  };
  return print(one) === print(other);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Options become records of the wire: the one place where names change on their way out. The way in
 * is `generated/words.ts`. Payloads and what else belongs to a user are never touched.
 *
 * @module
 */

import { fromCode } from "./generated/errors.js";
import { invalid } from "./failure.js";
import { isPlain, jsonText } from "./json.js";

/** Names of a task's options that are not just written in another case. */
const TASK: Record<string, string> = {
  type: "task_type",
  timeout: "timeout_seconds",
  delay: "delay_seconds",
};
const RETRY: Record<string, string> = {
  initialDelay: "initial_delay_seconds",
  maxDelay: "max_delay_seconds",
};
const CONNECT: Record<string, string> = { tenantId: "tenant", retention: "retention_seconds" };
const WORKER: Record<string, string> = { lease: "lease_seconds" };

/** Values that are a user's own. */
const OWN = new Set(["payload", "metadata", "initialState"]);
/** Options of the documents whose parts come later: refused, never ignored. */
const LATER = new Set(["teeRequired"]);

/** JSON text of a task to submit, or of what a handler declares. `shared` holds where it says nothing. */
export function taskRecord(options: object, shared: object = {}): string {
  // What is no object is refused, not spread into nothing.
  return record(isRecord(options) ? { ...shared, ...options } : options, (name, value) => {
    if (OWN.has(name)) return [snake(name), jsonText(snake(name), value)];
    if (LATER.has(name)) {
      if (value === false || value === null) return undefined;
      const fields = { feature: snake(name) };
      throw fromCode("not_implemented", `${snake(name)} is not available yet`, fields);
    }
    if (name === "retry" && isRecord(value)) return ["retry", named(value, RETRY)];
    return [TASK[name] ?? snake(name), plain(name, value)];
  });
}

/** Values of a batch that are tasks. */
const HOOKS = new Set(["onComplete", "onSuccess", "onFailure"]);

/** JSON text of what a batch is told beside its tasks. */
export function batchRecord(options: object): string {
  return record(options, (name, value) => {
    if (HOOKS.has(name) && value !== null) return [snake(name), taskRecord(value as object)];
    if (name === "metadata") return [name, jsonText(name, value)];
    return [snake(name), plain(name, value)];
  });
}

/** JSON text of a block or a pipeline: `options`, and one field that is JSON text already. */
export function composedRecord(options: object, field: string): string {
  const told = record(options, (name, value) => {
    if (name === "metadata") return [name, jsonText(name, value)];
    if (name === "retry" && isRecord(value)) return ["retry", named(value, RETRY)];
    return [TASK[name] ?? snake(name), plain(name, value)];
  });
  return told === "{}" ? `{${field}}` : `{${field},${told.slice(1)}`;
}

/** JSON text of a list of tasks to submit. `shared` holds where one says nothing. */
export function taskRecords(tasks: readonly object[], shared: object = {}): string {
  return written(tasks, shared) ?? `[${tasks.map((task) => taskRecord(task, shared)).join()}]`;
}

/** Options that go out as they are when they are plain JSON, by what the wire calls them. */
const AS_GIVEN = new Map(
  ["payload", "type", "queue", "priority", "timeout", "idempotencyKey", "labels", "delay", "maxRetries", "metadata", "traceparent"].map(
    (name) => [name, TASK[name] ?? snake(name)],
  ),
);

/** The same in one go, where nothing needs a closer look. */
function written(tasks: readonly object[], shared: object): string | undefined {
  const records: Record<string, unknown>[] = [];
  for (const task of tasks) {
    const record = {};
    if (!take(record, shared) || !take(record, task)) return undefined;
    records.push(record);
  }
  try {
    const text = JSON.stringify(records);
    return isPlain(records) ? text : undefined;
  } catch {
    return undefined;
  }
}

function take(record: Record<string, unknown>, options: object): boolean {
  if (!isRecord(options)) return false;
  for (const name in options) {
    const [named, value] = [AS_GIVEN.get(name), options[name]];
    if (named === undefined || value === undefined) return false;
    record[named] = value;
  }
  return true;
}

/** JSON text of what a connection is told. */
export function connectRecord(options: object): string {
  return record(options, (name, value) => {
    const nested = (name === "retry" || name === "breaker") && isRecord(value);
    return [CONNECT[name] ?? snake(name), nested ? named(value, {}) : plain(name, value)];
  });
}

/** JSON text of what a worker is told; `handlers` is JSON text already. */
export function workerRecord(options: object, handlers: string): string {
  const told = record(options, (name, value) => {
    if (name === "metadata") {
      if (!isRecord(value)) throw invalid(name, "must be a JSON object");
      return ["metadata", jsonText(name, value)];
    }
    return [WORKER[name] ?? snake(name), plain(name, value)];
  });
  return told === "{}" ? `{"handlers":${handlers}}` : `{"handlers":${handlers},${told.slice(1)}`;
}

/** JSON text of which tasks to list. */
export function queryRecord(options: object): string {
  return record(options, (name, value) => {
    const words = name === "status" && typeof value === "string" ? [value] : value;
    return [TASK[name] ?? snake(name), plain(name, words)];
  });
}

/** JSON text of an object whose fields `write` names. What is `undefined` is left out. */
function record(
  options: object,
  write: (name: string, value: unknown) => [name: string, text: string] | undefined,
): string {
  if (!isRecord(options)) throw invalid("options", "must be an object");
  const fields: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    // A payload that is `undefined` is a mistake, not a payload that is left out.
    if (value === undefined && name !== "payload") continue;
    const field = write(name, value);
    if (field !== undefined) fields.push(`${JSON.stringify(field[0])}:${field[1]}`);
  }
  return `{${fields.join(",")}}`;
}

function named(options: Record<string, unknown>, names: Record<string, string>): string {
  return record(options, (name, value) => [names[name] ?? snake(name), plain(name, value)]);
}

/** JSON text of an option's value; a `Date` is an instant. */
function plain(name: string, value: unknown): string {
  return jsonText(snake(name), value, invalid);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

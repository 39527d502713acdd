/**
 * One attempt: from what its handler did to what native code is told.
 *
 * @module
 */

import type { Context } from "./context.js";
import { WindlassError } from "./generated/errors.js";
import { jsonText } from "./json.js";
import { Outcome } from "./outcomes.js";

/** JSON text of a result, and of the state to store with it. */
export interface Stateful {
  result: string;
  state: string;
}

/** An outcome as native code reads it. */
interface Said {
  outcome: string;
  [field: string]: unknown;
}

/** What native code is told: JSON text of a result, also with a state, or an outcome's record. */
export type Told = string | Stateful | Said;

/** The outcome of a handler that returned `value`. Nothing returned is `null`. */
export function returned(type: string, value: unknown, context: Context): Told {
  if (value instanceof Outcome) return said(value);
  try {
    const result = value === undefined ? "null" : jsonText("result", value);
    const state = context.changedState();
    return state === undefined ? result : { result, state };
  } catch (error) {
    if (!(error instanceof WindlassError)) throw error;
    return misfit(`${error.fields.field} of handler ${type}: ${error.fields.reason}`);
  }
}

/** The outcome of a handler that threw. */
export function threw(thrown: unknown, context: Context): Told {
  try {
    if (thrown instanceof Outcome) return said(thrown);
    if (context.cancelReason !== null && gaveUp(thrown, context)) {
      return { outcome: "cancel", reason: null };
    }
    return { outcome: "fail", error: failure(thrown) };
  } catch {
    // What was thrown cannot even be looked at; the attempt has ended all the same.
    return { outcome: "fail", error: { code: "handler_error", message: `a ${typeof thrown} was thrown` } };
  }
}

/** What native code is told of an outcome. A lone surrogate has no UTF-8. */
export function toldText(told: object): string {
  return JSON.stringify(told, (_, value: unknown) =>
    typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value,
  );
}

function said(outcome: Outcome): Said {
  const record: unknown = outcome.record();
  if (typeof record === "object" && record !== null) return record as Said;
  const message = "the handler answered with no outcome: use Retry, Snooze, Cancel or Fail";
  return { outcome: "fail", error: { code: "handler_error", message, retryable: false } };
}

/** The outcome of a task whose payload does not fit its handler, or whose result is no JSON. */
export function misfit(message: string): Told {
  return { outcome: "fail", error: { code: "invalid_payload", message, retryable: false } };
}

/** Whether the handler stopped because it was asked to. */
function gaveUp(thrown: unknown, context: Context): boolean {
  if (thrown === context.signal.reason) return true;
  return thrown instanceof Error && thrown.name === "AbortError";
}

function failure(thrown: unknown): object {
  if (!(thrown instanceof Error)) {
    return { code: "handler_error", message: shown(thrown), error_type: typeof thrown };
  }
  const ours = thrown instanceof WindlassError;
  return {
    code: "handler_error",
    message: shown(thrown.message) || shown(thrown.name),
    error_type: shown(thrown.name),
    traceback: typeof thrown.stack === "string" ? thrown.stack : null,
    // A call of ours that cannot be repeated as it was may well succeed in another attempt.
    retryable: ours || (thrown as { retryable?: unknown }).retryable !== false,
  };
}

/** Text of anything: a value may refuse to become some. */
function shown(value: unknown): string {
  try {
    return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch {
    return `a ${typeof value}`;
  }
}

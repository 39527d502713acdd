/**
 * Failures of native code as typed errors, and calls that an `AbortSignal` ends.
 *
 * @module
 */

import { type WindlassError, fromCode } from "./generated/errors.js";
import { type Cancel, native } from "./native.js";

/** The typed error of what native code threw; anything else as it is. */
export function raised(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !thrown.message.startsWith('{"code":')) return thrown;
  const { code, message, fields } = JSON.parse(thrown.message);
  return fromCode(code, message, fields);
}

/** What a call to native code answers at once. */
export function now<T>(run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw raised(thrown);
  }
}

/**
 * What a call to native code answers. Once the signal is aborted the promise rejects with its reason
 * and the work is dropped: whether a write that was under way is done is not known then.
 */
export async function answer<T>(
  run: (cancel?: Cancel) => Promise<T>,
  signal?: AbortSignal | null,
): Promise<T> {
  if (signal == null) {
    try {
      return await run();
    } catch (thrown) {
      throw raised(thrown);
    }
  }
  signal.throwIfAborted();
  const cancel = new native.Cancel();
  return new Promise((resolve, reject) => {
    const abort = () => {
      cancel.abort();
      reject(signal.reason);
    };
    const answered = now(() => run(cancel));
    signal.addEventListener("abort", abort, { once: true });
    answered
      .then(resolve, (thrown) => reject(raised(thrown)))
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

/** An argument that must be text: native code would not say which one it was. */
export function text(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw invalid(field, `must be a string, not ${value === null ? "null" : typeof value}`);
}

/**
 * Options that native code never sees: an object that holds no other names than these, and a signal
 * that is one.
 */
export function options<O extends object>(given: O, ...names: (keyof O & string)[]): O {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalid("options", `must be an object, not ${given === null ? "null" : Array.isArray(given) ? "an array" : typeof given}`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (!(names as string[]).includes(name)) throw invalid(name, `is not known here; known are ${names.join(", ")}`);
    if (name === "signal" && value != null && typeof value.throwIfAborted !== "function") {
      throw invalid("signal", "must be an AbortSignal");
    }
  }
  return given;
}

/** An argument that is refused. */
export function invalid(field: string, reason: string): WindlassError {
  return fromCode("invalid_argument", `${field}: ${reason}`, { field, reason });
}

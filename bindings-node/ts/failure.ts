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

/** An argument that is refused. */
export function invalid(field: string, reason: string): WindlassError {
  return fromCode("invalid_argument", `${field}: ${reason}`, { field, reason });
}

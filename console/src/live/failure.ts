/**
 * What went wrong, in words that say what to do.
 *
 * @module
 */

import { WindlassError } from "windlass-web";

/** Codes that say that nobody answered. */
const AWAY = new Set(["service_unavailable", "request_timeout", "circuit_breaker_open"]);

/** The stable code of an error; `unknown` for what has none. */
export function codeOf(error: unknown): string {
  if (error instanceof WindlassError) return error.code;
  return error instanceof DOMException && error.name === "TimeoutError" ? "request_timeout" : "unknown";
}

/** Whether nobody answered, or what asks could not be loaded: later there may be an answer. */
export function isAway(error: unknown): boolean {
  return AWAY.has(codeOf(error)) || codeOf(error) === "store_unavailable" || error instanceof TypeError;
}

/** Whether the server wants another key. */
export function isRefused(error: unknown): boolean {
  return codeOf(error) === "authentication_failed";
}

/** Whether there is nothing under this id. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "task_not_found" || code === "batch_not_found" || code === "pipeline_not_found";
}

/** What happened, and what to do about it. */
export function explain(error: unknown): { title: string; advice: string; code: string } {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (AWAY.has(code) || error instanceof TypeError) {
    return { title: "The server does not answer", advice: "The page tries again by itself. If it stays away: windlass doctor", code };
  }
  if (code === "store_unavailable") return { title: "The store does not answer", advice: `${text}. See: windlass doctor`, code };
  if (code === "invalid_argument") return { title: "The server refused the request", advice: text, code };
  return { title: "That did not work", advice: text, code };
}

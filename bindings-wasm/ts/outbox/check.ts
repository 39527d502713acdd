/**
 * What core says of a task before it is kept.
 *
 * @module
 */

import { answer } from "../failure.js";
import { fromCode } from "../generated/errors.js";
import { jsonText } from "../json.js";
import { loaded } from "../load.js";

interface Checker {
  check(records: string): Promise<unknown>;
}

let checker: Checker | undefined;

/** Levels of nesting that core reads, at most. */
const DEEPEST = 127;
/** What a task holds that is its submitter's own, by the names of the options. */
const OWN = { payload: "payload", metadata: "metadata", initialState: "initial_state" };

/**
 * Refuses what is nested deeper than any server takes. It is not left to the server: requests are compared and
 * written level by level, which a page does not survive at some depth.
 *
 * @throws InvalidPayloadError
 */
export function checkDepth(options: object, record: string): void {
  // The record is a level around what it holds.
  if (depth(record) <= DEEPEST + 1) return;
  for (const [name, field] of Object.entries(OWN)) {
    const value = (options as Record<string, unknown>)[name];
    if (value == null || depth(jsonText(field, value)) <= DEEPEST) continue;
    const reason = `is nested deeper than ${DEEPEST} levels`;
    throw fromCode("invalid_payload", `${field} is not valid: ${reason}`, { field, reason });
  }
}

/** Levels of nesting in JSON text. */
function depth(text: string): number {
  let deepest = 0;
  let level = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++level);
    else if (token === "]" || token === "}") level--;
  }
  return deepest;
}

/**
 * Refuses what a submit would refuse before anything travels, which is what is too large, if the code that
 * knows is there. Nothing is fetched for it: a page without a network may not have it, and then the task is
 * refused when it is sent, as is whatever else is wrong with it.
 *
 * @throws PayloadTooLargeError
 */
export async function check(record: string): Promise<void> {
  const client = loaded("client");
  if (client === undefined) return;
  // It is asked nothing but this, and never connects.
  checker ??= new client.Client("http://localhost", "{}", null) as unknown as Checker;
  const asked = checker;
  await answer(() => asked.check(`[${record}]`));
}

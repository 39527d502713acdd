/**
 * One call for the verbs of batches, pipelines, blocks and states.
 *
 * @module
 */

import { answer } from "./failure.js";
import type { ComposeVerb, NativeClient } from "./native.js";

/** JSON text of what the verb answers; `null` where there is nothing of that name. */
export function compose(
  client: NativeClient,
  verb: ComposeVerb,
  subject: string,
  told = "",
  signal?: AbortSignal | null,
): Promise<string | null> {
  return answer((cancel) => client.compose(verb, subject, told, cancel), signal);
}

/** The same of a verb that always has an answer. */
export function found(...call: Parameters<typeof compose>): Promise<string> {
  return compose(...call) as Promise<string>;
}

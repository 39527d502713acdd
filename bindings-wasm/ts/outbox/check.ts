/**
 * What core says of a task before it is kept.
 *
 * @module
 */

import { answer } from "../failure.js";
import { loaded } from "../load.js";

interface Checker {
  check(records: string): Promise<unknown>;
}

let checker: Checker | undefined;

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

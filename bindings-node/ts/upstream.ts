/**
 * What a task waited for.
 *
 * @module
 */

import { compose } from "./compose.js";
import { invalid, text } from "./failure.js";
import type { NativeClient } from "./native.js";

/** The result under a name. @throws InvalidArgumentError with the field `upstream` when there is none */
export async function readUpstream(client: NativeClient, taskId: string, name: string): Promise<any> {
  const found = await compose(client, "upstream", taskId, text("name", name));
  if (found !== null) return JSON.parse(found);
  throw invalid("upstream", `the task waited for nothing called ${JSON.stringify(name)}`);
}

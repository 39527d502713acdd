/**
 * What a page shows of the outbox.
 *
 * @module
 */

import type { OutboxEntry } from "../outbox/entry.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Connection } from "./connection.js";

export const NO_ENTRIES: readonly OutboxEntry[] = Object.freeze([]);

/** Calls `listener` after each change; answers how to stop that. */
export function watchOutbox(connection: Connection, listener: () => void): () => void {
  return outboxOf(connection)?.subscribe(listener) ?? (() => {});
}

/** What is in the outbox: the same array until something changes. */
export function entriesOf(connection: Connection): readonly OutboxEntry[] {
  return outboxOf(connection)?.entries ?? NO_ENTRIES;
}

/** Nothing where there is no server to send to: an engine in the page, a wrong endpoint. */
function outboxOf(connection: Connection): Outbox | undefined {
  try {
    return connection.client.outbox;
  } catch {
    return undefined;
  }
}

/**
 * A hook for what waits to be sent.
 *
 * @module
 */

import { useCallback, useSyncExternalStore } from "react";

import { NO_ENTRIES, entriesOf, watchOutbox } from "../observe/outbox-watch.js";
import type { OutboxEntry } from "../outbox/entry.js";
import { useConnection } from "./provider.js";

/** What waits in the outbox or was refused, live, whichever tab put it there. */
export function useOutbox(): readonly OutboxEntry[] {
  const connection = useConnection();
  const subscribe = useCallback((listener: () => void) => watchOutbox(connection, listener), [connection]);
  return useSyncExternalStore(subscribe, () => entriesOf(connection), () => NO_ENTRIES);
}

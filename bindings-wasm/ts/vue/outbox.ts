/**
 * A composable for what waits to be sent.
 *
 * @module
 */

import { type Ref, onBeforeUnmount, onMounted, shallowRef, watch } from "vue";

import { NO_ENTRIES, entriesOf, watchOutbox } from "../observe/outbox-watch.js";
import type { OutboxEntry } from "../outbox/entry.js";
import { useConnection } from "./provide.js";

/** What waits in the outbox or was refused, live, whichever tab put it there. */
export function useOutbox(): Readonly<Ref<readonly OutboxEntry[]>> {
  const connection = useConnection();
  const entries = shallowRef(NO_ENTRIES);
  let stop: (() => void) | undefined;
  const listen = () => {
    stop?.();
    const now = connection.value;
    stop = watchOutbox(now, () => (entries.value = entriesOf(now)));
    entries.value = entriesOf(now);
  };
  onMounted(() => {
    listen();
    watch(connection, listen);
  });
  onBeforeUnmount(() => stop?.());
  return entries;
}

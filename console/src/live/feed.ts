/**
 * The one stream of events of this page. It also tells whether the server is there: it is cut when the
 * server vanishes, and opens again when it is back.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { type Happening, readEvents, readInfo } from "../server/side.js";
import { epoch, info } from "../server/session.js";
import { isRefused } from "./failure.js";
import { keep, tryNow } from "./keep.js";

/** The server sends something every 15 seconds; later than this it is taken for lost. */
const SILENCE = 40_000;

/** Whether the server answers; `null` before anything is known. */
export const connected = signal<boolean | null>(null);
/** Whether it tells what happens. One that answers may have no stream left, or a proxy holds it back. */
export const live = signal(false);

const listeners = new Set<(events: Happening[]) => void>();

/** Calls `listener` with what happens from now on; answers how to stop. */
export function listen(listener: (events: Happening[]) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Follows the server as long as the page lives. */
export async function follow(): Promise<void> {
  await keep(once);
}

/** Whether something may have been missed. */
let missed = false;

/** Everything that is shown is asked for again, and what broke opened, if something may have been missed. */
function catchUp(): void {
  if (missed) {
    epoch.value++;
    tryNow();
  }
  missed = false;
}

/** One stream until its end. */
async function once(cut: AbortController, reached: () => void): Promise<void> {
  let timer = setTimeout(() => cut.abort(), SILENCE);
  let answered = false;
  let heard = false;
  try {
    info.value = await readInfo(cut.signal);
    answered = true;
    await readEvents((events) => {
      clearTimeout(timer);
      timer = setTimeout(() => cut.abort(), SILENCE);
      if (!heard) {
        heard = true;
        reached();
        connected.value = true;
        live.value = true;
        // What is shown was asked for before: what happened in between, nobody told.
        missed = true;
        catchUp();
      }
      if (events.length > 0) for (const listener of listeners) listener(events);
    }, cut.signal);
  } catch (error) {
    if (isRefused(error)) throw error;
  } finally {
    clearTimeout(timer);
  }
  live.value = false;
  if (document.hidden) {
    missed = true;
    return;
  }
  // A stream that was cut says nothing yet of the server: the next attempt does.
  if (!heard) {
    connected.value = answered;
    if (answered) catchUp();
  }
  if (heard || !answered) missed = true;
}

/**
 * The one stream of events of this page. It also tells whether the server is there: it is cut when the
 * server vanishes, and opens again when it is back.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { type Happening, readEvents, readInfo } from "../server/side.js";
import { epoch, info, keyWanted, refuseKey } from "../server/session.js";
import { isRefused } from "./failure.js";

/** The server sends something every 15 seconds; later than this it is taken for lost. */
const SILENCE = 40_000;
/** A page that nobody looks at for so long leaves its connection to others: browsers give six to a host. */
const UNSEEN = 10_000;
/** Milliseconds between attempts to reach a server that is gone, and the most of them. */
const PAUSE = { first: 300, most: 5_000 };

/** Whether the server answers; `null` before anything is known. */
export const connected = signal<boolean | null>(null);
/** Whether it tells what happens. One that answers may have no stream left, or a proxy holds it back. */
export const live = signal(false);

const listeners = new Set<(events: Happening[]) => void>();
let hurry = () => {};

/** Calls `listener` with what happens from now on; answers how to stop. */
export function listen(listener: (events: Happening[]) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tries now to reach a server that is gone. */
export function tryNow(): void {
  hurry();
}

/** Follows the server as long as the page lives. */
export async function follow(): Promise<never> {
  for (let pause = PAUSE.first; ; ) {
    const reached = await once();
    if (document.hidden) {
      await seen();
      continue;
    }
    pause = reached ? PAUSE.first : Math.min(pause * 1.7, PAUSE.most);
    await rest(pause);
  }
}

/** Whether something may have been missed. */
let missed = false;

/** Everything that is shown is asked for again, if something may have been missed. */
function catchUp(): void {
  if (missed) epoch.value++;
  missed = false;
}

/** One stream until its end; whether there was one. */
async function once(): Promise<boolean> {
  const cut = new AbortController();
  let timer = setTimeout(() => cut.abort(), SILENCE);
  let answered = false;
  let reached = false;
  const leave = onUnseen(() => cut.abort());
  try {
    info.value = await readInfo(cut.signal);
    answered = true;
    await readEvents((events) => {
      clearTimeout(timer);
      timer = setTimeout(() => cut.abort(), SILENCE);
      if (!reached) {
        reached = true;
        connected.value = true;
        live.value = true;
        // What is shown was asked for before: what happened in between, nobody told.
        missed = true;
        catchUp();
      }
      if (events.length > 0) for (const listener of listeners) listener(events);
    }, cut.signal);
  } catch (error) {
    if (isRefused(error)) {
      refuseKey();
      await keyGiven();
      return true;
    }
  } finally {
    clearTimeout(timer);
    leave();
  }
  live.value = false;
  if (document.hidden) {
    missed = true;
    return reached;
  }
  // A stream that was cut says nothing yet of the server: the next attempt does.
  if (!reached) {
    connected.value = answered;
    if (answered) catchUp();
  }
  if (reached || !answered) missed = true;
  return reached;
}

/** Calls `then` once nobody has looked at the page for a while; answers how to stop. */
export function onUnseen(then: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(then, UNSEEN);
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

/** Resolves when somebody looks at the page. */
export function seen(): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

function keyGiven(): Promise<void> {
  return new Promise((resolve) => {
    const stop = keyWanted.subscribe((wanted) => {
      if (wanted !== false) return;
      queueMicrotask(() => stop());
      resolve();
    });
  });
}

function rest(pause: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pause);
    hurry = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

addEventListener("online", () => tryNow());

/**
 * Streams that are kept open: when one that broke is opened again, and that a page which nobody looks at
 * holds none. Where a task's history goes on after a cut is the client's to know.
 *
 * @module
 */

import { keyWanted, refuseKey } from "../server/session.js";
import { isMissing, isRefused } from "./failure.js";

/** A page that nobody looks at for so long leaves its connection to others: browsers give six to a host. */
const UNSEEN = 10_000;
/** Milliseconds before a stream is opened again, and the most of them while nobody answers. */
const PAUSE = { first: 300, most: 5_000 };

/** Those who pause. */
const resting = new Set<() => void>();

/** Ends all pauses: the server is back, or somebody does not want to wait. */
export function tryNow(): void {
  for (const wake of [...resting]) wake();
}

/**
 * Calls `read` again and again until `leaving` is aborted, or what is read is not there. It reads one stream to its
 * end, or until `cut` is aborted, and calls `reached` when it hears something. After a refusal the next one waits
 * for a key.
 */
export async function keep(
  read: (cut: AbortController, reached: () => void) => Promise<void>,
  leaving = new AbortController().signal,
): Promise<void> {
  for (let pause = PAUSE.first; !leaving.aborted; ) {
    const cut = new AbortController();
    let heard = false;
    const reached = () => {
      if (heard) return;
      heard = true;
      pause = PAUSE.first;
      // Who answers one answers the others.
      tryNow();
    };
    const leave = () => cut.abort();
    leaving.addEventListener("abort", leave, { once: true });
    const stop = onUnseen(leave);
    try {
      await read(cut, reached);
    } catch (error) {
      if (isMissing(error)) return;
      if (isRefused(error)) {
        refuseKey();
        await keyGiven(leaving);
        reached();
      }
    } finally {
      stop();
      leaving.removeEventListener("abort", leave);
    }
    if (document.hidden) {
      await seen(leaving);
      continue;
    }
    await rest(pause, leaving);
    pause = Math.min(pause * 1.7, PAUSE.most);
  }
}

/** Calls `then` once nobody has looked at the page for a while; answers how to stop. */
function onUnseen(then: () => void): () => void {
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

/** Resolves when `begin` calls what it is given, or with `leaving`; what `begin` answers is called then. */
export function until(leaving: AbortSignal, begin: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (leaving.aborted) return resolve();
    let end: (() => void) | undefined;
    let ended = false;
    const done = () => {
      ended = true;
      leaving.removeEventListener("abort", done);
      end?.();
      resolve();
    };
    leaving.addEventListener("abort", done);
    end = begin(done);
    // It may have been so already.
    if (ended) end();
  });
}

/** Resolves when somebody looks at the page. */
function seen(leaving: AbortSignal): Promise<void> {
  return until(leaving, (done) => {
    const look = () => {
      if (!document.hidden) done();
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => document.removeEventListener("visibilitychange", look);
  });
}

/** Resolves when there is a key to try. */
function keyGiven(leaving: AbortSignal): Promise<void> {
  return until(leaving, (done) => keyWanted.subscribe((wanted) => wanted === false && done()));
}

function rest(pause: number, leaving: AbortSignal): Promise<void> {
  return until(leaving, (done) => {
    resting.add(done);
    const timer = setTimeout(done, pause);
    return () => {
      resting.delete(done);
      clearTimeout(timer);
    };
  });
}

addEventListener("online", tryNow);

/**
 * What a browser gives that Node does not, or gives in another way: in a window, in a worker of the
 * browser, and in Node, where pages are rendered and tested. Nothing is touched when it is imported.
 *
 * @module
 */

import { fromCode } from "./generated/errors.js";

type Listener = (...args: any[]) => void;

/** Calls who listens, in the order in which they came. */
export class EventEmitter {
  readonly #listeners = new Map<string, { listener: Listener; once: boolean }[]>();

  on(event: string, listener: Listener): this {
    return this.#add(event, listener, false);
  }

  once(event: string, listener: Listener): this {
    return this.#add(event, listener, true);
  }

  off(event: string, listener: Listener): this {
    // The one that came last, of several that are the same.
    const at = this.#all(event).map((one) => one.listener).lastIndexOf(listener);
    if (at >= 0) this.#listeners.set(event, this.#all(event).filter((_, i) => i !== at));
    return this;
  }

  emit(event: string, ...args: unknown[]): boolean {
    const all = this.#all(event);
    for (const { listener, once } of all) {
      if (once) this.off(event, listener);
      listener(...args);
    }
    return all.length > 0;
  }

  listenerCount(event: string): number {
    return this.#all(event).length;
  }

  #add(event: string, listener: Listener, once: boolean): this {
    // A list that is being gone through stays as it is.
    this.#listeners.set(event, [...this.#all(event), { listener, once }]);
    return this;
  }

  #all(event: string): readonly { listener: Listener; once: boolean }[] {
    return this.#listeners.get(event) ?? [];
  }
}

/** Where tasks are kept when nobody says otherwise: the server that the page came from. */
export function defaultUrl(): string {
  const { location } = globalThis as { location?: Location };
  if (location?.origin?.startsWith("http")) return location.origin;
  const reason = "must be given where no page was loaded from a server";
  throw fromCode("invalid_argument", `url: ${reason}`, { field: "url", reason });
}

/** Names this tab among others. */
export function identity(): string {
  const tab = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(16).padStart(8, "0");
  return `${(globalThis as { location?: Location }).location?.hostname || "page"}:${tab}`;
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Runs once the turn of the event loop is over; the page draws and hears in between. */
export function soon(run: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => void };
  if (setImmediate !== undefined) return setImmediate(run);
  // Measured in Chromium, turns a second and frames drawn meanwhile: messages 100,000 and 59, timers 220
  // and 55 (they wait 4 ms once nested), `scheduler.postTask` at `user-blocking` 120,000 and 10.
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  waiting.push(run);
  channel.port2.postMessage(null);
}

/** Tells whoever looks at the console. */
export function warn(text: string): void {
  console.warn(`windlass: ${text}`);
}

/** Calls `ask` when the page goes away; answers how to stop listening. */
export function onTermination(ask: () => void): () => void {
  if (typeof globalThis.addEventListener !== "function") return () => {};
  // There is no time to drain: asked twice, a worker ends now, and what it has goes back.
  const leave = () => {
    ask();
    ask();
  };
  globalThis.addEventListener("pagehide", leave);
  return () => globalThis.removeEventListener("pagehide", leave);
}

/** What the process has used up to now: a page is not told. */
export function usage(): { cpuSeconds: number; rssBytes: number; maxRssBytes: number } | undefined {
  return undefined;
}

/**
 * What a page shows and keeps true: asked for, asked for again when something happened, kept while the
 * server is away.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "windlass-web";
import { client, epoch, refuseKey } from "../server/session.js";
import type { Happening } from "../server/side.js";
import { isAway, isRefused } from "./failure.js";
import { listen } from "./feed.js";

/** Least milliseconds between two answers; a slow answer is asked for less often, up to the second figure. */
const GAP = 1_000;
const MOST = 6_000;

/** Milliseconds after which a question that nobody answered is asked again. */
const AGAIN = 3_000;

/** Answers that are kept for whoever comes back to a page. */
const KEPT = 30;
const kept = new Map<string, unknown>();

/** When to ask again. */
export interface Freshness {
  /** Names the answer among others; it is there at once when the page is opened again. */
  keep?: string;
  /** Whether these events change what is shown. */
  on?: (events: Happening[]) => boolean;
  /** Milliseconds after which it is asked for anyway. */
  every?: number;
}

/** What is shown. */
export interface Live<T> {
  /** The last answer; it stays while a new one is asked for, and after a failure. */
  value: T | undefined;
  /** Why there is no newer answer. */
  error: unknown;
  /** Whether the answer is to an older question. */
  stale: boolean;
  reload: () => void;
}

/** Asks `load`, and again as `freshness` says. A question is new when one of `inputs` is. */
export function useLive<T>(
  load: (client: Client) => Promise<T>,
  inputs: readonly unknown[],
  freshness: Freshness = {},
): Live<T> {
  const [shown, show] = useState<{ value?: T | undefined; error?: unknown; question?: string }>({});
  const name = JSON.stringify([freshness.keep, ...inputs]);
  const question = `${name} ${epoch.value}`;
  const current = useRef({ load, freshness, reload: () => {} });
  current.current.load = load;
  current.current.freshness = freshness;

  useEffect(() => {
    let ended = false;
    let busy = false;
    let dirty = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const later = (milliseconds: number) => {
      clearTimeout(timer);
      timer = setTimeout(ask, milliseconds);
    };
    const ask = async () => {
      clearTimeout(timer);
      if (busy || ended) {
        dirty = true;
        return;
      }
      // Nobody looks; `wake` asks when somebody does.
      if (document.hidden) {
        dirty = true;
        return;
      }
      busy = true;
      dirty = false;
      let unanswered = false;
      let began = performance.now();
      try {
        const to = await client();
        began = performance.now();
        const value = await current.current.load(to);
        if (ended) return;
        if (current.current.freshness.keep !== undefined) keep(name, value);
        show({ value, question });
      } catch (error) {
        if (ended) return;
        if (isRefused(error)) refuseKey();
        unanswered = isAway(error);
        // What answered another question is no answer to this one.
        show((before) => ({ value: before.question?.startsWith(name) ? before.value : undefined, error, question }));
      } finally {
        busy = false;
      }
      if (ended) return;
      const gap = Math.min(Math.max(GAP, (performance.now() - began) * 8), MOST);
      const { every } = current.current.freshness;
      if (dirty) later(gap);
      else if (unanswered) later(Math.min(every ?? AGAIN, AGAIN));
      else if (every !== undefined) later(Math.max(every, gap));
      quiet = performance.now() + gap;
    };
    let quiet = 0;
    const stop = listen((events) => {
      if (ended || dirty || !(current.current.freshness.on?.(events) ?? false)) return;
      dirty = true;
      if (!busy) later(Math.max(0, quiet - performance.now()));
    });
    const wake = () => {
      if (!document.hidden && dirty) void ask();
    };
    document.addEventListener("visibilitychange", wake);
    current.current.reload = () => void ask();
    void ask();
    return () => {
      ended = true;
      clearTimeout(timer);
      stop();
      document.removeEventListener("visibilitychange", wake);
    };
  }, [question]);

  const known = shown.question === question || !kept.has(name);
  return {
    value: known ? shown.value : (kept.get(name) as T),
    error: shown.error,
    stale: shown.question !== question,
    reload: () => current.current.reload(),
  };
}

/** Keeps the answer, and of all answers those that came last. */
function keep(name: string, value: unknown): void {
  kept.delete(name);
  kept.set(name, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) return;
    kept.delete(oldest);
  }
}

/** Forgets what was kept: somebody else looks. */
export function forget(): void {
  kept.clear();
}

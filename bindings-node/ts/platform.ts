/**
 * What Node gives that a browser does not, or gives in another way. A package for another platform
 * brings a file of this name with the same functions; all other sources are shared.
 *
 * @module
 */

import { hostname } from "node:os";
import { isMainThread } from "node:worker_threads";

export { EventEmitter } from "node:events";

/** Where tasks are kept when nobody says otherwise: the environment, else a file. */
export function defaultUrl(): string {
  const { WINDLASS_URL, WINDLASS_API_ENDPOINT } = process.env;
  return WINDLASS_URL || WINDLASS_API_ENDPOINT || "sqlite:windlass.db";
}

/** Names this process among others. */
export function identity(): string {
  return `${hostname()}:${process.pid}`;
}

/** Runs once the turn of the event loop is over. */
export function soon(run: () => void): void {
  setImmediate(run);
}

/** Tells whoever runs the program. */
export function warn(text: string): void {
  process.emitWarning(text, "WindlassWarning");
}

/** Calls `ask` whenever the process is asked to end; answers how to stop listening. */
export function onTermination(ask: () => void): () => void {
  if (!isMainThread) return () => {};
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, ask);
  return () => {
    for (const signal of signals) process.off(signal, ask);
  };
}

/** What the process has used up to now, where the platform tells. */
export function usage(): { cpuSeconds: number; rssBytes: number; maxRssBytes: number } | undefined {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const rssBytes = process.memoryUsage.rss();
  // The kernel counts the most a little behind.
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, rssBytes, maxRssBytes: Math.max(maxRSS * 1024, rssBytes) };
}

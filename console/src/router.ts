/**
 * Where the page is: its address, and ways to another one.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** A place of the console. */
export interface Place {
  path: string;
  query: URLSearchParams;
}

/** Where the page is. */
export const place = signal<Place>(read());

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Goes to an address of the console; with `replace` the way back does not lead here. */
export function go(url: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  const before = place.value.path;
  place.value = read();
  if (place.value.path !== before) {
    scrollTo(0, 0);
    // Whoever hears the page is told that it is another one.
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true }));
  }
}

addEventListener("popstate", () => (place.value = read()));

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.("a");
  if (!link || link.target !== "" || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

/** The address of a task. */
export const taskPath = (id: string) => `/tasks/${encodeURIComponent(id)}`;

/** The address of a pipeline. */
export const pipelinePath = (id: string) => `/pipelines/${encodeURIComponent(id)}`;

/** The address of a batch. */
export const batchPath = (id: string) => `/batches/${encodeURIComponent(id)}`;

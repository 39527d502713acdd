/**
 * Keys: one table of what they do, heard in one place.
 *
 * @module
 */

import { useEffect } from "preact/hooks";

/** A key, or two after one another: what it does. */
export type Keys = Record<string, (event: KeyboardEvent) => void>;

/** Milliseconds within which a second key belongs to the first. */
const PAIR = 1_200;

/** Every key that does something, as the help shows them. */
export const KEYS: readonly { title: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    title: "Anywhere",
    keys: [
      ["g o", "go to the overview"],
      ["g t", "go to the tasks"],
      ["g p", "go to the pipelines"],
      ["g q", "go to the queues"],
      ["g w", "go to the workers"],
      ["/", "search tasks"],
      ["t", "dark or light"],
      ["?", "this list"],
    ],
  },
  {
    title: "In lists",
    keys: [
      ["j", "next row"],
      ["k", "row before"],
      ["Enter", "open it"],
      ["x", "select it"],
      ["a", "select all on the page"],
      ["Esc", "select none"],
      ["n", "next page"],
      ["p", "page before"],
      ["r", "ask again, and show what is new"],
    ],
  },
  {
    title: "On a task",
    keys: [
      ["c", "cancel it"],
      ["u", "run it again"],
      ["y", "copy its id"],
    ],
  },
];

const tables: Keys[] = [];
let first: { key: string; at: number } | undefined;

/** Hears keys while the component is there; the component that came last hears first. */
export function useKeys(keys: Keys): void {
  useEffect(() => {
    tables.unshift(keys);
    return () => void tables.splice(tables.indexOf(keys), 1);
  });
}

/** Whether typing goes somewhere else. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]") !== null) return;
  const pair = first !== undefined && performance.now() - first.at < PAIR ? `${first.key} ${event.key}` : undefined;
  first = undefined;
  for (const name of pair === undefined ? [event.key] : [pair, event.key]) {
    const action = tables.find((table) => Object.hasOwn(table, name))?.[name];
    if (action === undefined) continue;
    event.preventDefault();
    action(event);
    return;
  }
  if (tables.some((table) => Object.keys(table).some((name) => name.startsWith(`${event.key} `)))) {
    first = { key: event.key, at: performance.now() };
  }
});

/**
 * Which tasks are looked for: as an address, as what the server is asked, as words that somebody types.
 *
 * @module
 */

import { type ListOptions, TASK_STATES, type TaskState } from "windlass-web";

/** Which tasks are looked for. What is left out does not restrict. */
export interface Search {
  status: readonly TaskState[];
  type?: string;
  queue?: string;
  labels: Readonly<Record<string, string>>;
  batch?: string;
  error?: string;
  /** An instant, or a time before now: `5m`, `1h`, `7d`. */
  since?: string;
  until?: string;
}

/** Nothing that restricts. */
export const EVERYTHING: Search = { status: [], labels: {} };

const NAMES = { type: "task_type", queue: "queue", batch: "batch_id", error: "error", since: "since", until: "until" } as const;
type Word = keyof typeof NAMES;
const WORDS = Object.keys(NAMES) as Word[];

/** The search of an address. */
export function readSearch(query: URLSearchParams): Search {
  const labels: Record<string, string> = {};
  for (const [name, value] of query) if (name.startsWith("label.")) labels[name.slice(6)] = value;
  const search: Search = { status: states(query.getAll("status").join(",")), labels };
  for (const word of WORDS) {
    const value = query.get(NAMES[word]);
    if (value !== null && value !== "") search[word] = value;
  }
  return search;
}

/** The address of a search, at a cursor if one is given. */
export function searchPath(search: Search, cursor?: string): string {
  const query = new URLSearchParams();
  if (search.status.length > 0) query.set("status", search.status.join(","));
  for (const word of WORDS) if (search[word] !== undefined) query.set(NAMES[word], search[word]);
  for (const [key, value] of Object.entries(search.labels)) query.set(`label.${key}`, value);
  if (cursor !== undefined) query.set("cursor", cursor);
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "/tasks" : `/tasks?${text}`;
}

/** What the server is asked, at this time. */
export function filterOf(search: Search, now: number): ListOptions {
  const { type, queue, batch, error, since, until } = search;
  const from = instant(since, now);
  const to = instant(until, now);
  return {
    ...(search.status.length > 0 && { status: search.status }),
    ...(type !== undefined && { type }),
    ...(queue !== undefined && { queue }),
    ...(batch !== undefined && { batchId: batch }),
    ...(error !== undefined && { error }),
    ...(Object.keys(search.labels).length > 0 && { labels: search.labels }),
    ...(from !== undefined && { since: from }),
    ...(to !== undefined && { until: to }),
  };
}

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** An instant, or how long before now. What is neither goes to the server as it is: it says so. */
function instant(text: string | undefined, now: number): Date | string | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d+)\s*([smhd])$/.exec(text);
  if (ago) return new Date(now - Number(ago[1]) * UNITS[ago[2]!]!);
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at;
}

/** The words of a search, each as it is shown and what is left without it. */
export function parts(search: Search): { name: string; value: string; without: Search }[] {
  const found: { name: string; value: string; without: Search }[] = [];
  for (const word of WORDS) {
    const value = search[word];
    if (value === undefined) continue;
    const without = { ...search };
    delete without[word];
    found.push({ name: { error: "error contains", since: "since", until: "until" }[word as string] ?? word, value, without });
  }
  for (const [key, value] of Object.entries(search.labels)) {
    const { [key]: _, ...labels } = search.labels;
    found.push({ name: key, value, without: { ...search, labels } });
  }
  return found;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The task that the words name, when they are nothing but an id. */
export function idIn(text: string): string | undefined {
  return ID.test(text.trim()) ? text.trim().toLowerCase() : undefined;
}

/**
 * The command that asks for what has this id. None for what is no id: whoever sends somebody a link may
 * write anything there, and a command is pasted into a shell.
 */
export function commandOf(verb: string, text: string): string | undefined {
  const id = idIn(text);
  return id && `windlass ${verb} ${id} --url ${location.origin}`;
}

/** What somebody typed: the search that it makes, or why it makes none. */
export type Typed = { search: Search } | { refused: string };

/** A word, from one space to the next; quotes at its beginning, or after a sign, hold spaces together. */
const TOKENS = /(?:(?<=^|[\s:=])"[^"]*"|\S)+/g;

/**
 * The search with what somebody typed: `status:failed queue:mail env=prod since:1h`, quotes around what
 * has spaces; all other words together are looked for in errors. Whatever cannot be meant is refused, and
 * nothing is left out: many tasks may be changed by what is found.
 */
export function withWords(search: Search, text: string): Typed {
  const found: Search = { ...search, labels: { ...search.labels } };
  const labels: Record<string, string> = {};
  const given = new Set<string>();
  const error: string[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    const [, word, rest] = /^(\w+):(.+)$/s.exec(token) ?? [];
    const label = word === "label" ? labelIn(bare(rest!)) ?? labelIn(rest!) : labelIn(token);
    if (word === "label" && label === undefined) return { refused: `${token}: a label is written label:KEY=VALUE` };
    if (word === "status" || (word !== "error" && WORDS.includes(word as Word))) {
      if (given.has(word!)) return { refused: `${word}: was given twice; a task has one` };
      given.add(word!);
    }
    if (word === "status") {
      const states = bare(rest!).toLowerCase().split(",");
      const wrong = states.find((state) => !TASK_STATES.includes(state as TaskState));
      if (wrong !== undefined) return { refused: `${JSON.stringify(wrong)} is no status; there are ${TASK_STATES.join(", ")}` };
      found.status = TASK_STATES.filter((state) => states.includes(state));
    } else if (word === "error") error.push(bare(rest!));
    else if (WORDS.includes(word as Word)) found[word as Word] = bare(rest!);
    else if (label === undefined) error.push(bare(token));
    else {
      const [key, value] = label;
      if (Object.hasOwn(labels, key) && labels[key] !== value) return { refused: `label ${key} was given twice; a task has one` };
      labels[key] = value;
    }
  }
  found.labels = { ...found.labels, ...labels };
  const words = error.join(" ").trim();
  if (words !== "") found.error = words;
  return { search: found };
}

/** `key=value`, each in quotes or not. */
function labelIn(text: string): [key: string, value: string] | undefined {
  const [, key, value] = /^("[^"]+"|[^"=]+)=(.+)$/s.exec(text) ?? [];
  return key === undefined ? undefined : [bare(key), bare(value!)];
}

/** Without the quotes around it. */
function bare(text: string): string {
  return /^"[^"]*"$/.test(text) ? text.slice(1, -1) : text;
}

/** Statuses of an address. One that is none stays: the server says so, where without it everything would be found. */
function states(text: string): TaskState[] {
  const given = text.split(",").filter((one) => one !== "");
  const known = TASK_STATES.filter((state) => given.includes(state));
  return [...known, ...(given.filter((one) => !known.includes(one as TaskState)) as TaskState[])];
}

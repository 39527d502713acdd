/**
 * Tasks that match, fetched page by page.
 *
 * @module
 */

import { answer, invalid } from "./failure.js";
import { type Task, readTask } from "./generated/words.js";
import type { NativeClient } from "./native.js";
import type { ListOptions } from "./options.js";
import { queryRecord } from "./wire.js";

/** Tasks of one page, at most. */
const PAGE = 1000;

/** Part of a list. */
export interface TaskPage {
  tasks: Task[];
  /** Where the next page begins; `null` after the last. */
  next: string | null;
}

/** Newest first: `for await` fetches page by page, `await` gives an array. */
export class TaskList implements AsyncIterable<Task>, PromiseLike<Task[]> {
  readonly #client: NativeClient;
  readonly #options: ListOptions;

  /** @internal */
  constructor(client: NativeClient, options: ListOptions) {
    this.#client = client;
    this.#options = options;
    if (typeof options !== "object" || options === null) throw invalid("options", "must be an object");
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Task, void, undefined> {
    const { limit, ...filter } = this.#options;
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
      throw invalid("limit", `must be a whole number of 1 or more, not ${limit}`);
    }
    let left = limit ?? Infinity;
    let cursor: string | null = null;
    do {
      const query = queryRecord({ ...filter, cursor, limit: Math.min(left, PAGE) });
      const page: { tasks: object[]; next: string | null } = JSON.parse(
        await answer(() => this.#client.list(query)),
      );
      for (const task of page.tasks) yield readTask(task);
      left -= page.tasks.length;
      cursor = page.next;
    } while (cursor !== null && left > 0);
  }

  /**
   * One page, for whoever turns pages by hand: at most `limit` tasks (default 100, at most 1000), from
   * the start or from the `next` of the page before. It may be shorter than `limit` and not be the last;
   * the last has `next: null`.
   */
  async page(cursor: string | null = null): Promise<TaskPage> {
    const { limit, ...filter } = this.#options;
    const query = queryRecord({ ...filter, cursor, limit: limit ?? 100 });
    const { tasks, next } = JSON.parse(await answer(() => this.#client.list(query)));
    return { tasks: tasks.map(readTask), next };
  }

  /** All of them. */
  async toArray(): Promise<Task[]> {
    const tasks: Task[] = [];
    for await (const task of this) tasks.push(task);
    return tasks;
  }

  then<A = Task[], B = never>(
    resolve?: ((tasks: Task[]) => A | PromiseLike<A>) | null,
    reject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.toArray().then(resolve, reject);
  }
}

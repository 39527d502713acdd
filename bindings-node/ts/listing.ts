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

/** Newest first: `for await` fetches page by page, `await` gives an array. */
export class TaskList implements AsyncIterable<Task>, PromiseLike<Task[]> {
  readonly #client: NativeClient;
  readonly #options: ListOptions;

  /** @internal */
  constructor(client: NativeClient, options: ListOptions) {
    this.#client = client;
    this.#options = options;
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

/**
 * How many tasks of a page are followed by a stream of their own.
 *
 * A browser opens six connections to one server by HTTP/1.1, for all tabs together. A page that gave each
 * of ten tasks a stream would leave none for a submit. So the first few have streams, and the others are
 * asked about together, in one request each time, until a stream is free.
 *
 * @module
 */

import type { Task } from "../generated/words.js";
import type { Client } from "../outbox/client.js";

/** Streams of one client at once. All clients of a page together have no more: what is beyond asks by itself. */
export const STREAMS = 3;
/** Between two questions about the others, in milliseconds. */
const PERIOD = 1_000;

/** What is asked about together: what to do with a task's record, or with the failure to get it. */
export interface Poll {
  taskId: string;
  told: (task: Task) => void;
  failed: (error: unknown) => void;
  /** A stream is free: whoever takes it is asked about no more. */
  free: () => void;
}

/** Streams in use and tasks without one, of one client. */
export class Lanes {
  readonly #client: () => Client;
  readonly #polls = new Set<Poll>();
  #streams = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A question is under way: the next one is planned when it is answered. */
  #asking = false;

  constructor(client: () => Client) {
    this.#client = client;
  }

  /** A stream, if one is free; answers how to give it back. */
  take(): (() => void) | undefined {
    if (this.#streams >= STREAMS) return undefined;
    this.#streams += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#streams -= 1;
      const [next] = this.#polls;
      next?.free();
    };
  }

  /** Asks about a task from now on; answers how to stop. */
  poll(poll: Poll): () => void {
    this.#polls.add(poll);
    this.#plan(0);
    return () => {
      this.#polls.delete(poll);
      if (this.#polls.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #plan(pause: number): void {
    if (this.#asking || this.#timer !== undefined || this.#polls.size === 0) return;
    this.#timer = setTimeout(() => void this.#ask(), pause);
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    this.#asking = true;
    const polls = [...this.#polls];
    try {
      const tasks = await this.#client().getBatchStatus([...new Set(polls.map(({ taskId }) => taskId))]);
      for (const poll of polls) if (this.#polls.has(poll)) poll.told(tasks.get(poll.taskId)!);
    } catch (error) {
      // One that is unknown spoils the answer for all, and is named.
      const { taskId } = error as { taskId?: string };
      const blamed = polls.filter((poll) => taskId === undefined || poll.taskId === taskId);
      for (const poll of blamed) if (this.#polls.has(poll)) poll.failed(error);
    }
    this.#asking = false;
    this.#plan(PERIOD);
  }
}

/**
 * Sends a line of entries, in order, by one tab at a time.
 *
 * @module
 */

import { APIError, WindlassError } from "../generated/errors.js";
import type { Submission } from "../generated/words.js";
import { type Stored, reasonOf } from "./entry.js";
import type { Storage } from "./storage.js";

/** The pause after the first attempt that came to nothing, in milliseconds; doubled from one to the next. */
const FIRST_PAUSE = 1_000;
/** The longest pause. */
const LONGEST_PAUSE = 60_000;
/** The longest that a server may ask for: nobody would learn that it is back, and timers end at 24 days. */
const LONGEST_ASKED = 3_600_000;

/** Failures that say nothing about the entry: every other one would fail alike, now. */
const ABOUT_ALL = new Set([
  "authentication_failed",
  "quota_exceeded",
  "client_closed",
  "invalid_url",
  "store_read_only",
  "invalid_store",
  "schema_incompatible",
]);
/** Statuses by which something between page and server refuses one request, and not all of them. */
const ABOUT_ONE = new Set([400, 413, 422]);

/** Submits what an entry holds. */
export type Send = (request: string, signal: AbortSignal) => Promise<Submission>;

/** Sends the entries of one line. */
export class Sender {
  readonly #line: string;
  readonly #storage: Storage;
  readonly #send: Send;
  readonly #changed: () => void;
  readonly #end = new AbortController();
  #running = false;
  #again = false;
  #poke: (() => void) | undefined;

  /** `changed` is called after each change of an entry. */
  constructor(line: string, storage: Storage, send: Send, changed: () => void) {
    this.#line = line;
    this.#storage = storage;
    this.#send = send;
    this.#changed = changed;
  }

  /** There may be something to send: tries now, whatever pause was on. */
  wake(): void {
    if (this.#end.signal.aborted) return;
    this.#again = true;
    this.#poke?.();
    if (!this.#running) void this.#run();
  }

  /** Sends no more; what is under way stays in the outbox. */
  close(): void {
    this.#end.abort();
    this.#poke?.();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && !this.#end.signal.aborted) {
      this.#again = false;
      await alone(`windlass-outbox:${this.#line}`, this.#end.signal, () => this.#empty());
    }
    this.#running = false;
  }

  /** Sends until nothing waits. The line is this tab's own meanwhile, its pauses included. */
  async #empty(): Promise<void> {
    for (let pause = FIRST_PAUSE; !this.#end.signal.aborted; ) {
      let wait = pause;
      try {
        const entry = await this.#storage.first(this.#line);
        if (entry === undefined) return;
        wait = await this.#settle(entry, pause);
      } catch {
        // The browser's storage failed. Nothing is lost: what was sent and not recorded is sent again under
        // its key.
      }
      const passed = wait > 0 && (await this.#rest(wait));
      // Whoever wakes it has a reason: a page that submits often does not wait the longer for it.
      pause = passed ? Math.min(pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
    }
  }

  /** Sends one entry and records what came of it; answers how long to rest. */
  async #settle(entry: Stored, pause: number): Promise<number> {
    try {
      const submission = await this.#send(entry.request, this.#end.signal);
      await this.#storage.answered(entry, submission);
      this.#changed();
      return 0;
    } catch (error) {
      if (this.#end.signal.aborted) return pause;
      const refused = isRefusal(error);
      await this.#storage.failed(entry, refused ? "refused" : "waiting", reasonOf(error));
      this.#changed();
      if (refused) return 0;
      return pauseAfter(error, pause);
    }
  }

  /**
   * Until `pause` is over, or somebody wakes it; answers whether it passed. Monotonic: a clock that is
   * set changes nothing.
   */
  async #rest(pause: number): Promise<boolean> {
    let passed = false;
    if (!this.#end.signal.aborted && !this.#again) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      passed = await new Promise<boolean>((resolve) => {
        this.#poke = () => resolve(false);
        timer = setTimeout(() => resolve(true), pause);
      });
      clearTimeout(timer);
      this.#poke = undefined;
    }
    this.#again = false;
    return passed;
  }
}

/** How long to rest after an attempt that came to nothing, in milliseconds. @internal */
export function pauseAfter(error: unknown, pause: number): number {
  const asked = Number((error as { retryAfter?: unknown }).retryAfter);
  // Tabs and machines that lost one server do not come back in step.
  const spread = pause * (0.75 + Math.random() / 2);
  return Number.isNaN(asked) ? spread : Math.max(Math.min(asked * 1000, LONGEST_ASKED), spread);
}

/** Whether the server read this entry and will not have it. */
function isRefusal(error: unknown): boolean {
  // Such as a page that could not load the code that sends.
  if (!(error instanceof WindlassError)) return false;
  // No answer of a Windlass server: a proxy's, or that of a network that wants a password first.
  if (error.code === "api_error") return ABOUT_ONE.has((error as APIError).statusCode);
  return !error.retryable && !ABOUT_ALL.has(error.code);
}

/**
 * Runs `work` while no other tab does. Where pages have no locks (no secure context), tabs may send the
 * same entry twice: its idempotency key makes one task of it.
 */
async function alone(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  let begun = false;
  const run = () => {
    begun = true;
    return work();
  };
  try {
    const locks = globalThis.navigator?.locks;
    if (locks === undefined) await run();
    else await locks.request(name, { signal }, run);
  } catch {
    // Closed while it waited, or a page that may not lock.
    if (!begun && !signal.aborted) await run();
  }
}

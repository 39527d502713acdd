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
/** Failures of this client alone: another one, in another tab, may have the right key or the newer code. */
const ABOUT_CLIENT = new Set(["authentication_failed", "client_closed", "invalid_url"]);
/** The status by which something before the server refuses what is too large for it: no later attempt passes. */
const TOO_LARGE = 413;

/** What follows an attempt: how long to rest, in milliseconds, and whether others may send meanwhile. */
interface Pause {
  wait: number;
  leaves: boolean;
}

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
  /** The next pause. */
  #pause = FIRST_PAUSE;
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
      let rest = 0;
      await alone(`windlass-outbox:${this.#line}`, this.#end.signal, async () => {
        rest = await this.#empty();
      });
      if (rest > 0) {
        await this.#rest(rest);
        this.#again = true;
      }
    }
    this.#running = false;
  }

  /**
   * Sends until nothing waits. The line is this tab's own meanwhile, its pauses included; but what only this
   * client cannot send leaves it to others. Answers how long this one rests then, else 0.
   */
  async #empty(): Promise<number> {
    while (!this.#end.signal.aborted) {
      let failed: Pause = { wait: this.#pause, leaves: false };
      try {
        const entry = await this.#storage.first(this.#line);
        if (entry === undefined) return 0;
        failed = await this.#settle(entry);
      } catch {
        // The browser's storage failed. Nothing is lost: what was sent and not recorded is sent again under
        // its key.
      }
      if (failed.leaves) return failed.wait;
      if (failed.wait > 0) await this.#rest(failed.wait);
      else this.#pause = FIRST_PAUSE;
    }
    return 0;
  }

  /** Sends one entry and records what came of it; answers how long to rest. */
  async #settle(entry: Stored): Promise<Pause> {
    const none = { wait: 0, leaves: false };
    try {
      const submission = await this.#send(entry.request, this.#end.signal);
      await this.#storage.answered(entry, submission);
      this.#changed();
      return none;
    } catch (error) {
      if (this.#end.signal.aborted) return none;
      const refused = isRefusal(error);
      await this.#storage.failed(entry, refused ? "refused" : "waiting", reasonOf(error));
      this.#changed();
      return refused ? none : { wait: pauseAfter(error, this.#pause), leaves: isOwn(error) };
    }
  }

  /** Until `pause` is over, or somebody wakes it. Monotonic: a clock that is set changes nothing. */
  async #rest(pause: number): Promise<void> {
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
    // Whoever wakes it has a reason: a page that submits often does not wait the longer for it.
    this.#pause = passed ? Math.min(this.#pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
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
  if (error.code === "api_error") return (error as APIError).statusCode === TOO_LARGE;
  return !error.retryable && !ABOUT_ALL.has(error.code);
}

/** Whether a client in another tab may fare better with the same entry. */
function isOwn(error: unknown): boolean {
  if (!(error instanceof WindlassError)) return true;
  // A page that was opened before a deployment finds the code that sends gone.
  return ABOUT_CLIENT.has(error.code) || String(error.fields.operation).startsWith("load ");
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

/**
 * The engine and the client by HTTP as wasm, fetched by the first call that needs one; a worker by HTTP has a
 * part of its own. A client knows where it leads before that; every other question waits for the code.
 *
 * @module
 */

import { fromCode } from "./generated/errors.js";
import { type Loaded, type LoadedEngine, type LoadedWhole, type Part, load, loadSeldom } from "./load.js";
import { soon } from "./platform.js";
import type * as surface from "./surface.js";

export type * from "./surface.js";
export { version } from "./version.js";

/** Ends the wait of the call it is given to, also while the code is on its way. */
class Cancel implements surface.Cancel {
  aborted = false;
  #within: surface.Cancel | undefined;

  abort(): void {
    this.aborted = true;
    this.#within?.abort();
  }

  within(loaded: Loaded): surface.Cancel {
    this.#within ??= new loaded.Cancel();
    return this.#within;
  }
}

/** Seconds that a clock is moved at once, at most; the engine takes no more either. */
const LONGEST_STEP = 10 * 366 * 24 * 3600;

/** Stands still until it is moved, and becomes the engine's when that is there. */
class ManualClock implements surface.NativeClock {
  #millis: number;
  #within: surface.NativeClock | undefined;

  constructor(startMillis: number | null) {
    this.#millis = startMillis ?? Date.UTC(2030, 0, 1);
  }

  advance(seconds: number): void {
    if (this.#within !== undefined) return this.#within.advance(seconds);
    if (!(seconds >= 0 && seconds <= LONGEST_STEP)) {
      const reason = `must be a number of seconds from 0 to ten years, not ${seconds}`;
      throw fromCode("invalid_argument", `seconds: ${reason}`, { field: "seconds", reason });
    }
    this.#millis += Math.round(seconds * 1000);
  }

  millis(): number {
    return this.#within?.millis() ?? this.#millis;
  }

  within(engine: { ManualClock: new (startMillis: number) => surface.NativeClock }): surface.NativeClock {
    this.#within ??= new engine.ManualClock(this.#millis);
    return this.#within;
  }
}

/** What is followed: opened when the code is there, in the order of the calls. */
class Following implements surface.NativeStream {
  readonly #opened: Promise<surface.NativeStream>;
  #source: surface.NativeStream | undefined;
  #closed = false;

  constructor(opened: Promise<surface.NativeStream>) {
    this.#opened = opened.then((source) => {
      this.#source = source;
      if (this.#closed) source.close();
      return source;
    });
    // Told by `next`.
    this.#opened.catch(() => {});
  }

  async next(): Promise<string | null> {
    return (this.#source ?? (await this.#opened)).next();
  }

  close(): void {
    this.#closed = true;
    this.#source?.close();
  }
}

/** How long calls of the engine may go on before the page has its turn, in milliseconds. */
const TURN = 10;
let turn: number | undefined;

/**
 * Whether the page has waited for its turn too long: the engine answers without one, so that a loop of calls
 * would let nothing be drawn, and no timer run.
 */
function busy(): boolean {
  if (turn !== undefined) return performance.now() - turn > TURN;
  turn = performance.now();
  soon(() => (turn = undefined));
  return false;
}

/**
 * What takes all words of the engine: workers, leases by hand, all tasks followed, what tasks are composed to, and
 * the stages of a pipeline followed.
 * Few pages do any of it, so the code that does is fetched apart from the client's, by the first that asks for it.
 */
const WHOLE: ReadonlySet<string | symbol> = new Set(["work", "lease", "renew", "settle", "sweep", "events", "monitor", "compose"]);

/**
 * Verbs that few pages ask for. The engine's code for them is fetched apart from the rest of it, and they go by one
 * call, `seldom`: what it is told for each is here, where it is not the first argument alone.
 */
const SELDOM = {
  list: undefined,
  count: undefined,
  cancelMatching: undefined,
  retryMatching: undefined,
  check: undefined,
  history: (id: string, after: number, limit: number) => [id, `${after} ${limit}`],
  retry: undefined,
  why: undefined,
  counts: undefined,
  queues: undefined,
  pause: (queue: string, paused: boolean) => [queue, String(paused)],
  batch: undefined,
  cancelBatch: undefined,
  workers: undefined,
  clusterHealth: undefined,
  lease: undefined,
  renew: undefined,
  settle: undefined,
  sweep: undefined,
};

/** Whether `verb` cannot be done by the part of the engine that every page fetches. */
function isSeldom(verb: string, args: unknown[]): boolean {
  // A batch is composed, and tasks that share a state stand in line, also where the word is spelled with an escape.
  if (verb === "submit") return args[1] === true || /"state_key"|\\u/.test(args[0] as string);
  return verb in SELDOM || verb === "compose" || verb === "events" || verb === "monitor";
}

/** What is followed goes by one call, `follow`, of the code that can do all: what it is told for each. */
const FOLLOW = {
  updates: (id: string, after: number) => [id, null, after],
  monitor: (id: string, after: number) => [id, null, after],
  // Of the engine since the call, though its code may come later; of a server from when that code has come.
  events: (queue: string | null, taskType: string | null, since = NaN) => [queue, taskType, since],
};

/** How the code that can do all is asked to follow. */
function followed(verb: keyof typeof FOLLOW, args: unknown[]): [call: string, ...given: unknown[]] {
  return ["follow", verb, ...(FOLLOW[verb] as (...args: unknown[]) => unknown[])(...args)];
}

/** How the code that can do all is asked. */
function asked(verb: string, args: unknown[]): [verb: string, ...given: unknown[]] {
  if (verb === "compose") return ["seldom", ...args];
  if (!(verb in SELDOM)) return [verb, ...args];
  const [subject = "", told = ""] = (SELDOM as Record<string, ((...given: any[]) => unknown[]) | undefined>)[verb]?.(...args) ?? args;
  return ["seldom", verb, subject, told];
}

/** The verbs that only wait: each asks the code for the verb of its name. */
type Verb = Exclude<keyof surface.NativeClient, "ready" | "location" | "nowMillis" | keyof typeof FOLLOW | "close">;

class LazyClient {
  readonly #url: string;
  readonly #options: string;
  readonly #clock: ManualClock | null;
  readonly #part: Part;
  /** The same client in the code that can do all. */
  #whole: LazyClient | undefined;
  #opening: Promise<surface.NativeClient> | undefined;
  #within: surface.NativeClient | undefined;
  #loaded: Loaded | undefined;
  #closed = false;

  constructor(url: string, options: string, clock: surface.NativeClock | null, part?: Part) {
    if (url.startsWith("sqlite:")) {
      const reason = "a browser has no files: use memory:, or the http(s): URL of a server";
      throw fromCode("invalid_url", `${url}: ${reason}`, { url, reason });
    }
    this.#part = part ?? (url.startsWith("memory:") ? "engine" : "client");
    this.#url = url;
    this.#options = options;
    this.#clock = clock as ManualClock | null;
    return new Proxy(this, { get: (_, name) => this.#member(name) });
  }

  /** Every verb is here, and none is written down twice. */
  #member(name: string | symbol): unknown {
    if (this.#part === "client" && WHOLE.has(name)) return this.#all()[name];
    switch (name) {
      case "submit":
        return (...args: unknown[]) => (this.#part === "client" && args[1] === true ? this.#batch(args) : this.#ask(name, args));
      case "location":
        return () => this.#within?.location() ?? shown(this.#url);
      case "nowMillis":
        return () => this.#nowMillis();
      case "updates":
      case "monitor":
      case "events":
        return (...args: unknown[]) => this.#follow(name, args);
      case "close":
        return () => this.#close();
      case "ready":
        return () => this.#open();
      case "work":
        return (config: string) => this.#work(config);
      default:
        return (...args: unknown[]) => this.#ask(name as Verb, args);
    }
  }

  #all(): Record<string | symbol, unknown> {
    if (this.#whole === undefined) {
      this.#whole = new LazyClient(this.#url, this.#options, null, "worker");
      if (this.#closed) void (this.#whole as unknown as surface.NativeClient).close();
    }
    return this.#whole as unknown as Record<string | symbol, unknown>;
  }

  /** A batch may have to go in chunks, which few pages ask for. */
  #batch(args: unknown[]): unknown {
    return (this.#all()["submit"] as (...args: unknown[]) => unknown)(...args);
  }

  async #ask(verb: Verb, args: unknown[]): Promise<unknown> {
    const client = this.#within ?? (await this.#open());
    if (this.#part === "engine" && busy()) await new Promise<void>(soon);
    const [name, ...told] = this.#part === "client" ? [verb, ...args] : asked(verb, args);
    if (isSeldom(verb, args)) await this.#complete();
    const given = told.map((arg) => {
      if (!(arg instanceof Cancel)) return arg;
      // Whoever asked has gone while the code was fetched: nothing is sent.
      if (arg.aborted) throw new DOMException("aborted", "AbortError");
      return arg.within(this.#loaded!);
    });
    try {
      return await (client as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...given);
    } catch (error) {
      throw error instanceof WebAssembly.RuntimeError ? broken(error) : error;
    }
  }

  #follow(verb: keyof typeof FOLLOW, args: unknown[]): surface.NativeStream {
    if (verb === "events" && this.#part === "engine") args = [...args, this.#nowMillis()];
    const [name, ...given] = this.#part === "client" ? [verb, ...args] : followed(verb, args);
    const open = (client: surface.NativeClient) => (client as unknown as Record<string, (...args: unknown[]) => surface.NativeStream>)[name]!(...given);
    if (this.#within !== undefined && !isSeldom(verb, args)) return open(this.#within);
    const opened = this.#open().then(async (client) => {
      if (isSeldom(verb, args)) await this.#complete();
      return open(client);
    });
    return new Following(opened);
  }

  #nowMillis(): number {
    return this.#within?.nowMillis() ?? this.#clock?.millis() ?? Date.now();
  }

  /** The engine with all that it can do; others have it. */
  async #complete(): Promise<void> {
    if (this.#part === "engine") await loadSeldom(this.#loaded as LoadedEngine);
  }

  #open(): Promise<surface.NativeClient> {
    this.#opening ??= this.#connect();
    this.#opening.catch(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #connect(): Promise<surface.NativeClient> {
    let clock: surface.NativeClock | null = null;
    if (this.#part === "engine") {
      const engine = await load("engine");
      this.#loaded = engine;
      clock = this.#clock?.within(engine) ?? null;
    } else {
      this.#loaded = await load(this.#part);
    }
    const client = new this.#loaded.Client(this.#url, this.#options, clock);
    this.#within = client;
    // It says itself what a closed client answers.
    if (this.#closed) await client.close();
    return client;
  }

  async #work(config: string): Promise<surface.NativeWorker> {
    const client = await this.#open();
    return new (this.#loaded as LoadedWhole).Worker(client, config);
  }

  async #close(): Promise<null> {
    this.#closed = true;
    // What could never be opened is closed.
    const client = await this.#opening?.catch(() => undefined);
    const whole = this.#whole as surface.NativeClient | undefined;
    await Promise.all([client?.close(), whole?.close()]);
    return null;
  }
}

/** A call in which the code found an invariant broken: nothing of it goes on, and every other call is told so by it. */
function broken(cause: unknown): Error {
  const reason = "a broken invariant ended the module; load the page again";
  return fromCode("internal", `internal error: ${reason}`, { reason }, cause);
}

/** The URL for people until the code says it itself: nothing that may be secret. */
function shown(url: string): string {
  if (url.startsWith("memory:")) return "memory";
  try {
    const { protocol, username, password, host, pathname } = new URL(url);
    if (!/^https?:$/.test(protocol)) return "***";
    // As the code says it: the end that every verb has is no part of the place.
    const prefix = pathname.replace(/\/+$/, "").replace(/\/api\/v1$/, "").replace(/\/+$/, "");
    return `${protocol}//${username || password ? "***@" : ""}${host}${prefix}`;
  } catch {
    return "***";
  }
}

/** Begins to work, once the code is there; `config` is JSON text of an object. */
export function startWorker(client: surface.NativeClient, config: string): Promise<surface.NativeWorker> {
  return (client as surface.NativeClient & { work(config: string): Promise<surface.NativeWorker> }).work(config);
}

/** What needs no client. */
export function rules(): surface.NativeRules | Promise<surface.NativeRules> {
  return load("rules");
}

/** What a dynamic executor needs. */
export function dynamicRules(): surface.NativeDynamicRules | Promise<surface.NativeDynamicRules> {
  return load("dynamic");
}

/** What the browser tells of its machine. Where it does not tell of memory there is none to spare. */
export function machine(): surface.NativeMachine {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number; deviceMemory?: number } };
  const { hardwareConcurrency = 1, deviceMemory = 0 } = navigator ?? {};
  return { coresPhysical: null, coresLogical: hardwareConcurrency, memoryGb: deviceMemory, busy: () => [NaN, NaN, 0] };
}

export const native = {
  Cancel,
  ManualClock,
  Client: LazyClient as unknown as surface.NativeModule["Client"],
  /** A page serves nobody. */
  startServer(_client: surface.NativeClient, _options: string): Promise<surface.NativeServer> {
    return Promise.reject(fromCode("not_implemented", "a browser has no server", { feature: "server" }));
  },
};

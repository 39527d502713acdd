/**
 * Fetches the engine, what few ask of it, the client by HTTP, the worker by HTTP, the rules of blocks or those of
 * dynamic executors when the first call needs it, each apart and once.
 *
 * @module
 */

import { fromCode } from "./generated/errors.js";
import type { Cancel, NativeClient, NativeClock, NativeDynamicRules, NativeRules, NativeWorker } from "./surface.js";

/** `engine` runs in the page; `client` asks a server, and `worker` works for one. */
export type Part = "engine" | "client" | "worker";
/** What asks no client. */
type Rules = "rules" | "dynamic";

/** What a part exports once it is there. */
export interface Loaded {
  Cancel: new () => Cancel;
  Client: new (url: string, options: string, clock: NativeClock | null) => NativeClient;
}

/** What can do all has workers, too. */
export interface LoadedWhole extends Loaded {
  Worker: new (client: NativeClient, config: string) => NativeWorker;
}

/** The engine has a clock of its own that tests move. */
export interface LoadedEngine extends LoadedWhole {
  ManualClock: new (startMillis: number | null) => NativeClock;
  /** What the module exports, once it is there. */
  initSync(): WebAssembly.ModuleImports;
  /** Makes known what `loadSeldom` fetched. */
  installSeldom(): void;
}

/** What the build tool of wasm writes. */
interface Glue {
  default(init: { module_or_path: unknown }): Promise<unknown>;
}

const parts = new Map<Part | Rules, Promise<unknown>>();
const there = new Map<Part, Loaded>();

/** The part if it is there; nothing is fetched. */
export function loaded(part: Part): Loaded | undefined {
  return there.get(part);
}

/**
 * The part, fetched if it is not there yet. One that could not be fetched is tried again by the next
 * call.
 *
 * @throws StoreUnavailableError when it cannot be fetched or may not run
 */
export function load(part: "engine"): Promise<LoadedEngine>;
export function load(part: "rules"): Promise<NativeRules>;
export function load(part: "dynamic"): Promise<NativeDynamicRules>;
export function load(part: Part): Promise<Loaded>;
export function load(part: Part | Rules): Promise<unknown> {
  let loading = parts.get(part);
  if (loading === undefined) {
    loading = fetched(part);
    parts.set(part, loading);
    loading.catch(() => parts.delete(part));
  }
  return loading;
}

let seldom: Promise<void> | undefined;

/**
 * What few pages ask of the engine, in a file of its own: it joins the engine once and for all. When it could not be
 * fetched, the next call tries again.
 *
 * @throws StoreUnavailableError when it cannot be fetched or may not run
 */
export function loadSeldom(engine: LoadedEngine): Promise<void> {
  if (seldom === undefined) {
    const loading = (seldom = joined(engine));
    loading.catch(() => (seldom = undefined));
  }
  return seldom;
}

async function joined(engine: LoadedEngine): Promise<void> {
  try {
    const wasm = await bytes(new URL("./wasm/engine_seldom_bg.wasm", import.meta.url));
    const code = wasm instanceof Uint8Array ? wasm : await wasm.arrayBuffer();
    await WebAssembly.instantiate(code, { __wasm_split: engine.initSync() });
    engine.installSeldom();
  } catch (cause) {
    const another = cause instanceof WebAssembly.LinkError;
    throw unavailable("engine", another ? new Error("its files are of two builds; load the page again", { cause }) : cause);
  }
}

/** Written out for each part: this is how bundlers find the files. */
const PLACES: Record<Part | Rules, () => [Promise<unknown>, ReturnType<typeof bytes>]> = {
  engine: () => [import("./wasm/engine.js"), bytes(new URL("./wasm/engine_bg.wasm", import.meta.url))],
  client: () => [import("./wasm/client.js"), bytes(new URL("./wasm/client_bg.wasm", import.meta.url))],
  worker: () => [import("./wasm/worker.js"), bytes(new URL("./wasm/worker_bg.wasm", import.meta.url))],
  rules: () => [import("./wasm/rules.js"), bytes(new URL("./wasm/rules_bg.wasm", import.meta.url))],
  dynamic: () => [import("./wasm/dynamic.js"), bytes(new URL("./wasm/dynamic_bg.wasm", import.meta.url))],
};

async function fetched(part: Part | Rules): Promise<unknown> {
  const [glue, wasm] = PLACES[part]();
  // Both come at once; when the first fails, nobody looks at the second.
  wasm.catch(() => {});
  try {
    const code = (await glue) as unknown as Glue & Loaded;
    await code.default({ module_or_path: await wasm });
    if (part !== "rules" && part !== "dynamic") there.set(part, code);
    return code;
  } catch (cause) {
    throw unavailable(part, cause);
  }
}

function unavailable(part: Part | Rules, cause: unknown): Error {
  const said = cause instanceof Error ? cause.message : String(cause);
  const reason = /unsafe-eval/.test(said)
    ? `the page's Content-Security-Policy must allow script-src 'wasm-unsafe-eval': ${said}`
    : `its code could not be loaded: ${said}`;
  const fields = { operation: `load ${part}`, reason };
  return fromCode("store_unavailable", `the ${part} is not available: ${reason}`, fields, cause);
}

async function bytes(at: URL): Promise<Response | Uint8Array<ArrayBuffer>> {
  // Node reads files, and `fetch` does not; a bundler for browsers need not know.
  const host = globalThis as { process?: { getBuiltinModule?(name: string): any } };
  const disk = at.protocol === "file:" ? host.process?.getBuiltinModule?.("node:fs") : undefined;
  if (disk !== undefined) return disk.promises.readFile(at);
  const response = await fetch(at);
  if (!response.ok) throw new Error(`${at.href}: HTTP ${response.status}`);
  return response;
}

/**
 * `npx windlass`: the command line, with workers that run handlers of a JavaScript module.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "./client.js";
import { now } from "./failure.js";
import { WindlassError } from "./generated/errors.js";
import { native } from "./native.js";
import type { ConnectOptions } from "./options.js";
import type { Handlers, WorkerOptions } from "./worker.js";

/** The command line was not understood. */
const USAGE = 2;

/** The arguments of `windlass worker`; what is `null` or empty was not given. */
interface WorkerArgs {
  /** `MODULE:NAME`. */
  app: string;
  concurrency: number | null;
  queues: string[];
  lease: number | null;
  url: string | null;
  tenant: string | null;
  api_key: string | null;
}

/** Runs a command; the code to exit with. */
export async function main(args: readonly string[]): Promise<number> {
  leaveSignals();
  const finished: { exit: number } | { worker: WorkerArgs } = JSON.parse(
    now(() => native.runCli(["windlass", ...args])),
  );
  if ("exit" in finished) return finished.exit;
  try {
    return await work(finished.worker);
  } catch (error) {
    const told = error instanceof WindlassError ? `${error.message} (${error.code})` : String(error);
    console.error(`windlass worker: ${told}`);
    return error instanceof NoHandlers ? USAGE : 1;
  }
}

/**
 * Gives signals back to the system. Node's own handler ends the process by raising the signal again;
 * beneath native code that listens, too, each would call the other for ever.
 */
function leaveSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const nothing = () => {};
    process.on(signal, nothing);
    // With its last listener the handler goes.
    process.off(signal, nothing);
  }
}

/** Runs a worker of `MODULE:NAME`, an export that holds handlers by task type, until it is drained. */
async function work({ app, concurrency, queues, lease, url, tenant, api_key }: WorkerArgs): Promise<number> {
  const handlers = await load(app);
  const connection: ConnectOptions = {};
  if (tenant !== null) connection.tenantId = tenant;
  if (api_key !== null) connection.apiKey = api_key;
  const options: WorkerOptions = {};
  if (concurrency !== null) options.concurrency = concurrency;
  if (queues.length > 0) options.queues = queues;
  if (lease !== null) options.lease = lease;
  const client = new Client(url ?? undefined, connection);
  const worker = client.worker(handlers, options);
  await worker.run();
  await client.close();
  return 0;
}

class NoHandlers extends Error {
  override readonly name = "NoHandlers";

  override toString(): string {
    return this.message;
  }
}

async function load(app: string): Promise<Handlers> {
  const at = app.lastIndexOf(":");
  const [file, name] = [app.slice(0, at), app.slice(at + 1)];
  let module: Record<string, unknown>;
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new NoHandlers(`${file} cannot be imported: ${error instanceof Error ? error.message : error}`);
  }
  const handlers = module[name];
  if (typeof handlers !== "object" || handlers === null) {
    throw new NoHandlers(`${file} exports no object of handlers that is called ${name}`);
  }
  return handlers as Handlers;
}

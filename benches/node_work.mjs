// Submits or drains tasks that do nothing by the Node package, and prints how long it took, as JSON.
//
//   WINDLASS_PACKAGE=FOLDER node node_work.mjs drain|submit|bulk --url URL [--tasks N] [--millis N]
//
// `drain` times what lies between the worker's start and the moment when the store tells that all are
// completed, and how late the event loop's timers came meanwhile; storing the tasks beforehand is not
// timed. `submit` has 64 callers, each of which submits one task after the other, `bulk` one that submits
// 1000 by each call, for so many milliseconds. As many as `--warm` are stored before, by the same calls, so
// that code is compiled and the log has its full length.

import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { connect } = await import(pathToFileURL(join(process.env.WINDLASS_PACKAGE, "dist/esm/index.js")).href);

const TYPE = "noop";
const CALLERS = 64;
const BULK = 1_000;
const CHUNK = 5_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    durability: { type: "string", default: "full" },
    tasks: { type: "string", default: "0" },
    millis: { type: "string", default: "0" },
    warm: { type: "string", default: "0" },
    concurrency: { type: "string", default: "100" },
  },
});
const [tasks, millis, warm] = [values.tasks, values.millis, values.warm].map(Number);

/** About 100 bytes of JSON, different for each task. */
function payload(number) {
  return {
    path: `pictures/2030/holiday-${String(number).padStart(12, "0")}.jpg`,
    width: 320,
    height: 200,
    format: "webp",
    by: "bench",
  };
}

/** Stores tasks from number `from` on, so many by each call. */
async function fill(client, from, count, most) {
  for (let first = from; first < from + count; first += most) {
    const length = Math.min(most, from + count - first);
    await client.submitBatch(Array.from({ length }, (_, n) => ({ payload: payload(first + n) })), { type: TYPE });
  }
}

async function drain(client) {
  await fill(client, 0, tasks, CHUNK);
  let count = 0;
  let allRan;
  const ran = new Promise((resolve) => (allRan = resolve));
  const noop = async () => {
    if (++count === tasks) allRan();
  };
  const worker = client.worker({ [TYPE]: noop }, { concurrency: Number(values.concurrency) });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const ended = worker.run();
  await ran;
  delay.disable();
  const completed = async () => {
    const counts = await client.counts();
    return counts.reduce((sum, one) => sum + (one.status === "completed" ? one.count : 0), 0);
  };
  while ((await completed()) < tasks) await new Promise((resolve) => setTimeout(resolve, 1));
  const seconds = (performance.now() - start) / 1000;
  await worker.drain();
  await ended;
  const late = (share) => delay.percentile(share) / 1e6;
  return { tasks, seconds, loop_delay_p50_ms: late(50), loop_delay_p99_ms: late(99), loop_delay_most_ms: delay.max / 1e6 };
}

/** Each caller submits one task after the other for as long as `goes` says. */
async function callers(client, goes) {
  let stored = 0;
  const caller = async () => {
    while (goes(stored)) await client.submitTask({ type: TYPE, payload: payload(stored++) });
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return stored;
}

async function submit(client) {
  await callers(client, (stored) => stored < warm);
  const start = performance.now();
  const stored = await callers(client, () => performance.now() - start < millis);
  return { tasks: stored, seconds: (performance.now() - start) / 1000 };
}

async function bulk(client) {
  await fill(client, 0, warm, BULK);
  const start = performance.now();
  let stored = 0;
  while (performance.now() - start < millis) {
    await fill(client, stored, BULK, BULK);
    stored += BULK;
  }
  return { tasks: stored, seconds: (performance.now() - start) / 1000 };
}

const client = await connect(values.url, { durability: values.durability });
const answer = await { drain, submit, bulk }[positionals[0]](client);
await client.close();
console.log(JSON.stringify(answer));

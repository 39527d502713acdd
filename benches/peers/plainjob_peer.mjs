// The same work by plainjob: jobs stored by addMany, 1000 a call, then drained by one worker whose handler
// does nothing. Prints one line of JSON.
//
//   WINDLASS_PEERS=FOLDER node plainjob_peer.mjs FILE TASKS normal|full
//
// plainjob sets synchronous=NORMAL itself; `full` changes it afterwards, on its own connection.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// Installed outside the clone, where an import from here would not look.
const installed = createRequire(`${process.env.WINDLASS_PEERS}/node/package.json`);
const Database = installed("better-sqlite3");
const plainjob = await import(pathToFileURL(installed.resolve("plainjob")).href);
const { better, defineQueue, defineWorker, JobStatus } = plainjob;

const [file, count, durability] = process.argv.slice(2);
const tasks = Number(count);
const silent = { error: console.error, warn: console.error, info() {}, debug() {} };

/** The arguments of one task: about 100 bytes of JSON. */
function call(number) {
  return {
    path: `pictures/2030/holiday-${String(number).padStart(12, "0")}.jpg`,
    width: 320,
    height: 200,
    format: "webp",
    by: "bench",
  };
}

const connection = better(new Database(file));
const queue = defineQueue({ connection, logger: silent });
connection.pragma(`synchronous = ${durability}`);

/** Stores the jobs, 1000 a call. */
function submit(type) {
  for (let first = 0; first < tasks; first += 1000) {
    const calls = [];
    for (let n = first; n < Math.min(first + 1000, tasks); n++) calls.push(call(n));
    queue.addMany(type, calls);
  }
}

// As many of a type that nobody works on are there before, so that code is compiled and the log is long.
submit("warm");
let start = performance.now();
submit("noop");
const submitSeconds = (performance.now() - start) / 1000;

let done = 0;
let finish;
const finished = new Promise((resolve) => (finish = resolve));
const onCompleted = () => ++done === tasks && finish();
const worker = defineWorker("noop", async () => {}, { queue, logger: silent, onCompleted });
start = performance.now();
const running = worker.start();
await finished;
const drainSeconds = (performance.now() - start) / 1000;
await worker.stop();
await running;

const completed = queue.countJobs({ status: JobStatus.Done });
queue.close();
if (completed !== tasks) throw new Error(`${completed} of ${tasks} jobs are done`);
console.log(JSON.stringify({ tasks, submit_seconds: submitSeconds, drain_seconds: drainSeconds }));

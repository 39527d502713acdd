// Ten workers in pages add to one state a hundred times each, side by side: no addition is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

const WORKERS = 10;
const EACH = 100;
const LIMIT = { timeout: 120_000 };

let place;
before(async () => {
  place = await stage();
});
after(() => place?.close());

/** Takes `workers` of a page, with a client each, through their additions: what each one of them found. */
async function count({ url, workers, each }) {
  const { connect } = await import("/dist/index.js");
  const add = async (_, ctx) => {
    const { counter } = ctx.state;
    // Others have their turn between the look and the change.
    await new Promise((resolve) => setTimeout(resolve));
    ctx.state = { counter: counter + 1 };
    return counter;
  };
  const one = async () => {
    const client = await connect(url);
    const worker = client.worker({ increment: add }, { concurrency: 2 });
    const ended = worker.run();
    const task = { type: "increment", payload: {}, stateKey: "sum", initialState: { counter: 0 } };
    const taken = await Promise.all(Array.from({ length: each }, () => client.submitTask(task)));
    const done = await client.waitForBatch(taken.map(({ taskId }) => taskId));
    return { client, worker, ended, seen: done.map(({ status, result }) => (status === "completed" ? result : status)) };
  };
  globalThis.all = await Promise.all(Array.from({ length: workers }, one));
  return all.flatMap(({ seen }) => seen);
}

/** What the store says when all have counted. */
async function look() {
  const [{ client }] = all;
  const { count } = await client.countTasks({ type: "increment", status: "completed" });
  return { state: await client.getState("sum"), count };
}

/** Lets the workers of a page go. They stay until all have been served: who drains may hold the next of the key. */
async function leave() {
  for (const { worker, ended, client } of all) {
    await worker.drain();
    await ended;
    await client.close();
  }
}

/** Every addition found another number, and the last left the sum. */
function check(seen, told) {
  const sum = WORKERS * EACH;
  assert.deepEqual(seen.toSorted((a, b) => a - b), Array.from({ length: sum }, (_, n) => n));
  assert.deepEqual(told, { state: { counter: sum }, count: sum });
}

test("ten workers of the engine in a page count to a thousand", LIMIT, async () => {
  // STA-02, STA-03
  const page = await place.open();
  const seen = await page.evaluate(count, { url: "memory:state-count", workers: WORKERS, each: EACH });
  check(seen, await page.evaluate(look));
  await page.evaluate(leave);
  assert.deepEqual(page.said, []);
});

test("ten pages count to a thousand on a server", LIMIT, async () => {
  // STA-02, STA-03
  const server = await new Server("memory:", place.site.url).start();
  try {
    const pages = await Promise.all(Array.from({ length: WORKERS }, () => place.open()));
    const seen = await Promise.all(pages.map((page) => page.evaluate(count, { url: server.url, workers: 1, each: EACH })));
    check(seen.flat(), await pages[0].evaluate(look));
    await Promise.all(pages.map((page) => page.evaluate(leave)));
    assert.deepEqual(pages.flatMap(({ said }) => said), []);
  } finally {
    await server.kill();
  }
});

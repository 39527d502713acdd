// Many clients in one page share the six connections that a browser has to a server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

const CLIENTS = 6;
const EACH = 10;
const LIMIT = { timeout: 60_000 };

let place, server;
before(async () => {
  place = await stage();
  server = await new Server("memory:", place.site.url).start();
});
after(async () => {
  await server?.kill();
  await place?.close();
});

/** Starts clients with a worker each, which nobody but themselves gives work, and has that done. */
async function work({ url, clients, each }) {
  const { connect } = await import("/dist/index.js");
  globalThis.all = await Promise.all(
    Array.from({ length: clients }, async (_, number) => {
      const client = await connect(url);
      const worker = client.worker({ double: async ({ n }) => 2 * n }, { concurrency: 2, queues: [`q${number}`] });
      return { client, worker, ended: worker.run(), queue: `q${number}` };
    }),
  );
  globalThis.done = async () => {
    const start = performance.now();
    const results = await Promise.all(
      all.map(async ({ client, queue }) => {
        const payloads = Array.from({ length: each }, (_, n) => ({ type: "double", queue, payload: { n } }));
        const taken = await Promise.all(payloads.map((task) => client.submitTask(task)));
        const ended = await client.waitForBatch(taken.map(({ taskId }) => taskId));
        return ended.map(({ result }) => result);
      }),
    );
    return { results, took: performance.now() - start };
  };
  return done();
}

const EXPECTED = Array.from({ length: CLIENTS }, () => Array.from({ length: EACH }, (_, n) => 2 * n));

test("six clients with a worker each get their work done, and leave at once", LIMIT, async () => {
  const page = await place.open();
  // The first time all come at once; the second time each has waited for work, or rested, for a while.
  const first = await page.evaluate(work, { url: server.url, clients: CLIENTS, each: EACH });
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1_500)));
  const second = await page.evaluate(() => done());
  for (const { results, took } of [first, second]) {
    assert.deepEqual(results, EXPECTED);
    // One long poll of a server takes 20 s: whoever stood behind one took longer than this.
    assert.ok(took < 12_000, `${took} ms`);
  }
  const left = await page.evaluate(async () => {
    const start = performance.now();
    await Promise.all(all.map(({ worker }) => worker.drain()));
    await Promise.all(all.map(({ ended }) => ended));
    await Promise.all(all.map(({ client }) => client.close()));
    return performance.now() - start;
  });
  assert.ok(left < 8_000, `${left} ms`);
  assert.deepEqual(page.said, []);
});

test("streams, waits and workers of six clients leave a connection to submit by", LIMIT, async () => {
  const page = await place.open();
  const { taken, followed } = await page.evaluate(
    async ({ url, clients }) => {
      const { connect } = await import("/dist/index.js");
      const all = await Promise.all(Array.from({ length: clients }, () => connect(url)));
      const open = [];
      for (const [number, client] of all.entries()) {
        const worker = client.worker({ nobody: async () => null }, { queues: [`idle${number}`] });
        open.push(worker.run());
        const { taskId } = await client.submitTask({ type: "waits", queue: "never", payload: null });
        client.streamTask(taskId).on("update", () => (globalThis.heard = (globalThis.heard ?? 0) + 1));
        client.waitForTask(taskId).catch(() => {});
      }
      // All that waits has its connection, or has found none.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const taken = [];
      for (const client of all) {
        const start = performance.now();
        await client.submitTask({ type: "more", queue: "never", payload: null });
        taken.push(performance.now() - start);
      }
      return { taken, followed: globalThis.heard };
    },
    { url: server.url, clients: CLIENTS },
  );
  assert.ok(Math.max(...taken) < 5_000, `${taken}`);
  assert.equal(followed, CLIENTS);
});

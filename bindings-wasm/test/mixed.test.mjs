// A producer in Node, a worker in Python, a watcher in the browser; the server between them is killed and
// started again: the page resumes and misses nothing.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Part } from "../../bindings-node/test/mixed/part.mjs";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

// The package for Node of this clone.
const { connect } = createRequire(new URL("../../bindings-node/package.json", import.meta.url))("windlass");
const STEPS = fileURLToPath(new URL("mixed/steps.py", import.meta.url));
const COUNT = 120;

const folder = mkdtempSync(join(tmpdir(), "windlass-web-mixed-"));
let place, server, worker;
before(async () => {
  place = await stage();
  server = await new Server(`sqlite:${join(folder, "tasks.db")}`, place.site.url).start();
  worker = new Part(process.env.PYTHON || "python3", STEPS, server.url);
});
after(async () => {
  await worker?.kill();
  await server?.kill();
  await place?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a page follows tasks of Node and Python over the end of their server", { timeout: 120_000 }, async () => {
  const node = await connect(server.url);
  const page = await place.open();
  await page.evaluate(async (url) => {
    const { connect } = await import("/dist/index.js");
    globalThis.client = await connect(url);
    globalThis.seen = {};
    globalThis.watch = async (taskId) => {
      const updates = (seen[taskId] = []);
      for await (const { seq, kind, status, message } of client.streamTask(taskId)) updates.push({ seq, kind, status, message: message ?? null });
      return updates;
    };
  }, server.url);
  const { taskIds } = await node.submitBatch(Array(3).fill({ payload: { count: COUNT } }), { type: "steps", maxRetries: 100 });
  await page.evaluate((taskIds) => void (globalThis.watches = Promise.all(taskIds.map(watch))), taskIds);
  // A worker that ends by itself says why.
  const ends = worker.told(() => false);
  ends.catch(() => {});
  for (const least of [10, 40]) {
    const reaches = page.waitForFunction(([id, least]) => seen[id]?.length >= least, [taskIds[0], least]);
    await Promise.race([reaches, ends]);
    await server.kill();
    const reached = await page.evaluate((id) => seen[id].length, taskIds[0]);
    assert.ok(reached < COUNT, "the server ends before the task does");
    await server.start();
  }
  const watched = await page.evaluate(() => watches);
  for (const [at, taskId] of taskIds.entries()) {
    const updates = watched[at];
    assert.deepEqual(updates.map(({ seq }) => seq), updates.map((_, i) => i + 1), "every number once, and no gap");
    assert.deepEqual([updates.at(-1).kind, updates.at(-1).status], ["status", "completed"]);
    assert.equal(updates.filter(({ kind, status }) => kind === "status" && status === "completed").length, 1);
    const stored = [];
    for await (const { seq, kind, status, message } of node.streamTask(taskId)) stored.push({ seq, kind, status, message: message ?? null });
    assert.deepEqual(updates, stored, "what the store has, word for word");
    assert.equal((await node.getTask(taskId)).result, COUNT);
  }
  await node.close();
});

// Producers and workers of two languages on one file, and on one server, are killed at random points:
// every task that was acknowledged ends exactly one way.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect } from "windlass";
import { part, serve } from "./mixed/part.mjs";

const folder = mkdtempSync(join(tmpdir(), "windlass-node-killed-"));
const living = new Set();
after(async () => {
  await Promise.all(Array.from(living, (one) => one.kill()));
  rmSync(folder, { recursive: true, force: true });
});

const SEED = Number(process.env.WINDLASS_SEED ?? Math.floor(Math.random() * 1e9));
const LIMIT = { timeout: 300_000 };
const FINAL = ["completed", "failed", "cancelled"];

/** Numbers below `end` that the seed decides (mulberry32). */
function dice(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % end;
  };
}

/** A store with parts that are killed and started again, and what all of them ever told. */
class Site {
  parts = new Map();
  told = { producer: [], worker: [] };

  constructor(name, served) {
    this.store = `sqlite:${join(folder, `${name}.db`)}`;
    this.url = this.store;
    this.served = served;
  }

  async start(role, language, ...args) {
    let started;
    if (role === "server") ({ server: started, url: this.url, address: this.address } = await serve(this.store, this.address));
    else {
      started = part(language, role, this.url, ...args);
      this.told[role].push(started.lines);
    }
    living.add(started);
    this.parts.set(role, started);
  }

  async kill(role) {
    const killed = this.parts.get(role);
    await killed.kill();
    living.delete(killed);
  }

  async end() {
    for (const role of this.parts.keys()) await this.kill(role);
  }

  lines(role) {
    return this.told[role].flat().map((line) => line.split(" "));
  }
}

/** Checks what the store tells of the tasks that a producer says were acknowledged. */
async function judge(client, site) {
  const acknowledged = site.lines("producer");
  const ids = acknowledged.map(([id]) => id);
  assert.equal(new Set(ids).size, ids.length, "one id for each request");
  await client.waitForBatch(ids, { timeout: 120_000 });
  // Of a producer that was killed before it was told, there may be one more.
  const stored = await client.listTasks();
  await client.waitForBatch(stored.map((task) => task.taskId), { timeout: 120_000 });
  assert.equal(new Set(stored.map((task) => task.idempotencyKey)).size, stored.length, "no request is there twice");
  // A number may be there twice: an attempt counts once its start was told to the store.
  const began = new Set(site.lines("worker").map((words) => words.join(" ")));
  for (const [id, request, ends] of acknowledged) {
    const updates = [];
    for await (const update of client.streamTask(id)) updates.push(update);
    const finals = updates.filter((update) => update.kind === "status" && FINAL.includes(update.status));
    assert.deepEqual(finals, updates.slice(-1), `task ${id} ends once`);
    const task = await client.getTask(id);
    assert.deepEqual([task.status, finals[0].status], Array(2).fill(ends === "failed" ? "failed" : "completed"));
    assert.ok(began.has(`${id} ${task.attempt}`), `attempt ${task.attempt} of task ${id} was run`);
    if (ends === "failed") assert.equal(task.error.message, "as it was asked for");
    else assert.deepEqual([task.result.request, task.result.attempt], [request, task.attempt]);
  }
}

for (const served of [false, true]) {
  for (const [producer, worker] of [["node", "python"], ["python", "node"]]) {
    const where = served ? "a server" : "a file";
    test(`${where}: ${producer} submits, ${worker} works, and each is killed`, LIMIT, async (t) => {
      t.diagnostic(`WINDLASS_SEED=${SEED}`);
      const draw = dice(SEED);
      const languages = { producer, worker };
      const site = new Site(`${producer}-${worker}-${served}`, served);
      const client = await connect(site.store);
      if (served) await site.start("server");
      for (const role of ["worker", "producer"]) await site.start(role, languages[role]);
      const roles = ["worker", "producer", "worker", "producer", ...(served ? ["server", "server"] : [])];
      while (roles.length > 0) {
        const [role] = roles.splice(draw(roles.length), 1);
        // A point between two things that are told: of a server, by those who call it.
        const watched = site.parts.get(role === "server" ? ["producer", "worker"][draw(2)] : role);
        await watched.told(watched.lines.length + 1 + draw(25));
        await site.kill(role);
        await site.start(role, languages[role]);
      }
      await Promise.all(["producer", "worker"].map((role) => site.parts.get(role).told(10)));
      await site.kill("producer");
      await judge(client, site);
      await client.close();
      await site.end();
    });
  }

  for (const [killed, heir] of [["node", "python"], ["python", "node"]]) {
    test(`${served ? "a server" : "a file"}: ${heir} takes over what a killed ${killed} worker had`, LIMIT, async () => {
      const site = new Site(`${killed}-${heir}-${served}-held`, served);
      const client = await connect(site.store);
      if (served) await site.start("server");
      const { taskIds } = await client.submitBatch(Array(3).fill({ payload: {} }), { type: "hold", maxRetries: 1000 });
      await site.start("worker", killed, "holding");
      await site.parts.get("worker").told(3);
      await site.kill("worker");
      await site.start("worker", heir);
      const ended = await client.waitForBatch(taskIds, { timeout: 120_000 });
      assert.deepEqual(ended.map((task) => [task.status, task.result]), Array(3).fill(["completed", heir]));
      await client.close();
      await site.end();
    });
  }
}

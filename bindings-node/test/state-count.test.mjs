// Ten clients add to one state a hundred times each, side by side: no addition is lost.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "windlass";
import { TestServer } from "windlass/testing";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-count-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const CLIENTS = 10;
const EACH = 100;
const LIMIT = { timeout: 60_000 };

/** Takes `clients` at a store, with a worker each, through their additions; the same text runs in other processes. */
const COUNT = async (connect, url, clients, each) => {
  const add = (_, ctx) => {
    const { counter } = ctx.state;
    // Others have their turn between the look and the change.
    return new Promise((resolve) => setImmediate(resolve)).then(() => (ctx.state = { counter: counter + 1 })).then(() => counter);
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
  const all = await Promise.all(Array.from({ length: clients }, one));
  // Every worker stays until all have been served: who drains may hold the next of the key.
  for (const { worker, ended, client } of all) {
    await worker.drain();
    await ended;
    await client.close();
  }
  return all.flatMap(({ seen }) => seen);
};

/** Every addition found another number, and the last left the sum. */
async function check(client, seen) {
  const sum = CLIENTS * EACH;
  assert.deepEqual(seen.toSorted((a, b) => a - b), Array.from({ length: sum }, (_, n) => n));
  assert.deepEqual(await client.getState("sum"), { counter: sum });
  assert.equal((await client.countTasks({ type: "increment", status: "completed" })).count, sum);
}

// STA-03
test("ten clients of a store in memory count to a thousand", LIMIT, async () => {
  const url = "memory:state-count";
  const client = await connect(url);
  await check(client, await COUNT(connect, url, CLIENTS, EACH));
  await client.close();
});

// STA-03
test("ten clients of a server count to a thousand", LIMIT, async () => {
  const server = await TestServer.start("memory:state-count-served");
  await check(server.client, await COUNT(connect, server.url, CLIENTS, EACH));
  await server.stop();
});

const PROCESSES = 2;
const PART = `
import { connect } from "windlass";
const count = ${COUNT};
console.log(JSON.stringify(await count(connect, process.argv[1], ${CLIENTS / PROCESSES}, ${EACH})));
`;

// STA-03
test("ten clients in two processes on one SQLite file count to a thousand", LIMIT, async () => {
  const url = `sqlite:${join(folder, "sum.db")}`;
  const client = await connect(url);
  const parts = Array.from({ length: PROCESSES }, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", PART, "--", url], { cwd: home, stdio: ["ignore", "pipe", "inherit"], timeout: 50_000, killSignal: "SIGKILL" });
    let told = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (told += text));
    assert.deepEqual(await once(child, "close"), [0, null]);
    return JSON.parse(told);
  });
  await check(client, (await Promise.all(parts)).flat());
  await client.close();
});

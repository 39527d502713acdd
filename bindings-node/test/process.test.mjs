// What a worker's process does when it is asked to end, when it is killed, and when a stream fails.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "windlass";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-process-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A process of its own; one that does not end by itself is killed. */
function start(text, ...args) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text, "--", ...args], { cwd: home, stdio: ["ignore", "pipe", "inherit"], timeout: 60_000, killSignal: "SIGKILL" });
  let told = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (told += text));
  return { child, exit: once(child, "close"), told: () => JSON.parse(told) };
}

const WORKER = `
import { connect } from "windlass";
const client = await connect(process.argv[1]);
await client.worker({
  slow: async (_, ctx) => {
    ctx.progress(1);
    await new Promise((resolve) => process.once("SIGTERM", resolve));
    return "finished";
  },
  exit: async () => process.exit(3),
  blocking: (_, ctx) => {
    ctx.progress(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
    return { process: process.pid, attempt: ctx.attempt };
  },
}, { lease: 1 }).run();
await client.close();
`;

/** Until the task says that it is under way. */
async function underWay(client, taskId) {
  for await (const update of client.streamTask(taskId)) if (update.kind === "progress") return;
}

test("SIGTERM lets a worker finish what it runs", async () => {
  const url = `sqlite:${join(folder, "drain.db")}`;
  const client = await connect(url);
  const { child, exit } = start(WORKER, url);
  const { taskId } = await client.submitTask({ type: "slow", payload: {} });
  await underWay(client, taskId);
  child.kill("SIGTERM");
  assert.deepEqual(await exit, [0, null]);
  const { status, result } = await client.getTaskStatus(taskId);
  assert.deepEqual([status, result], ["completed", "finished"]);
  await client.close();
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} ends a server that was started by npx windlass`, async () => {
    const child = spawn(process.execPath, ["bin/windlass.mjs", "serve", "--store", "memory:", "--listen", "127.0.0.1:0"], { cwd: home, stdio: ["ignore", "pipe", "ignore"], timeout: 60_000, killSignal: "SIGKILL" });
    await once(child.stdout, "data");
    const exit = once(child, "exit");
    child.kill(signal);
    assert.deepEqual(await exit, [0, null]);
  });
}

for (const [how, type] of [["is killed", "slow"], ["exits with work in hand", "exit"]]) {
  test(`what a process had that ${how} is run by another`, async () => {
    const url = `sqlite:${join(folder, `${type}.db`)}`;
    const client = await connect(url);
    const { child, exit } = start(WORKER, url);
    const { taskId } = await client.submitTask({ type, payload: {} });
    if (type === "slow") {
      await underWay(client, taskId);
      child.kill("SIGKILL");
    }
    await exit;
    const worker = client.worker({ [type]: async (_, ctx) => ctx.attempt });
    const ended = worker.run();
    assert.deepEqual((await client.waitForTask(taskId, { timeout: 30_000 })).status, "completed");
    await worker.drain();
    await ended;
    await client.close();
  });
}

test("a handler that blocks the loop for four leases keeps its task, though another worker waits for it", async () => {
  const url = `sqlite:${join(folder, "blocked.db")}`;
  const client = await connect(url);
  const { child, exit } = start(WORKER, url);
  const { taskId } = await client.submitTask({ type: "blocking", payload: {} });
  await underWay(client, taskId);
  const other = client.worker({ blocking: async () => "taken over" }, { lease: 1 });
  const ended = other.run();
  assert.deepEqual(await client.result(taskId, { timeout: 60_000 }), { process: child.pid, attempt: 1 });
  await other.drain();
  await ended;
  child.kill("SIGTERM");
  assert.deepEqual(await exit, [0, null]);
  await client.close();
});

test("a handler that never settles times out and is given up: its slot is free, and the process ends", async () => {
  const { exit, told } = start(`
import { once } from "node:events";
import { connect } from "windlass";
const client = await connect("memory:");
const handlers = { never: () => new Promise(() => {}), good: async () => "good" };
const worker = client.worker(handlers, { concurrency: 1, cancelGrace: 0.05 });
const ended = worker.run();
// Nothing on standard error: the warning is read here.
const warned = once(process.removeAllListeners("warning"), "warning");
const { taskId } = await client.submitTask({ type: "never", payload: {}, timeout: 0.05, maxRetries: 0 });
const { status, error } = await client.waitForTask(taskId, { timeout: 50_000 });
const good = await client.submitTask({ type: "good", payload: {} });
const result = await client.result(good.taskId, { timeout: 50_000 });
const { abandoned, running } = worker;
const [warning] = await warned;
await worker.drain();
await ended;
await client.close();
const named = warning.message.includes(taskId);
console.log(JSON.stringify({ status, code: error.code, result, abandoned, running, named }));
`);
  assert.deepEqual(await exit, [0, null]);
  assert.deepEqual(told(), { status: "failed", code: "task_timeout", result: "good", abandoned: 1, running: 0, named: true });
});

for (const [what, url, then] of [
  ["of a store in memory", "memory:", ""],
  ["of a file", "sqlite:idle.db", ""],
  ["of a server that is not there", "http://127.0.0.1:9", ""],
  ["with a worker that was drained", "memory:", "const worker = client.worker({ x: async () => {} }); const ended = worker.run(); await worker.drain(); await ended;"],
  ["with a stream that nobody reads", "memory:", "client.streamTask('none'); client.events();"],
  ["with an iteration that was left", "sqlite:idle.db", "const { taskId } = await client.submitTask({ type: 'x', payload: {} }); for await (const _ of client.streamTask(taskId)) break;"],
  ["with a wait that was aborted", "memory:", "const { taskId } = await client.submitTask({ type: 'x', payload: {} }); await client.waitForTask(taskId, { signal: AbortSignal.timeout(10) }).catch(() => {});"],
]) {
  test(`a client ${what} does not keep the process`, async () => {
    const { exit } = start(`
import { connect } from "windlass";
process.chdir(process.argv[1]);
const client = await connect("${url}");
${then}
`, folder);
    assert.deepEqual(await exit, [0, null]);
  });
}

test("a stream that fails without a listener for errors ends no process", async () => {
  const { exit } = start(`
import { connect } from "windlass";
const client = await connect("memory:");
client.streamTask("none").on("update", () => {});
client.streamTask("none").on("completed", () => {});
const { taskId } = await client.submitTask({ type: "x", payload: {} });
await client.cancelTask(taskId);
client.streamTask(taskId).on("completed", () => {});
`);
  assert.deepEqual(await exit, [0, null]);
});

test("a pending wait keeps the process, an idle client does not", async () => {
  const { exit } = start(`
import { connect } from "windlass";
const client = await connect("memory:");
const { taskId } = await client.submitTask({ type: "nobody", payload: {} });
process.exitCode = 7;
await client.waitForTask(taskId, { timeout: 50 }).catch((error) => {
  process.exitCode = error.code === "worker_not_available" ? 0 : 1;
});
`);
  assert.deepEqual(await exit, [0, null]);
});

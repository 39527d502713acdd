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
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text, "--", ...args], { cwd: home, stdio: ["ignore", "ignore", "inherit"], timeout: 60_000, killSignal: "SIGKILL" });
  return { child, exit: once(child, "exit") };
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

test("a stream that fails without a listener for errors ends no process", async () => {
  const { exit } = start(`
import { connect } from "windlass";
const client = await connect("memory:");
client.streamTask("none").on("update", () => {});
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

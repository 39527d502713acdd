// Node and Python share the tasks of one file and of one server, in both directions.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { connect } from "windlass";
import { TestServer } from "windlass/testing";

const folder = mkdtempSync(join(tmpdir(), "windlass-node-mixed-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const python = (text, ...args) => promisify(execFile)(process.env.PYTHON || "python3", ["-c", text, ...args], { timeout: 60_000 });

// Runs until a task tells it to stop.
const WORKER = `
import sys, threading, windlass
app = windlass.App(sys.argv[1])
over = threading.Event()
@app.task
def echo(payload): return payload
@app.task
def stop(): over.set()
with app.worker(concurrency=4).background(): over.wait(50)
`;
const PRODUCER = `
import json, sys, windlass
with windlass.Client(sys.argv[1]) as client:
    ids = client.submit_batch([{"payload": p} for p in json.loads(sys.argv[2])], task_type="echo").task_ids
    print(json.dumps([status.result for status in client.wait_for_batch(ids, timeout=50)]))
`;
const PAYLOADS = [
  { text: "\u{1F9F5} é \0 \u2028", deep: JSON.parse("[".repeat(100) + "]".repeat(100)) },
  { big: Number.MAX_SAFE_INTEGER, half: 0.5, tiny: 5e-324, none: null },
  { large: "x".repeat(100_000) },
];

// Takes a task and never ends it.
const HOLDER = `
import sys, threading, windlass
app = windlass.App(sys.argv[1])
@app.task
def hold(ctx):
    ctx.progress(1)
    threading.Event().wait(50)
app.worker(lease=1).run()
`;

for (const kind of ["file", "server"]) {
  const use = async (work) => {
    const store = `sqlite:${join(folder, `${kind}.db`)}`;
    const server = kind === "server" ? await TestServer.start(store) : undefined;
    const url = server?.url ?? store;
    const client = await connect(url);
    try {
      await work(client, url);
    } finally {
      await client.close();
      await server?.stop();
    }
  };

  test(`a ${kind}: Node submits, Python works`, () =>
    use(async (client, url) => {
      const worker = python(WORKER, url);
      const { taskIds } = await client.submitBatch(PAYLOADS.map((payload) => ({ payload })), { type: "echo" });
      const ended = await client.waitForBatch(taskIds, { timeout: 50_000 });
      assert.deepEqual(ended.map((one) => one.result), PAYLOADS);
      await client.submitTask({ type: "stop", payload: {} });
      await worker;
    }));

  test(`a ${kind}: Python submits, Node works`, () =>
    use(async (client, url) => {
      const worker = client.worker({ echo: async (payload) => payload }, { concurrency: 4 });
      const ended = worker.run();
      const { stdout } = await python(PRODUCER, url, JSON.stringify(PAYLOADS));
      assert.deepEqual(JSON.parse(stdout), PAYLOADS);
      await worker.drain();
      await ended;
    }));

  test(`a ${kind}: what a killed Python worker had is done by Node`, () =>
    use(async (client, url) => {
      const { taskId } = await client.submitTask({ type: "hold", payload: {} });
      const holder = spawn(process.env.PYTHON || "python3", ["-c", HOLDER, url], { stdio: "ignore", timeout: 50_000 });
      for await (const update of client.streamTask(taskId)) if (update.kind === "progress") break;
      holder.kill("SIGKILL");
      const worker = client.worker({ hold: async () => "done by Node" });
      const ended = worker.run();
      assert.equal(await client.result(taskId, { timeout: 50_000 }), "done by Node");
      await worker.drain();
      await ended;
    }));
}

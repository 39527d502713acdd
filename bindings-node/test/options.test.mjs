// What is no option, or not of its kind, is refused by name wherever it is given, and changes nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, InvalidArgumentError, connect } from "windlass";
import { ManualClock, TestClient, TestServer } from "windlass/testing";

let client, taskId;
before(async () => {
  client = await connect("memory:");
  ({ taskId } = await client.submitTask({ type: "x", payload: {} }));
});
after(() => client.close());

const handlers = { x: async () => null };
const run = (given, options) => client.worker(given, options).run();

for (const [what, field, call] of [
  ["a URL that is a number", "url", () => connect(3)],
  ["no options of a connection", "options", () => connect("memory:", null)],
  ["an endpoint that is a number", "url", () => new Client({ endpoint: 5 })],
  ["a clock of another kind", "clock", () => connect("memory:", { clock: {} })],
  ["a timeout of calls that is text", "timeout", () => connect("http://127.0.0.1:1", { timeout: "x" })],
  ["a timeout of calls that is a BigInt", "timeout", () => connect("http://127.0.0.1:1", { timeout: 5n })],
  ["no task", "options", () => client.submitTask(null)],
  ["a task that is a list", "options", () => client.submitTask([])],
  ["a type that is a number", "task_type", () => client.submitTask({ type: 3, payload: {} })],
  ["a key that is a number", "idempotency_key", () => client.submitTask({ payload: {}, idempotencyKey: 3 })],
  ["metadata that is a number", "metadata", () => client.submitTask({ payload: {}, metadata: 3 })],
  ["labels that are a number", "labels", () => client.submitTask({ payload: {}, labels: 3 })],
  ["half a retry", "max_retries", () => client.submitTask({ payload: {}, maxRetries: 1.5 })],
  ["a delay that is text", "delay_seconds", () => client.submitTask({ payload: {}, delay: "1" })],
  ["no options of a call", "options", () => client.submitTask({ payload: {} }, null)],
  ["a signal of another kind", "signal", () => client.submitTask({ payload: {} }, { signal: 5 })],
  ["another option of a call", "timeout", () => client.submitTask({ payload: {} }, { timeout: 5 })],
  ["no batch", "tasks", () => client.submitBatch(null)],
  ["a batch of nothing known", "options", () => client.submitBatch([null])],
  ["no id", "task_id", () => client.getTask()],
  ["ids that are text", "task_ids", () => client.getBatchStatus("x")],
  ["ids that are numbers", "task_ids", () => client.waitForBatch([1])],
  ["no options of a wait", "options", () => client.waitForTask(taskId, null)],
  ["a misspelt option of a wait", "timeot", () => client.waitForTask(taskId, { timeot: 1 })],
  ["a misspelt option of a result", "failFast", () => client.result(taskId, { failFast: true })],
  ["a wait that is text", "timeout", () => client.waitForTask(taskId, { timeout: "1" })],
  ["a wait of NaN", "timeout", () => client.waitForBatch([taskId], { timeout: NaN })],
  ["a wait into the past", "timeout", () => client.result(taskId, { timeout: -1 })],
  ["a wait's signal of another kind", "signal", () => client.waitForTask(taskId, { signal: "x" })],
  ["no options of a list", "options", () => client.listTasks(null).toArray()],
  ["a misspelt filter", "colour", () => client.listTasks({ colour: 1 }).toArray()],
  ["a status that there is not", "status", () => client.listTasks({ status: "done" }).toArray()],
  ["a limit that is text", "limit", () => client.listTasks({ limit: "3" }).toArray()],
  ["a stream from before the beginning", "after", () => client.streamTask(taskId, { after: -1 })[Symbol.asyncIterator]().next()],
  ["a stream's misspelt option", "from", () => client.streamTask(taskId, { from: 1 })],
  ["an event that there is not", "event", () => client.streamTask(taskId).on("updte", () => {})],
  ["a listener that is a number", "listener", () => client.streamTask(taskId).once("update", 3)],
  ["no options of events", "options", () => client.events(null)],
  ["a queue that is a number", "queue", () => client.events({ queue: 3 })],
  ["no handlers", "handlers", () => run(null)],
  ["handlers that are text", "handlers", () => run("x")],
  ["a handler that is a number", "handlers", () => run({ x: 3 })],
  ["a handler's misspelt option", "timeot", () => run({ x: { run: handlers.x, timeot: 1 } })],
  ["a handler's schema of another kind", "schema", () => run({ x: { run: handlers.x, schema: 3 } })],
  ["no options of a worker", "options", () => run(handlers, null)],
  ["a worker that runs nothing at once", "concurrency", () => run(handlers, { concurrency: 0 })],
  ["a worker's misspelt option", "concurency", () => run(handlers, { concurency: 4 })],
  ["a lease of no time", "lease_seconds", () => run(handlers, { lease: 0 })],
  ["queues that are text", "queues", () => run(handlers, { queues: "a" })],
  ["a worker's metadata that is a number", "metadata", () => run(handlers, { metadata: 3 })],
]) {
  test(`${what} is refused`, { timeout: 20_000 }, async () => {
    const error = await (async () => call())().catch((error) => error);
    assert.ok(error instanceof InvalidArgumentError, `${error}`);
    assert.ok(error.field.includes(field), `${error.field}: ${error.message}`);
    assert.deepEqual(await client.counts(), [{ queue: "default", status: "pending", count: 1 }]);
  });
}

test("a clock is moved forward by a number only", () => {
  const clock = new ManualClock();
  for (const seconds of [-1, NaN, "x"]) assert.throws(() => clock.advance(seconds));
  assert.deepEqual(clock.now(), new Date("2030-01-01T00:00:00Z"));
});

test("a clock starts at an instant only", () => {
  for (const start of [new Date("soon"), 5, null, "2026-01-01"]) {
    assert.throws(() => new ManualClock(start), (error) => error instanceof InvalidArgumentError && error.field === "start");
  }
  assert.deepEqual(new ManualClock(new Date("1970-01-01T00:00:00.001Z")).now(), new Date(1));
});

test("a server that cannot listen closes its store, and says why", async () => {
  await assert.rejects(TestServer.start("memory:", { listen: "nowhere" }), InvalidArgumentError);
});

test("a test's client takes the options of a connection", async () => {
  const own = new TestClient({ queueDepthLimit: 1, patience: 0 });
  await own.submitTask({ type: "x", payload: {} });
  await assert.rejects(own.submitTask({ type: "x", payload: {} }), { code: "queue_full" });
  await own.close();
});

// What document 003 shows, with only the brand changed, through a real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { once } from "node:events";
import { APIError, AuthenticationError, Client, QuotaExceededError, RateLimitError, connect, fromCode } from "windlass";
import { TestServer } from "windlass/testing";

const apiKey = "a-key-of-32-characters-or-so-0000";
let server, client, worker, ended;

before(async () => {
  server = await TestServer.start("memory:", { apiKey });
  // GJS-01
  client = new Client({ endpoint: `${server.url}/`, apiKey });
  const handlers = {
    sum: async (payload) => payload.numbers.reduce((sum, number) => sum + number, 0),
    fail: async () => {
      throw new RangeError("no such order");
    },
    session: async (_, ctx) => ++ctx.state.counter,
    report: async (_, ctx) => {
      ctx.progress(50, "half");
      ctx.log("a line");
      return "done";
    },
  };
  worker = client.worker(handlers, { concurrency: 4 });
  ended = worker.run();
});

after(async () => {
  await worker.drain();
  await ended;
  await client.close();
  await server.stop();
});

test("the health of the cluster", async () => {
  // GJS-02, PAT-02
  const health = await client.clusterHealth();
  assert.equal(health.healthy, true);
  assert.equal(typeof health.nodes.active, "number");
  assert.equal(health.queue.depth, 0);
});

test("a task with all options", async () => {
  // GJS-03, GJS-04, GJS-05, GJS-07, GJS-08, PAT-01, PAT-04
  const options = {
    payload: { function: "sum", numbers: [1, 2, 3, 4, 5] },
    type: "stateless",
    priority: "high",
    timeout: 300,
    idempotencyKey: "process-123",
    labels: { env: "production" },
  };
  const result = await client.submitTask(options);
  const again = await client.submitTask(options);
  assert.equal(again.taskId, result.taskId);
  assert.equal(again.deduplicated, true);
  const ended = await client.waitForTask(result.taskId, { timeout: 30_000, pollInterval: 2_000 });
  assert.deepEqual([ended.status, ended.result, ended.error], ["completed", 15, null]);
  const task = await client.getTask(result.taskId);
  assert.deepEqual([task.type, task.timeoutSeconds, task.priority, task.labels], ["stateless", 300, 2, { env: "production" }]);
  const found = [];
  for await (const one of client.listTasks({ labels: { env: "production" } })) found.push(one.taskId);
  assert.deepEqual(found, [result.taskId]);
  const status = await client.getTaskStatus(result.taskId);
  assert.deepEqual([status.status, status.result], ["completed", 15]);
});

test("an enclave is refused, not ignored", async () => {
  await assert.rejects(client.submitTask({ payload: {}, teeRequired: true }), { code: "not_implemented" });
});

test("what failed says why", async () => {
  const { taskId } = await client.submitTask({ payload: {}, type: "fail", maxRetries: 0 });
  const ended = await client.waitForTask(taskId, { timeout: 30_000 });
  assert.deepEqual([ended.status, ended.error.code, ended.error.errorType], ["failed", "handler_error", "RangeError"]);
  assert.match(ended.error.message, /no such order/);
  assert.match(ended.error.traceback, /documents\.test\.mjs/);
});

test("a batch is submitted, looked at and waited for", async () => {
  // BAT-01, BAT-02, BAT-03, BAT-04, PAT-03, PAT-05
  const tasks = [1, 2, 3].map((number) => ({ payload: { numbers: [number] } }));
  const batch = await client.submitBatch(tasks, { type: "sum", priority: "normal" });
  assert.equal(batch.taskIds.length, 3);
  const ended = await client.waitForBatch(batch.taskIds, { timeout: 30_000 });
  assert.deepEqual(ended.map((one) => one.result), [1, 2, 3]);
  const statuses = await client.getBatchStatus(batch.taskIds);
  assert.deepEqual([...statuses.keys()], batch.taskIds);
  assert.equal(statuses.get(batch.taskIds[0]).status, "completed");
  const counted = await client.getBatch(batch.batchId);
  assert.deepEqual([counted.status, counted.total], ["completed", 3]);
});

test("a pipeline is defined, executed and monitored", async () => {
  // PIP-01, PIP-02, PIP-03, PIP-04, PIP-05
  const pipeline = client.createPipeline("data-processing");
  const stage1 = pipeline.addStage({ name: "extract", payload: { function: "sum", numbers: [1, 2] } });
  const stage2 = pipeline.addStage({ name: "transform", payload: { function: "sum", numbers: [3] }, dependsOn: [stage1] });
  pipeline.addStage({ name: "load", payload: { function: "sum", numbers: [4] }, dependsOn: [stage2] });
  await pipeline.execute({ priority: "high", timeout: 3600 });
  const seen = [];
  for await (const status of pipeline.monitor()) {
    seen.push([status.stage, status.status]);
    if (status.isTerminal) break;
  }
  const completed = seen.filter(([, status]) => status === "completed").map(([stage]) => stage);
  assert.deepEqual(completed, ["extract", "transform", "load", null]);
  assert.deepEqual(await pipeline.results(), { extract: 3, transform: 3, load: 4 });
});

test("a state is kept from task to task", async () => {
  // STA-01, STA-02, STA-03
  const payload = { function: "session" };
  const first = { payload, type: "stateful", stateKey: "session-12345", initialState: { counter: 0 } };
  const { taskId } = await client.submitTask(first);
  const again = await client.submitTask({ payload, type: "stateful", stateKey: "session-12345" });
  assert.deepEqual([await client.result(taskId), await client.result(again.taskId)], [1, 2]);
  assert.deepEqual(await client.getState("session-12345"), { counter: 2 });
});

test("a wait is aborted", async () => {
  // GJS-09
  const { taskId } = await client.submitTask({ payload: {}, type: "nobody" });
  const controller = new AbortController();
  const waiting = client.waitForTask(taskId, { signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await assert.rejects(client.waitForTask(taskId, { signal: controller.signal }), { name: "AbortError" });
  assert.equal((await client.getTaskStatus(taskId)).status, "pending");
  await client.cancelTask(taskId);
});

test("a stream is an emitter", async () => {
  // STR-03
  const { taskId } = await client.submitTask({ payload: {}, type: "report" });
  const stream = client.streamTask(taskId);
  const updates = [];
  stream.on("update", (update) => updates.push(update));
  const [answer] = await once(stream, "completed");
  assert.equal(answer, "done");
  assert.ok(updates.every((update) => update.timestamp instanceof Date));
  assert.deepEqual([updates[0].status, updates.at(-1).status], ["pending", "completed"]);
  assert.ok(updates.some((update) => update.progress === 50 && update.message === "half"));
  assert.ok(updates.some((update) => update.level === "info" && update.message === "a line"));
});

test("a stream of a task that fails, and of one that is cancelled, ends with an error", async () => {
  const failing = await client.submitTask({ payload: {}, type: "fail", maxRetries: 0 });
  const [failed] = await once(client.streamTask(failing.taskId), "error").then((given) => given, (error) => [error]);
  assert.equal(failed.code, "task_failed");
  const waiting = await client.submitTask({ payload: {}, type: "nobody" });
  await client.cancelTask(waiting.taskId);
  // Without a listener nothing throws.
  const silent = client.streamTask(waiting.taskId);
  silent.on("update", () => {});
  const cancelled = await new Promise((resolve) => client.streamTask(waiting.taskId).on("error", resolve));
  assert.equal(cancelled.code, "task_cancelled");
});

test("a stream is an iterator, and is closed", async () => {
  // STR-04
  const { taskId } = await client.submitTask({ payload: {}, type: "nobody" });
  const stream = client.streamTask(taskId);
  const seen = [];
  for await (const update of stream) {
    seen.push(update.status);
    stream.close();
  }
  assert.deepEqual(seen, ["pending"]);
  stream.close();
  await client.cancelTask(taskId);
});

test("errors are told apart by class", async () => {
  // ERR-36
  const stranger = new Client({ endpoint: server.url, apiKey: "wrong" });
  const refused = await stranger.clusterHealth().catch((error) => error);
  assert.ok(refused instanceof AuthenticationError && refused instanceof APIError);
  assert.equal(refused.statusCode, 401);
  await stranger.close();
  const limited = fromCode("rate_limited", "slow down", { retry_after_seconds: 2 });
  assert.ok(limited instanceof RateLimitError);
  assert.equal(limited.retryAfter, 2);
  const quota = fromCode("quota_exceeded", "", { quota_type: "tasks", current: 5, limit: 4 });
  assert.ok(quota instanceof QuotaExceededError);
  const missing = await client.getTask("none").catch((error) => error);
  assert.deepEqual([missing.code, missing.statusCode, missing.taskId], ["task_not_found", 404, "none"]);
});

test("a closed client refuses, and closes again", async () => {
  const other = await connect("memory:");
  await other.close();
  await other.close();
  await assert.rejects(other.submitTask({ payload: {} }), { code: "client_closed" });
});

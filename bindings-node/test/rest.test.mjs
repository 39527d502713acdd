// JSC: the small client of document 000.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "windlass";
import { RestClient } from "windlass/rest";
import { TestServer } from "windlass/testing";

const apiKey = "a-key-of-32-characters-or-so-0000";
let server, client;
before(async () => {
  server = await TestServer.start("memory:", { apiKey });
  client = await connect(server.url, { apiKey });
});
after(async () => {
  await client.close();
  await server.stop();
});

test("the status of a task, with a slash at the end of the URL", async () => {
  // JSC-02, JSC-03, JSC-05
  const { taskId } = await client.submitTask({ type: "x", payload: {} });
  const status = await new RestClient(`${server.url}/`, apiKey).getTaskStatus(taskId);
  assert.deepEqual([status.task_id, status.status], [taskId, "pending"]);
});

test("an answer that is no success is an error with its status", async () => {
  // JSC-01, JSC-04, JSC-06
  const rest = new RestClient(server.url, apiKey);
  const block = { name: "b", strategy: "all", steps: [1, 2], max_concurrency: 2, timeout_seconds: 5 };
  const custom = { ...block, strategy: "custom" };
  await assert.rejects(rest.submitParallelTask(custom), { message: "HTTP 400: Bad Request" });
  // Its steps wait for workers here.
  const stored = await rest.submitParallelTask(block);
  assert.deepEqual([stored.status, (await rest.getTaskStatus(stored.task_id)).status], ["running", "running"]);
  await assert.rejects(rest.getTaskStatus("none"), { message: "HTTP 404: Not Found" });
  await assert.rejects(new RestClient(server.url).getTaskStatus("none"), { message: "HTTP 401: Unauthorized" });
});

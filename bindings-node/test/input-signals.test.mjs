// A signal that is aborted before, during and after a call, for every call that takes one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "windlass";
import { TestServer } from "windlass/testing";

const ABORTED = { name: "AbortError" };
const WHY = new Error("the page was left");
const task = { type: "nobody", payload: {} };
const drained = async (stream) => {
  for await (const _ of stream);
};

let server, done, waiting;
const clients = {};
before(async () => {
  server = await TestServer.start("memory:signals");
  clients["a store"] = server.client;
  clients["a server"] = await connect(server.url);
  waiting = (await server.client.submitTask(task)).taskId;
  done = (await server.client.submitTask(task)).taskId;
  await server.client.cancelTask(done);
});
after(async () => {
  await clients["a server"].close();
  await server.stop();
});

// Each with a call that goes on until it is aborted, and one that ends by itself.
const CALLS = {
  submitTask: [(client, signal) => client.submitTask(task, { signal })],
  submitBatch: [(client, signal) => client.submitBatch([task, task], {}, { signal })],
  waitForTask: [(client, signal) => client.waitForTask(waiting, { signal }), (client, signal) => client.waitForTask(done, { signal })],
  waitForBatch: [(client, signal) => client.waitForBatch([waiting], { signal }), (client, signal) => client.waitForBatch([done], { signal })],
  result: [
    (client, signal) => client.result(waiting, { signal }),
    (client, signal) => assert.rejects(client.result(done, { signal }), { code: "task_cancelled" }),
  ],
  streamTask: [(client, signal) => drained(client.streamTask(waiting, { signal })), (client, signal) => drained(client.streamTask(done, { signal }))],
  events: [(client, signal) => drained(client.events({ signal })), (client, signal) => client.events({ signal }).close()],
};

for (const where of ["a store", "a server"]) {
  for (const [name, [goesOn, ends = goesOn]] of Object.entries(CALLS)) {
    test(`${where}, ${name}: a signal that is aborted before`, async () => {
      const before = await server.client.counts();
      // Never a value, whatever the reason is.
      await assert.rejects(async () => goesOn(clients[where], AbortSignal.abort()), ABORTED);
      await assert.rejects(async () => goesOn(clients[where], AbortSignal.abort(WHY)), WHY);
      assert.deepEqual(await server.client.counts(), before);
    });

    test(`${where}, ${name}: a signal that is aborted while it goes on`, async () => {
      const controller = new AbortController();
      const call = goesOn(clients[where], controller.signal);
      controller.abort(WHY);
      await assert.rejects(call, WHY);
    });

    test(`${where}, ${name}: a signal that is aborted after it ended`, async () => {
      const controller = new AbortController();
      const answer = await ends(clients[where], controller.signal);
      controller.abort();
      // Neither the answer nor the client is touched.
      if (name === "submitTask") assert.equal((await server.client.getTask(answer.taskId)).status, "pending");
      assert.equal((await clients[where].getTaskStatus(done)).status, "cancelled");
    });
  }

  test(`${where}: a wait that a signal's timeout ends, and a hundred waits on one signal`, async () => {
    await assert.rejects(clients[where].waitForTask(waiting, { signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
    const controller = new AbortController();
    const waits = Array.from({ length: 100 }, () => clients[where].waitForTask(waiting, { signal: controller.signal }));
    controller.abort();
    for (const wait of waits) await assert.rejects(wait, ABORTED);
    assert.equal((await server.client.getTaskStatus(waiting)).status, "pending");
  });
}

test("a client that is closed twice at once, with a wait and a worker under way", async () => {
  const client = await connect("memory:");
  const { taskId } = await client.submitTask(task);
  const wait = client.waitForTask(taskId).catch((error) => error.code);
  const ended = client.worker({ x: async () => {} }).run();
  await Promise.all([client.close(), client.close()]);
  assert.equal(await wait, "client_closed");
  await ended;
  await client.close();
  await assert.rejects(client.submitTask(task), { code: "client_closed" });
  await assert.rejects(drained(client.streamTask(taskId)), { code: "client_closed" });
});

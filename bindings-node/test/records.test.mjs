// What the records of a client hold: instants are Dates, and workers are listed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { InvalidArgumentError, connect } from "windlass";
import { ManualClock, TestClient, TestServer } from "windlass/testing";

const START = Date.UTC(2030, 0, 1);
const later = (seconds) => new Date(START + seconds * 1000);

describe("instants", () => {
  let client;
  before(() => (client = new TestClient()));
  after(() => client.close());

  test("go in as a Date or as text, and come out as Dates", async () => {
    const runAt = later(90.5);
    for (const given of [runAt, runAt.toISOString(), "2030-01-01T01:01:30.5+01:00"]) {
      const { taskId } = await client.submitTask({ type: "later", payload: {}, runAt: given });
      const task = await client.getTask(taskId);
      assert.deepEqual([task.runAt, task.createdAt], [runAt, later(0)]);
      assert.deepEqual([task.startedAt, task.finishedAt, task.attemptStartedAt], [null, null, null]);
      assert.deepEqual((await client.why(taskId)).until, runAt);
      await client.cancelTask(taskId);
      assert.deepEqual((await client.getTaskStatus(taskId)).finishedAt, later(0));
    }
  });

  test("of a history, its lines, its errors, an event and a queue are Dates", async () => {
    const events = client.events({ type: "noted" });
    const { taskId } = await client.submitTask({ type: "noted", payload: {}, queue: "notes", maxRetries: 0 });
    assert.deepEqual((await events[Symbol.asyncIterator]().next()).value.timestamp, later(0));
    events.close();
    assert.deepEqual((await client.queues()).find(({ name }) => name === "notes").oldestPendingAt, later(0));
    const note = async (_, ctx) => {
      ctx.log("a line");
      assert.ok(ctx.deadline === null);
      throw new Error("no");
    };
    const worker = client.worker({ noted: note }, { queues: ["notes"] });
    const ended = worker.run();
    // What a worker tells is as old as it says, whatever the clock does.
    const near = (instant) => assert.ok(instant instanceof Date && Math.abs(instant - later(0)) < 60_000);
    near((await client.waitForTask(taskId)).error.at);
    for await (const { timestamp } of client.streamTask(taskId)) near(timestamp);
    const lines = await client.getTaskLogs(taskId);
    assert.equal(lines.length, 1);
    near(lines[0].timestamp);
    await worker.drain();
    await ended;
  });

  test("choose tasks of a list", async () => {
    await client.advance(60);
    const { taskId } = await client.submitTask({ type: "new", payload: {} });
    for (const since of [later(60), later(60).toISOString()]) {
      assert.deepEqual((await client.listTasks({ since })).map((task) => task.taskId), [taskId]);
    }
  });

  for (const [what, given] of [["an invalid Date", new Date(NaN)], ["text of no instant", "tomorrow"], ["a number", START], ["an object", {}]]) {
    test(`${what} is refused by name`, async () => {
      const refused = (field) => (error) => error instanceof InvalidArgumentError && error.field === field;
      const before = await client.counts();
      await assert.rejects(client.submitTask({ type: "x", payload: {}, runAt: given }), refused("run_at"));
      await assert.rejects(client.listTasks({ since: given }).toArray(), refused("since"));
      assert.deepEqual(await client.counts(), before);
    });
  }
});

for (const kind of ["store", "server"]) {
  test(`the workers of a ${kind} are listed`, async () => {
    const server = kind === "server" ? await TestServer.start("memory:", { clock: new ManualClock() }) : undefined;
    const client = server ? await connect(server.url) : new TestClient();
    assert.deepEqual(await client.workers(), []);
    const handlers = { mail: { run: async () => null, maxRetries: 2, retry: { initialDelay: 5 } } };
    const options = { workerId: "w-1", queues: ["out"], concurrency: 3, metadata: { zone: "a" }, defaultHandler: async () => 1 };
    const worker = client.worker(handlers, options);
    const ended = worker.run();
    let listed;
    // It announces itself while it takes its first task.
    do listed = await client.workers();
    while (listed.length === 0);
    const [{ host, holds, ...info }, ...others] = listed;
    assert.deepEqual(others, []);
    assert.match(host, new RegExp(`:${process.pid}$`));
    assert.equal(typeof holds, "number");
    assert.deepEqual([...info.handlers].sort(), ["", "mail"]);
    assert.deepEqual(info.declared.mail.maxRetries, 2);
    assert.deepEqual(info.declared.mail.initialDelaySeconds, 5);
    const { handlers: _, declared: __, ...rest } = info;
    const told = { workerId: "w-1", queues: ["out"], concurrency: 3, seenAt: later(0), deaf: false, metadata: { zone: "a" } };
    assert.deepEqual(rest, told);
    await worker.drain();
    await ended;
    while ((await client.workers()).length > 0);
    await client.close();
    await server?.stop();
  });
}

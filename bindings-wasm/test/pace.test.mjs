// How often a page asks: what is asked about together, and what waits in the outbox.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Client, errors } from "../dist/index.js";
import { Lanes } from "../dist/observe/lanes.js";
import { pauseAfter } from "../dist/outbox/sender.js";

test("tasks without a stream are asked about once a second, also after all of them had left", async (t) => {
  const client = new Client("memory:");
  t.after(() => client.close());
  const { taskId } = await client.submitTask({ type: "x", payload: 1 });
  const asked = [];
  const ask = client.getBatchStatus.bind(client);
  client.getBatchStatus = (ids) => {
    const answered = ask(ids);
    asked.push(answered);
    return answered;
  };
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const lanes = new Lanes(() => client);
  const poll = () => lanes.poll({ taskId, told: () => {}, failed: (error) => assert.fail(error), free: () => {} });
  const passes = async (milliseconds) => {
    mock.timers.tick(milliseconds);
    await Promise.all(asked);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const leave = poll();
  mock.timers.tick(0);
  assert.equal(asked.length, 1);
  // The last one leaves while its question is under way, and another one comes.
  leave();
  const leaveAgain = poll();
  await passes(0);
  for (let second = 0; second < 3; second++) {
    const before = asked.length;
    await passes(1_000);
    assert.equal(asked.length, before + 1);
  }
  leaveAgain();
  const before = asked.length;
  await passes(5_000);
  assert.equal(asked.length, before, "nobody is left to ask for");
});

test("what a server asks to wait is waited, but for an hour at most", () => {
  const after = (seconds) => pauseAfter(errors.fromCode("rate_limited", "busy", { retry_after_seconds: seconds }), 1_000);
  assert.equal(after(30), 30_000);
  // Above 2^31 milliseconds a timer would end at once, and the next attempt follow without a pause.
  for (const far of [86_400, 3e6, 1e300, Infinity]) assert.equal(after(far), 3_600_000);
  for (const none of [0, -5]) assert.ok(after(none) >= 750);
  assert.ok(pauseAfter(new Error("no network"), 2_000) >= 1_500);
});

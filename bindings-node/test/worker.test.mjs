// Workers: what handlers may do, and how they end.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Cancel, Fail, Retry, Snooze, connect } from "windlass";

async function run(handlers, options, use) {
  const client = await connect("memory:");
  const worker = client.worker(handlers, options);
  const ended = worker.run();
  try {
    return await use(client, worker);
  } finally {
    await worker.drain();
    await ended;
    await client.close();
  }
}

const ended = async (client, task) => client.waitForTask((await client.submitTask({ payload: {}, ...task })).taskId, { timeout: 30_000 });

test("as many handlers run at once as concurrency says", async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers?.() ?? (() => { let resolve; const promise = new Promise((r) => (resolve = r)); return { promise, resolve }; })();
  const wait = async () => {
    most = Math.max(most, ++running);
    if (running === 3) gate.resolve();
    await gate.promise;
    running--;
  };
  await run({ wait }, { concurrency: 3 }, async (client) => {
    const { taskIds } = await client.submitBatch(Array.from({ length: 9 }, () => ({ payload: {} })), { type: "wait" });
    const all = await client.waitForBatch(taskIds, { timeout: 30_000 });
    assert.ok(all.every((one) => one.status === "completed"));
  });
  assert.equal(most, 3);
});

for (const [what, thrown] of [["a text", "plain"], ["nothing", undefined], ["null", null], ["an object", { a: 1 }]]) {
  test(`a handler that throws ${what} fails its attempt`, async () => {
    const one = await run({ x: async () => { throw thrown; } }, {}, (client) => ended(client, { type: "x", maxRetries: 0 }));
    assert.deepEqual([one.status, one.error.code], ["failed", "handler_error"]);
  });
}

test("a handler that returns nothing completes with null", async () => {
  const one = await run({ x: async () => undefined }, {}, (client) => ended(client, { type: "x" }));
  assert.deepEqual([one.status, one.result], ["completed", null]);
});

test("a result that is no JSON fails its own task and no other", async () => {
  await run({ bad: async () => 1n, good: async () => 1 }, {}, async (client) => {
    const bad = await ended(client, { type: "bad", maxRetries: 0 });
    assert.deepEqual([bad.status, bad.error.code], ["failed", "invalid_payload"]);
    assert.equal((await ended(client, { type: "good" })).result, 1);
  });
});

test("an attempt that failed is run again", async () => {
  const seen = [];
  const flaky = async (_, ctx) => {
    seen.push(ctx.attempt);
    if (ctx.attempt < 3) throw new Error("not yet");
    return ctx.taskId;
  };
  const one = await run({ flaky }, {}, (client) => ended(client, { type: "flaky", retry: { maxRetries: 3, initialDelay: 0 } }));
  assert.equal(one.result, one.taskId);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("a cancel reaches the handler as its signal", async () => {
  await run(
    {
      long: async (_, ctx) => {
        ctx.progress(1);
        await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
      },
    },
    {},
    async (client) => {
      const { taskId } = await client.submitTask({ type: "long", payload: {} });
      for await (const update of client.streamTask(taskId)) {
        if (update.status === "running") await client.cancelTask(taskId);
      }
      assert.equal((await client.getTaskStatus(taskId)).status, "cancelled");
    },
  );
});

for (const how of ["throws", "returns"]) {
  test(`a handler ${how} what is to happen`, async () => {
    const say = (outcome) => {
      if (how === "throws") throw outcome;
      return outcome;
    };
    const seen = [];
    const handlers = {
      again: async (_, ctx) => (seen.push(ctx.attempt), ctx.attempt < 2 ? say(new Retry("busy", { after: 0 })) : "done"),
      later: async (_, ctx) => (seen.push(ctx.attempt), seen.length < 4 ? say(new Snooze(0)) : "awake"),
      never: async () => say(new Cancel("not wanted")),
      broken: async () => say(new Fail("no such thing")),
    };
    await run(handlers, {}, async (client) => {
      assert.equal((await ended(client, { type: "again" })).result, "done");
      // A snooze is no attempt.
      assert.equal((await ended(client, { type: "later" })).result, "awake");
      assert.deepEqual(seen, [1, 2, 1, 1]);
      assert.equal((await ended(client, { type: "never" })).status, "cancelled");
      const broken = await ended(client, { type: "broken" });
      assert.deepEqual([broken.status, broken.error.message, broken.error.retryable], ["failed", "no such thing", false]);
    });
  });
}

test("an outcome of the other build says the same", async () => {
  const cjs = createRequire(import.meta.url)("windlass");
  const x = async () => {
    throw new cjs.Fail("for good");
  };
  const one = await run({ x }, {}, (client) => ended(client, { type: "x" }));
  assert.deepEqual([one.status, one.error.message, one.error.errorType], ["failed", "for good", "Fail"]);
});

test("an error that cannot be read fails its attempt only", async () => {
  const x = async () => {
    throw Object.defineProperty(new Error(), "message", { get: () => { throw new Error("not this either"); } });
  };
  const one = await run({ x }, {}, (client) => ended(client, { type: "x", maxRetries: 0 }));
  assert.deepEqual([one.status, one.error.code], ["failed", "handler_error"]);
});

test("an attempt that lasts too long times out", async () => {
  let reason;
  const x = (_, ctx) => new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(((reason = ctx.cancelReason), ctx.signal.reason))));
  const one = await run({ x }, {}, (client) => ended(client, { type: "x", timeout: 0.05, maxRetries: 0 }));
  assert.deepEqual([one.status, one.error.code, reason], ["failed", "task_timeout", "timeout"]);
});

test("a handler that blocks the loop for longer than its lease keeps its task", async () => {
  const attempts = [];
  const x = async (_, ctx) => {
    attempts.push(ctx.attempt);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
    return "held";
  };
  const one = await run({ x }, { lease: 1 }, (client) => ended(client, { type: "x" }));
  assert.deepEqual([one.result, attempts], ["held", [1]]);
});

test("a schema of the shared kind says what fits", async () => {
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => (typeof value?.n === "number" ? { value: { n: value.n + 1 } } : { issues: [{ message: "must be a number", path: ["n"] }] }),
    },
  };
  await run({ x: { run: async ({ n }) => n, schema } }, {}, async (client) => {
    assert.equal((await ended(client, { type: "x", payload: { n: 1 } })).result, 2);
    const misfit = await ended(client, { type: "x", payload: { n: "1" } });
    assert.deepEqual([misfit.status, misfit.error.code], ["failed", "invalid_payload"]);
    assert.match(misfit.error.message, /n: must be a number/);
  });
});

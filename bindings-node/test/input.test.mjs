// Bad input: a typed error that names the field, nothing stored, no crash.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { InvalidArgumentError, InvalidPayloadError, connect } from "windlass";

let client;
before(async () => {
  client = await connect("memory:");
});
after(() => client.close());

const cycle = {};
cycle.self = cycle;

for (const [what, payload] of [
  ["a cycle", cycle],
  ["a BigInt", { n: 1n }],
  ["a function", () => 1],
  ["a symbol", Symbol("x")],
]) {
  test(`${what} is no payload`, async () => {
    const error = await client.submitTask({ type: "x", payload }).catch((error) => error);
    assert.ok(error instanceof InvalidPayloadError, String(error));
    assert.equal(error.field, "payload");
    assert.deepEqual(await client.counts(), []);
  });
}

for (const [options, field] of [
  [{ priority: "urgent" }, "priority"],
  [{ priority: 2.5 }, "priority"],
  [{ timeout: -1 }, "timeout_seconds"],
  [{ queue: "" }, "queue"],
  [{ labels: { a: [1] } }, "labels"],
  [{ prioritty: 1 }, "prioritty"],
  [{ retry: { jitters: 1 } }, "retry.jitters"],
]) {
  test(`${JSON.stringify(options)} is refused by name`, async () => {
    const error = await client.submitTask({ type: "x", payload: {}, ...options }).catch((error) => error);
    assert.ok(error instanceof InvalidArgumentError, String(error));
    assert.equal(error.field, field);
    assert.deepEqual(await client.counts(), []);
  });
}

test("a URL of no store is refused", async () => {
  await assert.rejects(async () => connect("ftp://host"), { code: "invalid_url" });
  await assert.rejects(async () => connect("memory:", { colour: 1 }), { code: "invalid_argument" });
});

test("text of every kind comes back as it was", async () => {
  const payload = { emoji: "\u{1F9F5}", zero: "\0", lone: "é", big: Number.MAX_SAFE_INTEGER, tiny: 5e-324, list: [[], {}, null, ""] };
  const { taskId } = await client.submitTask({ type: "text", payload });
  assert.deepEqual((await client.getTask(taskId)).payload, payload);
});

test("a signal that is aborted before a submit stores nothing", async () => {
  const before = await client.counts();
  const submitted = client.submitTask({ type: "y", payload: {} }, { signal: AbortSignal.abort() });
  await assert.rejects(submitted, { name: "AbortError" });
  assert.deepEqual(await client.counts(), before);
});

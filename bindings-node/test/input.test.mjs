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
const ring = [1];
ring.push({ ring });
// Each object is reached by twice as many ways as the one above it.
const knot = [{}, {}];
for (const one of knot) Object.assign(one, { a: knot[0], b: knot[1] });

// Each with what the message must name.
const NO_JSON = {
  "a cycle": [cycle, /self is circular/],
  "a cycle of lists": [{ ring }, /ring\[1\]\.ring is circular/],
  "a knot": [knot, /\[0\]\.a is circular/],
  "a BigInt": [{ n: 1n }, /n is a BigInt/],
  undefined: [undefined, /undefined/],
  "undefined in a list": [{ list: [1, undefined] }, /list\[1\] is undefined/],
  "undefined in an object": [{ a: { b: undefined } }, /a\.b is undefined/],
  "a hole": [[1, , 3], /\[1\] is undefined/],
  "a function": [() => 1, /a function/],
  "a function within": [{ run() {} }, /run is a function/],
  "a symbol": [Symbol("x"), /a symbol/],
  NaN: [{ n: NaN }, /n is NaN/],
  infinity: [[-Infinity], /-Infinity/],
  "a map": [{ map: new Map([["a", 1]]) }, /map is a Map/],
  "a typed array": [{ bytes: new Uint8Array(2) }, /bytes is binary data \(Uint8Array\).* base64/],
  "a buffer of Node": [{ bytes: Buffer.from("a") }, /bytes is binary data \(Buffer\).* base64/],
  "binary data": [[new ArrayBuffer(2)], /\[0\] is binary data \(ArrayBuffer\)/],
  "a view of it": [new DataView(new ArrayBuffer(2)), /the value is binary data \(DataView\)/],
  "an invalid date": [{ at: new Date(NaN) }, /at is an invalid Date/],
  "a toJSON that throws": [{ toJSON: () => { throw new Error("not today"); } }, /not today/],
  "a toJSON that has none": [{ toJSON: () => undefined }, /undefined/],
  "a getter that throws": [{ get a() { throw new Error("not this"); } }, /not this/],
};

for (const [what, [payload, reason]] of Object.entries(NO_JSON)) {
  test(`${what} is no payload`, async () => {
    const batch = () => client.submitBatch([{ payload: 1 }, { payload }], { type: "x" });
    for (const submit of [() => client.submitTask({ type: "x", payload }), batch]) {
      const error = await submit().catch((error) => error);
      assert.ok(error instanceof InvalidPayloadError, String(error));
      assert.equal(error.field, "payload");
      assert.match(error.reason, reason);
      assert.deepEqual(await client.counts(), []);
    }
  });
}

test("what is no JSON is no result either: its task fails, and no other", async () => {
  const other = await connect("memory:");
  const cases = Object.entries(NO_JSON).filter(([what]) => what !== "undefined");
  const worker = other.worker({ x: async (n) => cases[n][1][0], good: async () => "good" }, { concurrency: 2 });
  const ended = worker.run();
  const { taskIds } = await other.submitBatch(cases.map((_, n) => ({ payload: n })), { type: "x" });
  for (const [n, task] of (await other.waitForBatch(taskIds, { timeout: 60_000 })).entries()) {
    assert.deepEqual([task.status, task.error.code, task.attempt], ["failed", "invalid_payload", 1], cases[n][0]);
    assert.match(task.error.message, cases[n][1][1]);
  }
  const { taskId } = await other.submitTask({ type: "good", payload: {} });
  assert.equal(await other.result(taskId, { timeout: 60_000 }), "good");
  await worker.drain();
  await ended;
  await other.close();
});

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

for (const [verb, field, record] of [
  ["lease", "request", { limit: 1n }],
  ["renew", "renewals", [{ extend_seconds: 1n }]],
  ["settle", "settles", [cycle]],
  ["settle", "settles", undefined],
]) {
  test(`${verb} by hand with ${record === undefined ? "nothing" : "what has no JSON text"} is refused with its field`, async () => {
    await assert.rejects(client[verb](record), (error) => error instanceof InvalidArgumentError && error.fields.field === field);
  });
}

// What a server will not have stays, and what is not for it never goes there.
import assert from "node:assert/strict";

import { Stage, bounded as test, tab } from "./stage.mjs";

async function scene(t, options = {}) {
  const stage = new Stage(t);
  const server = await stage.server(options);
  const relay = await stage.relay(server.url);
  const pages = await stage.pages();
  const page = await tab(await stage.context(), pages.url);
  const there = stage.client(server.url, options.key === undefined ? {} : { apiKey: options.key });
  return { stage, server, relay, pages, page, there };
}

/** The entries of `globalThis.client` as soon as `met`, a function's text, holds for them. */
const entries = (page, met) =>
  page.evaluate(async (met) => {
    const holds = new Function("entries", `return ${met}`);
    for (;;) {
      const found = await client.outbox.list();
      const plain = found.map(({ key, state, options, error, attempts }) => ({
        key,
        state,
        type: options.type,
        attempts,
        code: error?.code ?? null,
        fields: error?.fields ?? null,
        typed: error === null || error instanceof windlass.errors.WindlassError,
      }));
      if (holds(plain)) return plain;
      await new Promise((resolve) => {
        const stop = client.outbox.subscribe(() => (stop(), resolve()));
      });
    }
  }, met);

test("what the server refuses is kept with its error, and later tasks go on", async (t) => {
  const { relay, page, there } = await scene(t);
  await there.submitTask({ type: "note", payload: "taken", idempotencyKey: "mine" });
  const kept = await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client(url);
    const offline = true;
    // The first one comes before the code that could refuse it at once.
    await client.submitTask({ type: "note", payload: 1, priority: 99, idempotencyKey: "odd", offline });
    await client.submitTask({ type: "note", payload: "other", idempotencyKey: "mine", offline });
    await client.submitTask({ type: "note", payload: 2, idempotencyKey: "good", offline });
    const { taskId } = await client.outbox.sent("good");
    const why = await client.outbox.sent("odd").catch((error) => ({ code: error.code, field: error.fields.field }));
    return { taskId, why };
  }, relay.url);
  assert.deepEqual(kept.why, { code: "invalid_argument", field: "priority" });
  assert.equal((await there.getTask(kept.taskId)).payload, 2);
  const refused = await entries(page, "entries.length === 2");
  assert.deepEqual(refused.map(({ key, state, code, typed }) => ({ key, state, code, typed })), [
    { key: "odd", state: "refused", code: "invalid_argument", typed: true },
    { key: "mine", state: "refused", code: "idempotency_conflict", typed: true },
  ]);
  // Still there in a page that comes later, and not sent again by itself.
  const before = relay.submits.length;
  await page.reload();
  const later = await page.evaluate(async (url) => {
    globalThis.windlass = await import("/dist/index.js");
    globalThis.client = new windlass.Client(url);
    await client.outbox.sent((await client.submitTask({ type: "note", payload: 3, offline: true })).key);
    return (await client.outbox.list()).map(({ key }) => key);
  }, relay.url);
  assert.deepEqual(later, ["odd", "mine"]);
  assert.equal(relay.submits.length, before + 1);
});

test("a refused task is sent again when it is asked for, or taken out", async (t) => {
  const { relay, page, there } = await scene(t);
  let refuse = true;
  relay.decide = ({ method }) => (method === "POST" && refuse ? { status: 422, type: "application/problem+json", body: PROBLEM } : undefined);
  await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client(url);
    await client.submitTask({ type: "note", payload: 1, idempotencyKey: "one", offline: true });
    await client.submitTask({ type: "note", payload: 2, idempotencyKey: "two", offline: true });
  }, relay.url);
  await entries(page, "entries.every(({ state }) => state === 'refused')");
  refuse = false;
  const answers = await page.evaluate(async () => {
    const found = [await client.outbox.retry("one"), await client.outbox.retry("none")];
    const { taskId } = await client.outbox.sent("one");
    found.push(await client.outbox.remove("two"), await client.outbox.remove("two"));
    const gone = await client.outbox.sent("two").catch(({ code }) => code);
    return { found, taskId, gone, left: await client.outbox.list() };
  });
  assert.deepEqual(answers.found, [true, false, true, false]);
  assert.deepEqual([answers.gone, answers.left], ["invalid_argument", []]);
  assert.deepEqual((await there.listTasks()).map(({ taskId }) => taskId), [answers.taskId]);
});
const REFUSAL = { code: "invalid_payload", message: "no", details: { field: "payload", reason: "no" } };
const PROBLEM = JSON.stringify({ status: 422, code: "invalid_payload", detail: "no", error: REFUSAL });

test("a key that has run out keeps the tasks, and a new one sends them", async (t) => {
  const { relay, page, there } = await scene(t, { key: "right" });
  await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client({ endpoint: url, apiKey: "expired" });
    for (const n of [1, 2]) await client.submitTask({ type: "note", payload: n, idempotencyKey: `k${n}`, offline: true });
  }, relay.url);
  const waiting = await entries(page, "entries[0].attempts > 0");
  assert.deepEqual(waiting.map(({ state, code }) => [state, code]), [["waiting", "authentication_failed"], ["waiting", null]]);
  await page.evaluate(async (url) => {
    await client.close();
    globalThis.client = new windlass.Client({ endpoint: url, apiKey: "right" });
    await Promise.all([client.outbox.sent("k1"), client.outbox.sent("k2")]);
  }, relay.url);
  assert.deepEqual((await there.listTasks()).reverse().map(({ payload }) => payload), [1, 2]);
});

test("a client with a new key goes on in another tab while the old one lives", async (t) => {
  const { relay, pages, page, there } = await scene(t, { key: "right" });
  await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client({ endpoint: url, apiKey: "expired" });
    await client.submitTask({ type: "note", payload: 1, idempotencyKey: "k1", offline: true });
  }, relay.url);
  const [{ code }] = await entries(page, "entries[0].attempts > 2");
  assert.equal(code, "authentication_failed");
  // The old client pauses for seconds now. Another profile would not share the outbox.
  const next = await tab(page.context(), pages.url);
  await next.evaluate(async (url) => {
    globalThis.client = new windlass.Client({ endpoint: url, apiKey: "right" });
    await client.submitTask({ type: "note", payload: 2, idempotencyKey: "k2", offline: true });
    await Promise.all([client.outbox.sent("k1"), client.outbox.sent("k2")]);
  }, relay.url);
  assert.deepEqual((await there.listTasks()).reverse().map(({ payload }) => payload), [1, 2]);
  // The page with the old key learns that there is nothing left to send.
  await entries(page, "entries.length === 0");
});

test("what is no answer of a Windlass server refuses nothing", async (t) => {
  const { relay, page, there } = await scene(t);
  // A network that wants a password first, and one whose proxy does not like the request.
  const answers = [{ status: 200, body: "<h1>Welcome</h1>" }, { status: 400, type: "text/plain", body: "no" }];
  let portal = answers[0];
  relay.decide = ({ method }) => (method === "POST" ? portal : undefined);
  await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client(url);
    await client.submitTask({ type: "note", payload: 1, idempotencyKey: "k", offline: true });
  }, relay.url);
  for (const [n, answer] of answers.entries()) {
    portal = answer;
    const [entry] = await entries(page, `entries[0].attempts > ${n} && entries[0].fields.status_code === ${answer.status}`);
    assert.deepEqual([entry.state, entry.code], ["waiting", "api_error"]);
  }
  portal = undefined;
  await page.evaluate(() => client.outbox.sent("k"));
  assert.equal((await there.listTasks()).length, 1);
});

test("what something before the server refuses as too large is refused", async (t) => {
  const { relay, page } = await scene(t);
  relay.decide = ({ method }) => (method === "POST" ? { status: 413, type: "text/plain", body: "no" } : undefined);
  await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client(url);
    await client.submitTask({ type: "note", payload: 1, idempotencyKey: "k", offline: true });
  }, relay.url);
  const [entry] = await entries(page, "entries[0].state === 'refused'");
  assert.deepEqual([entry.code, entry.fields.status_code], ["api_error", 413]);
});

test("what is nested too deeply is refused at once, however deeply", async (t) => {
  const { relay, page } = await scene(t);
  await relay.close();
  const told = await page.evaluate(async (url) => {
    const client = new windlass.Client(url);
    const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    const submit = (options) => client.submitTask({ type: "note", offline: true, ...options }).then(
      () => "kept",
      ({ code, fields }) => [code, fields?.field],
    );
    const found = [await submit({ payload: nested(127), idempotencyKey: "k" }), await submit({ payload: nested(127), idempotencyKey: "k" })];
    for (const levels of [128, 1000, 4000, 5000, 7000]) found.push(await submit({ payload: nested(levels) }));
    found.push(await submit({ payload: ["[".repeat(500)], metadata: { deep: nested(127) } }));
    return { found, left: (await client.outbox.list()).length };
  }, relay.url);
  assert.deepEqual(told.found, ["kept", "kept", ...Array(5).fill(["invalid_payload", "payload"]), ["invalid_payload", "metadata"]]);
  assert.equal(told.left, 1);
});

test("tasks of one server, tenant or name never go to another", async (t) => {
  const { stage, relay, page, there } = await scene(t);
  const other = await stage.server();
  const elsewhere = stage.client(other.url);
  await relay.close();
  await page.evaluate(
    async ([url, other]) => {
      const keep = (client, mark) => client.submitTask({ type: "note", payload: mark, offline: true });
      globalThis.away = new windlass.Client(url);
      await keep(away, "away");
      globalThis.a = new windlass.Client({ endpoint: other, tenantId: "a" });
      globalThis.b = new windlass.Client({ endpoint: other, tenantId: "b" });
      globalThis.named = new windlass.Client(other, { outbox: { name: "ann" } });
      globalThis.plain = new windlass.Client(other);
      const told = [];
      for (const [client, mark] of [[a, "a"], [b, "b"], [named, "named"], [plain, "plain"]]) {
        told.push([client, (await keep(client, mark)).key]);
      }
      for (const [client, key] of told) await client.outbox.sent(key);
    },
    [relay.url, other.url],
  );
  const tenant = async (tenantId) => (await stage.client(other.url, { tenantId }).listTasks()).map(({ payload }) => payload);
  assert.deepEqual(await tenant("a"), ["a"]);
  assert.deepEqual(await tenant("b"), ["b"]);
  assert.deepEqual((await elsewhere.listTasks()).map(({ payload }) => payload).sort(), ["named", "plain"]);
  const left = await page.evaluate(async () => {
    const all = await Promise.all([away, a, b, named, plain].map((client) => client.outbox.list()));
    return all.map((entries) => entries.map(({ options }) => options.payload));
  });
  assert.deepEqual(left, [["away"], [], [], [], []]);
  const [{ key }] = await page.evaluate(() => away.outbox.list());
  await relay.open();
  await page.evaluate((key) => away.outbox.sent(key), key);
  assert.deepEqual((await there.listTasks()).map(({ payload }) => payload), ["away"]);
});

test("what core refuses is refused without a server, at once when its code is there", async (t) => {
  const { relay, page } = await scene(t);
  await relay.close();
  const large = () =>
    page.evaluate(async (url) => {
      globalThis.client ??= new windlass.Client(url);
      const payload = "x".repeat(2 << 20);
      return client.submitTask({ type: "note", payload, offline: true }).then(
        () => null,
        ({ code, fields }) => [code, fields.field, fields.limit_bytes],
      );
    }, relay.url);
  assert.equal(await large(), null);
  // Now the code is there, as it had to look for the server.
  const kept = await entries(page, "entries[0].state === 'refused'");
  assert.deepEqual([kept.length, kept[0].code, kept[0].attempts], [1, "payload_too_large", 1]);
  assert.deepEqual(await large(), ["payload_too_large", "payload", 1 << 20]);
  assert.equal((await entries(page, "true")).length, 1);
});

test("one key is one task in the outbox, too", async (t) => {
  const { relay, page } = await scene(t);
  await relay.close();
  const told = await page.evaluate(async (url) => {
    const client = new windlass.Client(url);
    const submit = (payload) => client.submitTask({ type: "note", payload, idempotencyKey: "k", offline: true });
    await submit({ a: 1, b: [2] });
    const again = await submit({ b: [2], a: 1 });
    const other = await submit({ a: 2 }).catch((error) => [error.code, error instanceof windlass.IdempotencyConflictError]);
    return { again, other, left: (await client.outbox.list()).length };
  }, relay.url);
  assert.deepEqual(told, {
    again: { taskId: null, queued: true, key: "k" },
    other: ["idempotency_conflict", true],
    left: 1,
  });
});

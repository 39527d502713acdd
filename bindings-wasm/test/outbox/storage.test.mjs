// Storage that is full, forbidden, of another version, or taken away: a typed error, and nothing pretended.
import assert from "node:assert/strict";

import { EMPTY, Stage, tab, bounded as test } from "./stage.mjs";

/** An address where nobody answers. */
const NOBODY = "http://127.0.0.1:9";

async function scene(t, documents) {
  const stage = new Stage(t);
  const pages = await stage.pages({}, { "/": EMPTY, ...documents });
  const context = await stage.context();
  return { stage, pages, context };
}

/** Submits offline; the error's code and fields, or `null`. In a page. */
const REFUSED = `async (client, payload, more = {}) => {
  try {
    await client.submitTask({ type: "note", payload, offline: true, ...more });
    return null;
  } catch (error) {
    return { code: error.code, fields: error.fields, typed: error instanceof windlass.errors.WindlassError };
  }
}`;

const refused = (page, payload) =>
  page.evaluate(
    async ([url, submit, payload]) => {
      globalThis.client ??= new windlass.Client(url);
      return (0, eval)(submit)(client, payload);
    },
    [NOBODY, REFUSED, payload],
  );

test("full storage is an error, and what was kept before stays", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: pages.url, quotaSize: 300_000 });
  assert.equal(await refused(page, "small"), null);
  const told = await refused(page, "x".repeat(900_000));
  assert.deepEqual(told, { code: "store_full", fields: { location: "indexeddb:windlass-outbox" }, typed: true });
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: pages.url });
  assert.equal(await refused(page, "y".repeat(900_000)), null);
  const kept = await page.evaluate(async () => (await client.outbox.list()).map(({ options }) => options.payload[0]));
  assert.deepEqual(kept, ["s", "y"]);
});

test("forbidden storage is an error, and the client works on without it", async (t) => {
  const framed = '<!doctype html><iframe sandbox="allow-scripts" src="/within"></iframe>';
  const within = '<!doctype html><script type="module">globalThis.windlass = await import("/dist/index.js"); document.title = "ready"</script>';
  const { stage, pages, context } = await scene(t, { "/framed": framed, "/within": within });
  const server = await stage.server();
  const page = await context.newPage();
  await page.goto(`${pages.url}/framed`);
  // A frame without an origin of its own may store nothing, as pages of a private window may not.
  const frame = page.frames().find((one) => one.url().endsWith("/within"));
  await frame.waitForFunction(() => document.title === "ready");
  const told = await frame.evaluate(
    async ([url, submit]) => {
      const client = new windlass.Client(url);
      const told = await (0, eval)(submit)(client, 1);
      const { taskId } = await client.submitTask({ type: "note", payload: 2 });
      const list = await client.outbox.list().catch(({ code }) => code);
      return { code: told.code, operation: told.fields.operation, typed: told.typed, taskId, list };
    },
    [server.url, REFUSED],
  );
  assert.deepEqual({ ...told, taskId: undefined }, {
    code: "store_unavailable",
    operation: "outbox",
    typed: true,
    taskId: undefined,
    list: "store_unavailable",
  });
  assert.equal((await stage.client(server.url).getTask(told.taskId)).payload, 2);
});

test("where there is no storage at all, as in Node, it is an error", async (t) => {
  const { Client, StoreUnavailableError } = await import("../../dist/index.js");
  const client = new Client(NOBODY);
  t.after(() => client.close());
  await assert.rejects(client.submitTask({ type: "note", payload: 1, offline: true }), (error) => {
    assert.ok(error instanceof StoreUnavailableError);
    assert.match(error.reason, /no IndexedDB/);
    return true;
  });
});

test("an outbox of a newer version is left alone", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("windlass-outbox", 7);
        request.onupgradeneeded = () => request.result.createObjectStore("other");
        request.onsuccess = () => (request.result.close(), resolve());
        request.onerror = () => reject(request.error);
      }),
  );
  const fields = { location: "indexeddb:windlass-outbox", found: 7, supported: 1 };
  assert.deepEqual(await refused(page, 1), { code: "schema_incompatible", fields, typed: true });
});

test("storage that is cleared while the page is open is made anew", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  assert.equal(await refused(page, 1), null);
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("windlass-outbox");
        request.onsuccess = resolve;
        request.onblocked = () => reject(new Error("the page holds on to it"));
      }),
  );
  assert.equal(await refused(page, 2), null);
  const kept = await page.evaluate(async () => (await client.outbox.list()).map(({ options }) => options.payload));
  assert.deepEqual(kept, [2]);
});

test("what is no JSON, or no task, is refused before anything is stored", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  const told = await page.evaluate(
    async ([url, submit]) => {
      globalThis.client = new windlass.Client(url);
      const refused = (0, eval)(submit);
      const cycle = {};
      cycle.cycle = cycle;
      const all = [
        await refused(client, Number.NaN),
        await refused(client, { n: 1n }),
        await refused(client, undefined),
        await refused(client, cycle),
        await refused(client, 1, { teeRequired: true }),
        await refused(client, 1, { idempotencyKey: "" }),
        await refused(client, 1, { idempotencyKey: 7 }),
        await refused(client, 1, { offline: "yes" }),
      ];
      return { codes: all.map((one) => one?.code), left: (await client.outbox.list()).length };
    },
    [NOBODY, REFUSED],
  );
  const payload = "invalid_payload";
  const argument = "invalid_argument";
  assert.deepEqual(told.codes, [payload, payload, payload, payload, "not_implemented", argument, argument, argument]);
  assert.equal(told.left, 0);
});

test("an engine in the page has no outbox", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  const told = await page.evaluate(
    ([submit]) => (0, eval)(submit)(new windlass.Client("memory:"), 1),
    [REFUSED],
  );
  assert.deepEqual([told.code, told.fields.field], ["invalid_argument", "offline"]);
});

test("a page that never used the outbox gets no database", async (t) => {
  const { pages, context } = await scene(t);
  const page = await tab(context, pages.url);
  const names = await page.evaluate(async (url) => {
    const client = new windlass.Client(url);
    await client.outbox.resume();
    return (await indexedDB.databases()).map(({ name }) => name);
  }, NOBODY);
  assert.deepEqual(names, []);
});

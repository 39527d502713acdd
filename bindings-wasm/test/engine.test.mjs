// The engine in the page: the same flows as in Node, what it fetches, and where it may run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";

const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'";
const WORKER = `
import { connect } from "/dist/index.js";
const client = await connect("memory:");
const worker = client.worker({ double: async ({ n }) => 2 * n });
const ended = worker.run();
const { taskId } = await client.submitTask({ type: "double", payload: { n: 21 } });
const result = await client.result(taskId);
await worker.drain();
await ended;
postMessage(result);
`;
const SCRIPT = { body: WORKER, type: "text/javascript" };
// No inline script runs under the policy: the page's own is a file.
const RUN = {
  body: `${WORKER.replace("postMessage(result)", "document.title = String(result)")}`,
  type: "text/javascript",
};
const CATCH = {
  body: `
import { connect } from "/dist/index.js";
await connect("memory:").catch(({ code, message }) => (document.title = code + " " + message));`,
  type: "text/javascript",
};
const page = (script) => `<!doctype html><html lang="en"><title>waits</title><script type="module" src="${script}"></script>`;

let place;
before(async () => {
  const headers = (path) => {
    if (path === "/strict" || path === "/dist/strict.js") return { "Content-Security-Policy": `${POLICY} 'wasm-unsafe-eval'` };
    return path === "/stricter" ? { "Content-Security-Policy": POLICY } : {};
  };
  place = await stage(headers, {
    "/worker.js": SCRIPT,
    "/run.js": RUN,
    "/catch.js": CATCH,
    "/strict": page("/run.js"),
    "/stricter": page("/catch.js"),
  });
});
after(() => place?.close());

/** What a page fetched of wasm since it was opened. */
const wasm = (asked) => asked.filter((path) => path.includes("/wasm/")).sort();

test("nothing is fetched before the first call, and then what it needs", async () => {
  // PKG-04
  const page = await place.open();
  const since = place.site.requests.length;
  const asked = () => wasm(place.site.requests.slice(since));
  await page.evaluate(async () => {
    const { Client } = await import("/dist/index.js");
    globalThis.client = new Client("memory:");
  });
  assert.deepEqual(asked(), []);
  // What most pages do needs the engine's first file alone.
  const done = await page.evaluate(async () => {
    const worker = client.worker({ double: async (n) => 2 * n });
    const ended = worker.run();
    const { taskId } = await client.submitTask({ type: "double", payload: 21 });
    const result = await client.result(taskId);
    for await (const _ of client.streamTask(taskId));
    const { status } = await client.getTask(taskId);
    const other = await client.submitTask({ type: "none", payload: {} });
    await client.cancelTask(other.taskId);
    await worker.drain();
    await ended;
    return [result, status, client.location];
  });
  assert.deepEqual(done, [42, "completed", "memory"]);
  const first = ["/dist/wasm/engine.js", "/dist/wasm/engine_bg.wasm"];
  assert.deepEqual(asked(), first);
  // What few do fetches the second, once.
  assert.equal(await page.evaluate(async () => (await client.counts()).length), 2);
  await page.evaluate(async () => (await client.listTasks()).length);
  const second = [...first, "/dist/wasm/engine_seldom_bg.wasm"].sort();
  assert.deepEqual(asked(), second);
  // A second client fetches nothing.
  await page.evaluate(async () => (await (await import("/dist/index.js")).connect("memory:")).close());
  assert.deepEqual(asked(), second);
  assert.deepEqual(page.said, []);
});

test("a task is submitted, worked, followed and waited for", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect, Retry } = await import("/dist/index.js");
    const client = await connect("memory:");
    const worker = client.worker(
      {
        report: async ({ lines }, ctx) => {
          ctx.progress(50, "half");
          ctx.log(`${lines} lines`);
          return { lines, attempt: ctx.attempt };
        },
        flaky: async (_, ctx) => (ctx.attempt < 3 ? new Retry("busy", { after: 0 }) : "third"),
        broken: async () => {
          throw new RangeError("no such order");
        },
      },
      { concurrency: 4 },
    );
    const ended = worker.run();
    const { taskId } = await client.submitTask({ type: "report", payload: { lines: 3 }, labels: { env: "test" } });
    const kinds = [];
    for await (const { kind, status, seq } of client.streamTask(taskId)) kinds.push([seq, kind, status]);
    const { taskIds } = await client.submitBatch([{ type: "flaky", payload: {} }, { type: "broken", payload: {}, maxRetries: 0 }]);
    const batch = await client.waitForBatch(taskIds);
    const emitted = [];
    await new Promise((resolve) => {
      const stream = client.streamTask(taskIds[1]);
      stream.on("update", ({ status }) => emitted.push(status)).on("error", ({ code }) => resolve(emitted.push(code)));
    });
    const logs = await client.getTaskLogs(taskId);
    const listed = await client.listTasks({ labels: { env: "test" } });
    await worker.drain();
    await ended;
    await client.close();
    return {
      kinds,
      result: (await client.getTask(taskId).catch(({ code }) => code)),
      batch: batch.map(({ status, result, error }) => [status, result ?? error.errorType]),
      last: emitted.at(-1),
      logs: logs.map(({ message, level }) => [message, level]),
      listed: listed.map((task) => task.taskId === taskId),
    };
  });
  assert.deepEqual(told.kinds.map(([seq]) => seq), told.kinds.map((_, i) => i + 1));
  assert.deepEqual(told.kinds.at(-1).slice(1), ["status", "completed"]);
  assert.ok(told.kinds.some(([, kind]) => kind === "progress"));
  assert.equal(told.result, "client_closed");
  assert.deepEqual(told.batch, [["completed", "third"], ["failed", "RangeError"]]);
  assert.equal(told.last, "task_failed");
  assert.deepEqual(told.logs, [["3 lines", "info"]]);
  assert.deepEqual(told.listed, [true]);
  assert.deepEqual(page.said, []);
});

test("what happens to all tasks is told until the loop is left", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { Client } = await import("/dist/index.js");
    // Asked for before the engine is there: what comes after is heard all the same.
    const client = new Client("memory:");
    const events = client.events({ queue: "heard" });
    await client.submitTask({ type: "x", payload: {}, queue: "other" });
    const { taskId } = await client.submitTask({ type: "x", payload: {}, queue: "heard" });
    await client.cancelTask(taskId);
    const heard = [];
    for await (const event of events) {
      heard.push([event.taskId === taskId, event.status]);
      if (heard.length === 2) break;
    }
    await client.close();
    return heard;
  });
  assert.deepEqual(told, [[true, "pending"], [true, "cancelled"]]);
});

test("in a worker of the browser", async () => {
  const page = await place.open();
  const result = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      }),
  );
  assert.equal(result, 42);
});

test("under a policy that allows wasm and no eval", async () => {
  const page = await place.open("/strict");
  await page.waitForFunction(() => document.title === "42");
  assert.deepEqual(page.said, []);
});

test("a policy that allows no wasm is told with what to do", async () => {
  const page = await place.open("/stricter");
  await page.waitForFunction(() => document.title !== "waits");
  assert.match(await page.title(), /^store_unavailable .*'wasm-unsafe-eval'/);
});

test("code that could not be fetched is fetched by the next call", async () => {
  const page = await place.open();
  let cut = true;
  await page.route("**/*.wasm", (route) => (cut ? route.abort() : route.continue()));
  const connect = () =>
    page.evaluate(async () => {
      const { connect } = await import("/dist/index.js");
      return connect("memory:").then(
        (client) => client.counts(),
        ({ code, fields, retryable }) => [code, fields.operation, retryable],
      );
    });
  assert.deepEqual(await connect(), ["store_unavailable", "load engine", true]);
  cut = false;
  assert.deepEqual(await connect(), []);
});

test("so is what few ask for, and what was there goes on meanwhile", async () => {
  const page = await place.open();
  let cut = true;
  await page.route("**/engine_seldom_bg.wasm", (route) => (cut ? route.abort() : route.continue()));
  const tried = () =>
    page.evaluate(async () => {
      globalThis.client ??= await (await import("/dist/index.js")).connect("memory:");
      const { taskId } = await client.submitTask({ type: "none", payload: {} });
      const told = ({ code, fields, retryable }) => [code, fields.operation, retryable];
      const line = { type: "none", payload: {}, stateKey: "line" };
      return {
        task: (await client.getTask(taskId)).status,
        listed: await client.listTasks().then((tasks) => tasks.length, told),
        // Tasks of one line are looked after by that code: none is stored without it.
        line: await client.submitTask(line).then(({ status }) => status, told),
        next: await client.submitTask(line).then(({ status }) => status, told),
      };
    });
  const refused = ["store_unavailable", "load engine", true];
  assert.deepEqual(await tried(), { task: "pending", listed: refused, line: refused, next: refused });
  cut = false;
  assert.deepEqual(await tried(), { task: "pending", listed: 2, line: "pending", next: "blocked" });
});

test("while it is on its way nothing else waits, and a stream tells what happened meanwhile", async () => {
  const page = await place.open();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route("**/engine_seldom_bg.wasm", (route) => held.then(() => route.continue()));
  const statuses = await page.evaluate(async () => {
    const { Client } = await import("/dist/index.js");
    globalThis.client = new Client("memory:");
    globalThis.events = client.events({ queue: "heard" });
    const first = await client.submitTask({ type: "x", payload: {}, queue: "heard" });
    const updates = client.streamTask(first.taskId);
    const second = await client.submitTask({ type: "x", payload: {}, queue: "heard" });
    await client.cancelTask(first.taskId);
    for await (const { status } of updates) if (status === "cancelled") break;
    return [await client.getTask(first.taskId), await client.getTask(second.taskId)].map(({ status }) => status);
  });
  assert.deepEqual(statuses, ["cancelled", "pending"]);
  release();
  const told = await page.evaluate(async () => {
    const heard = [];
    for await (const { status } of events) if (heard.push(status) === 3) break;
    return heard.sort();
  });
  assert.deepEqual(told, ["cancelled", "pending", "pending"]);
});

test("a second file of another build is refused, and the first goes on", async () => {
  const page = await place.open();
  await page.route("**/engine_seldom_bg.wasm", async (route) => {
    const response = await route.fetch();
    // As that of another build: what the two share has another name.
    const body = Buffer.from((await response.body()).toString("latin1").replace(/(_shared0_)[0-9a-f]{12}/, "$1000000000000"), "latin1");
    await route.fulfill({ response, body });
  });
  const told = await page.evaluate(async () => {
    const client = await (await import("/dist/index.js")).connect("memory:");
    const { taskId } = await client.submitTask({ type: "none", payload: {} });
    const refused = await client.counts().catch(({ code, fields }) => [code, fields.reason]);
    await client.submitTask({ type: "none", payload: {} });
    return [refused, (await client.getTask(taskId)).status];
  });
  assert.equal(told[0][0], "store_unavailable");
  assert.match(told[0][1], /of two builds; load the page again$/);
  assert.equal(told[1], "pending");
});

test("a wait is ended by its signal, a stream by its loop", async () => {
  // GJS-09
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect, Client } = await import("/dist/index.js");
    const client = await connect("memory:");
    const { taskId } = await client.submitTask({ type: "none", payload: {} });
    const abort = new AbortController();
    const waits = client.waitForTask(taskId, { signal: abort.signal });
    abort.abort();
    const names = [await waits.catch(({ name }) => name)];
    // Before the code is there, too.
    const early = new AbortController();
    const first = new Client("memory:").submitTask({ type: "none", payload: {} }, { signal: early.signal });
    early.abort();
    names.push(await first.catch(({ name }) => name));
    names.push(await client.waitForTask(taskId, { timeout: 10 }).catch(({ code }) => code));
    for await (const _ of client.streamTask(taskId)) break;
    return names;
  });
  assert.deepEqual(told, ["AbortError", "AbortError", "worker_not_available"]);
  assert.deepEqual(page.said, []);
});

test("a loop of calls lets the page have its turns", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect } = await import("/dist/index.js");
    const client = await connect("memory:");
    let over = false;
    setTimeout(() => (over = true), 0);
    let calls = 0;
    while (!over) {
      await client.counts();
      calls++;
    }
    return calls;
  });
  assert.ok(told > 0);
});

test("a clock that is an hour off, and one that jumps, lose nothing", async () => {
  const run = async (jumps) => {
    const real = Date.now;
    const { connect } = await import("/dist/index.js");
    const client = await connect("memory:");
    const attempts = [];
    let gone;
    const worker = client.worker({
      long: async (_, ctx) => {
        attempts.push(ctx.attempt);
        ctx.progress(1);
        await gone;
        return "kept";
      },
    });
    const ended = worker.run();
    const outcomes = [];
    for (const jump of jumps) {
      let go;
      gone = new Promise((resolve) => (go = resolve));
      const { taskId } = await client.submitTask({ type: "long", payload: {}, delay: 0.05 });
      for await (const { kind } of client.streamTask(taskId)) if (kind === "progress") break;
      const before = Date.now;
      Date.now = () => before() + jump;
      // What sweeps by itself sees the other time, too.
      await client.sweep();
      go();
      const { status, result } = await client.waitForTask(taskId, { timeout: 30_000 });
      outcomes.push([status, result]);
    }
    Date.now = real;
    await worker.drain();
    await ended;
    return { outcomes, attempts };
  };
  for (const ahead of [3_600_000, -3_600_000]) {
    const page = await place.open("/", (page) =>
      page.addInitScript((ahead) => {
        const real = Date.now;
        Date.now = () => real() + ahead;
      }, ahead),
    );
    assert.deepEqual(await page.evaluate(run, [0]), { outcomes: [["completed", "kept"]], attempts: [1] });
  }
  // A lease that looks expired may be run again: delivery is at least once.
  const page = await place.open();
  const { outcomes, attempts } = await page.evaluate(run, [3_600_000, -3_600_000]);
  assert.deepEqual(outcomes, Array(2).fill(["completed", "kept"]));
  assert.ok(attempts.every((attempt) => attempt <= 2), String(attempts));
});

test("a payload that is no JSON is refused and changes nothing", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect, InvalidPayloadError } = await import("/dist/index.js");
    const client = await connect("memory:");
    const cycle = {};
    cycle.self = cycle;
    const refused = [];
    for (const payload of [undefined, 1n, NaN, () => 1, { at: new Map() }, cycle, { at: "\ud800" }]) {
      const submitted = client.submitTask({ type: "x", payload });
      refused.push(await submitted.then(() => "stored", (error) => error instanceof InvalidPayloadError && error.fields.field));
    }
    return [refused, await client.counts()];
  });
  assert.deepEqual(told, [Array(7).fill("payload"), []]);
});

test("leases by hand that have no JSON text are refused with a code", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect } = await import("/dist/index.js");
    const client = await connect("memory:");
    const code = (promise) => promise.then(String, (error) => `${error.code} ${error.fields.field}`);
    const renewal = { task_id: "x", token: 1n };
    return [await code(client.lease({ limit: 1n })), await code(client.renew([renewal])), await code(client.settle([renewal]))];
  });
  assert.deepEqual(told, ["invalid_argument request", "invalid_argument renewals", "invalid_argument settles"]);
  assert.deepEqual(page.said, []);
});

test("a broken invariant ends every call with an error, those under way and those to come", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { connect } = await import("/dist/index.js");
    const client = await connect("memory:");
    const code = (promise) => promise.then(String, (error) => error.code);
    const { taskId } = await client.submitTask({ type: "double", payload: {} });
    const waits = code(client.result(taskId));
    const stream = client.streamTask(taskId)[Symbol.asyncIterator]();
    const next = code(stream.next().then(() => stream.next()));
    await client.getTask(taskId);
    // Without chance there is no safe way to make an id.
    crypto.getRandomValues = () => {
      throw new Error("no chance");
    };
    const breaks = await code(client.submitTask({ type: "double", payload: {} }));
    return [breaks, await waits, await next, await code(client.getTask(taskId))];
  });
  assert.deepEqual(told, ["internal", "internal", "internal", "internal"]);
  assert.match(page.said.join(), /a broken invariant at .*:\d+/);
});

// A page and a real server on another origin: every flow, and what becomes of it when something is wrong.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

const KEY = "a-key-of-32-characters-or-so-0000";

let place, server;
before(async () => {
  place = await stage();
  server = await new Server("memory:", place.site.url).start();
});
after(async () => {
  await server?.kill();
  await place?.close();
});

/** Runs in a page that has a `client` of the server. */
async function inPage(run, { url = server.url, options = {}, given, prepare } = {}) {
  const page = await place.open("/", prepare);
  await page.evaluate(
    async ([url, options]) => {
      globalThis.windlass = await import("/dist/index.js");
      globalThis.client = new windlass.Client(url, options);
      /** The error's code, or what came instead. */
      globalThis.code = (promise) => promise.then((value) => value, (error) => error.code ?? String(error));
    },
    [url, options],
  );
  return { page, told: await page.evaluate(run, given) };
}

test("the client alone is fetched, and the server's address is told", async () => {
  const since = place.site.requests.length;
  const { told } = await inPage(async () => [await client.counts(), client.location]);
  assert.deepEqual(told, [[], server.url]);
  const asked = place.site.requests.slice(since).filter((path) => path.includes("/wasm/"));
  assert.deepEqual(asked.sort(), ["/dist/wasm/client.js", "/dist/wasm/client_bg.wasm"]);
});

test("what document 003 shows", async () => {
  // GJS-01, GJS-02, GJS-03, GJS-04, GJS-05, GJS-07, GJS-08, GJS-09, PKG-04, STR-02, STR-03, STR-04
  const { page, told } = await inPage(
    async (endpoint) => {
      const client = new windlass.Client({ endpoint: `${endpoint}/` });
      const worker = client.worker({
        sum: async ({ numbers }, ctx) => (ctx.progress(50, "half"), numbers.reduce((sum, number) => sum + number, 0)),
        fail: async () => Promise.reject(new RangeError("no such order")),
      });
      const ended = worker.run();
      const health = await client.clusterHealth();
      const options = {
        payload: { function: "sum", numbers: [1, 2, 3, 4, 5] },
        type: "stateless",
        priority: "high",
        timeout: 300,
        idempotencyKey: "process-123",
        labels: { env: "production" },
      };
      const { taskId } = await client.submitTask(options);
      const again = await client.submitTask(options);
      const done = await client.waitForTask(taskId, { timeout: 300_000, pollInterval: 2_000 });
      const { status, result } = await client.getTaskStatus(taskId);
      const heard = [];
      const stream = client.streamTask(taskId);
      await new Promise((resolve) => {
        stream.on("update", ({ timestamp, status }) => heard.push([Number.isNaN(new Date(timestamp).getTime()), status]));
        stream.on("completed", (result) => resolve(heard.push(result)));
      });
      stream.close();
      const failed = await client.submitTask({ type: "fail", payload: {}, maxRetries: 0 });
      const error = await code(client.result(failed.taskId));
      const abort = new AbortController();
      const open = await client.submitTask({ type: "nobody", payload: {} });
      const waits = client.waitForTask(open.taskId, { signal: abort.signal });
      abort.abort();
      const { name } = await waits.catch((error) => error);
      await client.cancelTask(open.taskId);
      await worker.drain();
      await ended;
      await client.close();
      return { health: [health.healthy, typeof health.nodes.active, health.queue.depth], again, taskId, done: [done.status, done.result], status, result, heard, error, name };
    },
    { given: server.url },
  );
  assert.deepEqual(told.health, [true, "number", 0]);
  assert.deepEqual([told.again.taskId, told.again.deduplicated], [told.taskId, true]);
  assert.deepEqual([told.done, told.status, told.result], [["completed", 15], "completed", 15]);
  assert.deepEqual(told.heard.at(-1), 15);
  assert.deepEqual(told.heard.at(-2), [false, "completed"]);
  assert.deepEqual([told.error, told.name], ["task_failed", "AbortError"]);
  assert.deepEqual(page.said.filter((line) => !line.startsWith("error: Failed to load resource")), []);
});

test("a tab works, and what it had when it was closed is done by another", async () => {
  const submit = async () => {
    const { taskId } = await client.submitTask({ type: "hold", payload: {}, queue: "tabs", retry: { maxRetries: 5, initialDelay: 0 } });
    const worker = client.worker({ hold: (_, ctx) => (ctx.progress(1), new Promise(() => {})) }, { queues: ["tabs"], lease: 1 });
    worker.run();
    for await (const { kind } of client.streamTask(taskId)) if (kind === "progress") return taskId;
  };
  const { page, told: taskId } = await inPage(submit);
  await page.context().close();
  const { told } = await inPage(
    async (taskId) => {
      const worker = client.worker({ hold: async () => "another tab" }, { queues: ["tabs"] });
      const ended = worker.run();
      const result = await client.result(taskId, { timeout: 50_000 });
      await worker.drain();
      await ended;
      return result;
    },
    { given: taskId },
  );
  assert.equal(told, "another tab");
});

for (const [way, leave] of Object.entries({
  "to nowhere": (page) => page.goto("about:blank"),
  "for another page of its site": (page) => page.goto(`${place.site.url}/?other`),
  "by a link": async (page) => {
    const there = page.waitForURL(/linked/);
    await page.evaluate(() => document.body.appendChild(Object.assign(document.createElement("a"), { href: "/?linked" })).click());
    await there;
  },
  "to be loaded again": (page) => page.reload(),
})) {
  test(`a page that is left ${way} gives back what its worker had, uncounted, and tells what had ended`, async () => {
    const queue = `l${way.length}`;
    const { page, told: ids } = await inPage(
      async (queue) => {
        const submit = async (type) => (await client.submitTask({ type, payload: {}, queue })).taskId;
        const ids = [await submit("hold"), await submit("end")];
        // It ends in the very turn in which the page goes.
        const gone = new Promise((resolve) => addEventListener("pagehide", () => resolve("ended")));
        const hold = (_, ctx) => (ctx.progress(1), new Promise(() => {}));
        const end = (_, ctx) => (ctx.progress(1), gone);
        // Long before such a lease runs out somebody else has the task.
        client.worker({ hold, end }, { queues: [queue], lease: 300 }).run();
        const begun = async (id) => {
          for await (const { kind } of client.streamTask(id)) if (kind === "progress") return;
        };
        await Promise.all(ids.map(begun));
        return ids;
      },
      { given: queue },
    );
    await leave(page);
    const { told } = await inPage(
      async ([queue, ids]) => {
        const again = async (_, ctx) => ctx.attempt;
        const worker = client.worker({ hold: again, end: again }, { queues: [queue] });
        const ended = worker.run();
        const results = await Promise.all(ids.map((id) => client.result(id, { timeout: 30_000 })));
        await worker.drain();
        await ended;
        return results;
      },
      { given: [queue, ids] },
    );
    assert.deepEqual(told, [1, "ended"]);
  });
}

test("workers of one page hand in at once what is together more than a browser lets outlive it", async () => {
  // In between is somebody who lets no call through before all are there.
  let arrived = 0;
  let pass;
  const all = new Promise((resolve) => (pass = resolve));
  const between = createServer(async (asked, answer) => {
    if (asked.method === "POST" && asked.url.endsWith("/leases/settle")) {
      if (++arrived === 3) pass();
      await all;
    }
    const { method, headers } = asked;
    const to = asked.url.startsWith("/api/") ? server.url : place.site.url;
    const passed = request(to + asked.url, { method, headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  after(() => (between.close(), between.closeAllConnections()));
  await once(between.listen(0, "127.0.0.1"), "listening");
  const page = await place.browser.newPage();
  await page.goto(`http://127.0.0.1:${between.address().port}/`);
  const told = await page.evaluate(
    async () => {
      const ask = globalThis.fetch;
      const refused = [];
      globalThis.fetch = (...args) => {
        const answer = ask(...args);
        if (String(args[0]).endsWith("/leases/settle")) answer.catch((error) => refused.push(String(error)));
        return answer;
      };
      const { Client } = await import("/dist/index.js");
      const client = new Client();
      const queues = ["a", "b", "c"].map((name) => `large-${name}`);
      const tasks = await Promise.all(queues.map((queue) => client.submitTask({ type: "large", payload: {}, queue })));
      let running = 0;
      let go;
      const together = new Promise((resolve) => (go = resolve));
      const large = async () => {
        if (++running === queues.length) go();
        await together;
        return "x".repeat(28_000);
      };
      const workers = queues.map((queue) => client.worker({ large }, { queues: [queue] }));
      const ended = workers.map((worker) => worker.run());
      const results = await Promise.all(tasks.map(({ taskId }) => client.result(taskId)));
      await Promise.all(workers.map((worker) => worker.drain()));
      await Promise.all(ended);
      return [results.map((result) => result.length), refused];
    },
  );
  assert.deepEqual(told, [[28_000, 28_000, 28_000], []]);
  await page.close();
});

test("documents' small client", async () => {
  // JSC-02, JSC-03, JSC-05, JSC-06
  const { told } = await inPage(
    async (url) => {
      const { RestClient } = await import("/dist/rest.js");
      const { taskId } = await client.submitTask({ type: "nobody", payload: {} });
      const rest = new RestClient(`${url}/`);
      const { status } = await rest.getTaskStatus(taskId);
      await client.cancelTask(taskId);
      return [status, await rest.getTaskStatus("none").catch(({ message }) => message)];
    },
    { given: server.url },
  );
  assert.deepEqual(told, ["pending", "HTTP 404: Not Found"]);
});

const BRIEF = { timeout: 2, retry: { maxRetries: 1, initialDelay: 0.01 } };

test("no server, no network, and a server that lets no page in, are typed errors that may pass", async () => {
  const refused = await new Server("memory:", "https://elsewhere.example").start();
  try {
    for (const [what, url, prepare] of [
      ["nobody listens", "http://127.0.0.1:9", undefined],
      ["no network", server.url, (page) => page.context().route(`${server.url}/**`, (route) => route.abort("internetdisconnected"))],
      ["another origin", refused.url, undefined],
    ]) {
      const ask = async () => {
        const error = await client.submitTask({ type: "x", payload: {} }).catch((error) => error);
        return [error instanceof windlass.WindlassError, error.code, error.retryable];
      };
      const { told } = await inPage(ask, { url, options: BRIEF, prepare });
      assert.deepEqual(told, [true, "store_unavailable", true], what);
    }
  } finally {
    await refused.kill();
  }
});

test("a page that lost its network goes on when it is back", async () => {
  const { page, told: taskId } = await inPage(async () => {
    const { taskId } = await client.submitTask({ type: "nobody", payload: {} });
    globalThis.seen = [];
    globalThis.over = (async () => {
      for await (const { seq, status } of client.streamTask(taskId)) seen.push([seq, status]);
    })();
    return taskId;
  }, { options: BRIEF });
  await page.waitForFunction(() => seen.length > 0);
  await page.context().setOffline(true);
  assert.equal(await page.evaluate(() => code(client.counts())), "store_unavailable");
  await page.context().setOffline(false);
  await page.evaluate((taskId) => client.cancelTask(taskId), taskId);
  const seen = await page.evaluate(async () => (await over, seen));
  assert.deepEqual(seen.map(([seq]) => seq), seen.map((_, i) => i + 1));
  assert.equal(seen.at(-1)[1], "cancelled");
});

test("a server that vanishes and stays away ends a wait at its timeout", async () => {
  const gone = await new Server("memory:", place.site.url).start();
  const { page } = await inPage(
    async () => {
      globalThis.task = await client.submitTask({ type: "nobody", payload: {} });
      globalThis.waits = client.waitForTask(task.taskId, { timeout: 3000 }).catch((error) => [error instanceof windlass.WindlassError, error.code]);
    },
    { url: gone.url, options: BRIEF },
  );
  await gone.kill();
  const [typed, code] = await page.evaluate(() => waits);
  assert.ok(typed);
  assert.match(code, /^(store_unavailable|task_timeout)$/);
});

test("an address that answers something else is told as such", async () => {
  const { told } = await inPage(() => code(client.counts()), { url: place.site.url, options: BRIEF });
  assert.match(told, /^(api_error|store_unavailable|service_unavailable)$/);
});

test("a key that is wrong, and one that is no more, end what is asked", async () => {
  const closed = await new Server("memory:", place.site.url, KEY).start();
  try {
    const { told: wrong } = await inPage(
      () => client.counts().catch((error) => [error instanceof windlass.AuthenticationError, error.code]),
      { url: closed.url, options: { apiKey: "another-key-of-32-characters-0000" } },
    );
    assert.deepEqual(wrong, [true, "authentication_failed"]);
    const { page } = await inPage(
      async () => {
        const { taskId } = await client.submitTask({ type: "nobody", payload: {} });
        globalThis.seen = [];
        globalThis.over = (async () => {
          for await (const { seq } of client.streamTask(taskId)) seen.push(seq);
        })().catch((error) => [error instanceof windlass.AuthenticationError, error.code]);
        globalThis.emitted = new Promise((resolve) => client.streamTask(taskId).on("error", ({ code }) => resolve(code)));
      },
      { url: closed.url, options: { apiKey: KEY } },
    );
    await page.waitForFunction(() => seen.length > 0);
    await closed.kill();
    await closed.start("a-newer-key-of-32-characters-0000");
    assert.deepEqual(await page.evaluate(() => over), [true, "authentication_failed"]);
    assert.equal(await page.evaluate(() => emitted), "authentication_failed");
    assert.equal(await page.evaluate(() => code(client.counts())), "authentication_failed");
  } finally {
    await closed.kill();
  }
});

test("a page whose clock is an hour off lives by the server's time", async () => {
  for (const ahead of [3_600_000, -3_600_000]) {
    const { told } = await inPage(
      async () => {
        const worker = client.worker({ clocked: async () => "on time" }, { queues: ["clocked"] });
        const ended = worker.run();
        const { taskId } = await client.submitTask({ type: "clocked", payload: {}, queue: "clocked", delay: 0.1, timeout: 30 });
        const { status, result, attempt } = await client.waitForTask(taskId, { timeout: 50_000 });
        await worker.drain();
        await ended;
        return [status, result, attempt];
      },
      {
        prepare: (page) =>
          page.addInitScript((ahead) => {
            const real = Date.now;
            Date.now = () => real() + ahead;
          }, ahead),
      },
    );
    assert.deepEqual(told, ["completed", "on time", 1]);
  }
});

test("a payload that is no JSON is refused by its field and changes nothing", async () => {
  const { told } = await inPage(async () => {
    const before = JSON.stringify(await client.counts());
    const cycle = {};
    cycle.self = cycle;
    const refused = [];
    for (const payload of [undefined, 1n, NaN, () => 1, { at: new Map() }, cycle]) {
      const submitted = client.submitTask({ type: "x", payload });
      refused.push(await submitted.then(() => "stored", (error) => error instanceof windlass.InvalidPayloadError && error.fields.field));
    }
    return [refused, JSON.stringify(await client.counts()) === before];
  });
  assert.deepEqual(told, [Array(6).fill("payload"), true]);
});

test("a broken invariant ends every call with an error, those under way and those to come", async () => {
  const { page, told } = await inPage(async () => {
    const { taskId } = await client.submitTask({ type: "nobody", payload: {} });
    const waits = code(client.result(taskId));
    await client.getTask(taskId);
    crypto.getRandomValues = () => {
      throw new Error("no chance");
    };
    const breaks = await code(client.submitTask({ type: "nobody", payload: {} }));
    return [breaks, await waits, await code(client.getTask(taskId))];
  });
  assert.deepEqual(told, ["internal", "internal", "internal"]);
  assert.match(page.said.join(), /a broken invariant at .*:\d+/);
});

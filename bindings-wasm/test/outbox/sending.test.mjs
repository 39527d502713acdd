// Tasks that a page keeps until a server answers: in order, once, whatever goes in between.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Stage, bounded as test, tab, visit } from "./stage.mjs";

/** A server, a relay before it, a site, and the profile of a browser. */
async function scene(t) {
  const stage = new Stage(t);
  const server = await stage.server();
  const relay = await stage.relay(server.url);
  const pages = await stage.pages();
  const context = await stage.context();
  return { stage, server, relay, pages, context, there: stage.client(server.url) };
}

/** Submits payloads 0 to `count` from the page, each as soon as the one before is kept; their keys. */
function submit(page, url, count, mark = "") {
  return page.evaluate(
    async ([url, count, mark]) => {
      globalThis.client ??= new windlass.Client(url);
      const keys = [];
      for (let n = 0; n < count; n++) {
        const told = await client.submitTask({ type: "note", payload: { n, mark }, offline: true });
        keys.push(told.key);
      }
      return keys;
    },
    [url, count, mark],
  );
}

/** What the server answered, for each key. */
const sent = (page, keys) =>
  page.evaluate((keys) => Promise.all(keys.map((key) => client.outbox.sent(key))), keys);

/** The payloads that the server was sent, in the order in which it was. */
const payloads = (relay) => relay.submits.map(({ body }) => JSON.parse(body).payload.n);

/** The tasks that the server has, oldest first. */
const stored = async (there) => (await there.listTasks()).reverse().map(({ payload }) => payload.n);

test("what was submitted while no server answers is sent in order once it does", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  await relay.close();
  const page = await tab(context, pages.url);
  const told = await page.evaluate(async (url) => {
    globalThis.client = new windlass.Client(url);
    return client.submitTask({ type: "note", payload: { n: -1 }, idempotencyKey: "first", offline: true });
  }, relay.url);
  assert.deepEqual(told, { taskId: null, queued: true, key: "first" });
  const keys = await submit(page, relay.url, 5);
  const waiting = await page.evaluate(async () => (await client.outbox.list()).map((e) => [e.state, e.options.payload.n]));
  assert.deepEqual(waiting, [-1, 0, 1, 2, 3, 4].map((n) => ["waiting", n]));
  await relay.open();
  const answers = await sent(page, ["first", ...keys]);
  assert.deepEqual(await stored(there), [-1, 0, 1, 2, 3, 4]);
  assert.deepEqual(payloads(relay), [-1, 0, 1, 2, 3, 4]);
  const tasks = (await there.listTasks()).reverse();
  assert.deepEqual(answers.map(({ taskId }) => taskId), tasks.map(({ taskId }) => taskId));
  assert.deepEqual(await page.evaluate(() => client.outbox.list()), []);
  // The answer is remembered, and the same request is the same task.
  const again = await page.evaluate(async () => {
    const told = await client.submitTask({ type: "note", payload: { n: -1 }, idempotencyKey: "first", offline: true });
    return { told, list: await client.outbox.sent(told.key) };
  });
  assert.equal(again.told.taskId, answers[0].taskId);
  assert.equal(again.list.taskId, answers[0].taskId);
  assert.equal((await there.listTasks()).length, 6);
});

test("a server that goes and comes back gets the rest", async (t) => {
  const { server, relay, pages, context, there } = await scene(t);
  const page = await tab(context, pages.url);
  // Nothing but the first three gets through while the server still goes.
  relay.decide = ({ path }) => (path === "/api/v1/tasks" && relay.submits.length >= 3 ? "cut" : undefined);
  const keys = await submit(page, relay.url, 3);
  await sent(page, keys);
  const more = await submit(page, relay.url, 4, "more");
  await relay.until(() => relay.submits.length >= 4);
  await server.kill();
  relay.decide = () => undefined;
  // It is seen that the server is away, and said.
  const error = await page.evaluate(async () => {
    for (;;) {
      const [entry] = await client.outbox.list();
      if (entry.attempts > 1) return { code: entry.error.code, kind: entry.error instanceof windlass.StoreUnavailableError };
      await new Promise((resolve) => {
        const stop = client.outbox.subscribe(() => (stop(), resolve()));
      });
    }
  });
  assert.deepEqual(error, { code: "store_unavailable", kind: true });
  await server.again();
  await sent(page, more);
  assert.deepEqual(await stored(there), [0, 1, 2, 0, 1, 2, 3]);
});

test("a page that is loaded again sends what the one before left", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  await relay.close();
  const page = await tab(context, pages.url);
  const keys = await submit(page, relay.url, 3);
  await visit(page, pages.url);
  await relay.open();
  // Nothing is asked for: a client for the same server is all that it takes.
  await page.evaluate((url) => void (globalThis.client = new windlass.Client(url)), relay.url);
  await relay.until(() => relay.submits.length >= 3);
  await sent(page, keys);
  assert.deepEqual(await stored(there), [0, 1, 2]);
});

test("the browser's word that it is online is enough, and timers are not needed", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  const page = await context.newPage();
  await page.clock.install();
  await visit(page, pages.url);
  // The code that sends was never loaded when the network goes.
  await context.setOffline(true);
  await page.clock.pauseAt(Date.now() + 3_600_000);
  const keys = await submit(page, relay.url, 2);
  await page.evaluate(async () => {
    for (;;) {
      const [entry] = await client.outbox.list();
      if (entry.attempts > 0) return;
      await new Promise((resolve) => {
        const stop = client.outbox.subscribe(() => (stop(), resolve()));
      });
    }
  });
  assert.equal(relay.requests.length, 0);
  await context.setOffline(false);
  await sent(page, keys);
  assert.deepEqual(await stored(there), [0, 1]);
});

test("a tab that is killed while it sends leaves its task to the next, which is stored once", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  const page = await tab(context, pages.url);
  relay.decide = ({ method }) => (method === "POST" ? "hold" : undefined);
  const keys = await submit(page, relay.url, 2);
  // The server has the first task, and the tab does not know.
  await relay.until(() => relay.submits[0]?.answered);
  const crashed = new Promise((resolve) => page.once("crash", resolve));
  page.goto("chrome://crash").catch(() => {});
  await crashed;
  relay.decide = () => undefined;
  const next = await tab(context, pages.url);
  await next.evaluate((url) => void (globalThis.client = new windlass.Client(url)), relay.url);
  const answers = await sent(next, keys);
  assert.deepEqual(answers.map(({ deduplicated }) => deduplicated), [true, false]);
  assert.deepEqual(await stored(there), [0, 1]);
});

test("an answer that is lost on its way does not make two tasks", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  const page = await tab(context, pages.url);
  let lost = 0;
  relay.decide = ({ method }) => (method === "POST" && lost++ < 2 ? "lose" : undefined);
  const keys = await submit(page, relay.url, 2);
  await sent(page, keys);
  assert.deepEqual(payloads(relay), [0, 0, 0, 1]);
  assert.deepEqual(await stored(there), [0, 1]);
});

test("two tabs with one outbox send each task once, in the order of the submits", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  await relay.close();
  const [one, two] = [await tab(context, pages.url), await tab(context, pages.url)];
  const keys = [];
  // In turn: the order is that of the outbox, not of a tab.
  for (let n = 0; n < 10; n++) {
    keys.push(...(await submit([one, two][n % 2], relay.url, 1, `${n}`)));
  }
  await relay.open();
  await Promise.all([sent(one, keys), sent(two, keys)]);
  const marks = relay.submits.map(({ body }) => JSON.parse(body).payload.mark);
  assert.deepEqual(marks, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.equal((await there.listTasks()).length, 10);
});

test("tabs that submit and send at once lose nothing and send nothing twice", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  const tabs = [await tab(context, pages.url), await tab(context, pages.url), await tab(context, pages.url)];
  const keys = await Promise.all(tabs.map((page, i) => submit(page, relay.url, 15, `${i}`)));
  await Promise.all(tabs.map((page, i) => sent(page, keys[i])));
  assert.equal(relay.submits.length, 45);
  const marks = (await there.listTasks()).reverse().map(({ payload }) => payload);
  for (const i of ["0", "1", "2"]) {
    const own = marks.filter(({ mark }) => mark === i).map(({ n }) => n);
    assert.deepEqual(own, Array.from({ length: 15 }, (_, n) => n));
  }
});

test("a tab takes over when the one that sends is closed", async (t) => {
  const { relay, pages, context, there } = await scene(t);
  await relay.close();
  const [one, two] = [await tab(context, pages.url), await tab(context, pages.url)];
  const keys = await submit(one, relay.url, 2);
  await submit(two, relay.url, 0);
  await one.close();
  await relay.open();
  await sent(two, keys);
  assert.deepEqual(await stored(there), [0, 1]);
});

test("where pages have no locks the key makes one task of two sends", async (t) => {
  const stage = new Stage(t);
  const server = await stage.server();
  const relay = await stage.relay(server.url);
  const pages = await stage.pages();
  // A name that is not loopback's, without TLS, is no secure context.
  const context = await stage.context({ args: ["--host-resolver-rules=MAP page.test 127.0.0.1"] });
  const named = (url) => url.replace("127.0.0.1", "page.test");
  const tabs = [await tab(context, named(pages.url)), await tab(context, named(pages.url))];
  assert.deepEqual(await Promise.all(tabs.map((page) => page.evaluate(() => navigator.locks === undefined))), [true, true]);
  const keys = await Promise.all(tabs.map((page, i) => submit(page, named(relay.url), 10, `${i}`)));
  await Promise.all(tabs.map((page, i) => sent(page, keys[i])));
  assert.equal((await stage.client(server.url).listTasks()).length, 20);
});

test("a clock that is an hour off changes nothing", async (t) => {
  const { stage, relay, pages, there } = await scene(t);
  await relay.close();
  const keys = [];
  const tabs = [];
  for (const hours of [1, -1]) {
    const context = await stage.context();
    await context.addInitScript((hours) => {
      const RealDate = Date;
      globalThis.Date = class extends RealDate {
        constructor(...args) {
          if (args.length > 0) super(...args);
          else super(RealDate.now() + hours * 3_600_000);
        }
        static now() {
          return RealDate.now() + hours * 3_600_000;
        }
      };
    }, hours);
    const page = await tab(context, pages.url);
    tabs.push(page);
    keys.push(await submit(page, relay.url, 2, `${hours}`));
  }
  await relay.open();
  await Promise.all(tabs.map((page, i) => sent(page, keys[i])));
  const tasks = await there.listTasks();
  assert.equal(tasks.length, 4);
  // Tasks are of the server's time, and none waits for an hour.
  assert.deepEqual([...new Set(tasks.map(({ status }) => status))], ["pending"]);
});

test("the document's example runs as it stands", async (t) => {
  const stage = new Stage(t);
  const server = await stage.server({ key: "right" });
  const example = readFileSync(new URL("page/example.js", import.meta.url), "utf8");
  // Its address and what it leaves open are filled, and what it found is shown.
  const script = `${example.replace("https://tasks.example.com", server.url)}\ndocument.title = taskId;`;
  const open = 'globalThis.apiKey = "right"; globalThis.text = "milk";';
  const map = '<script type="importmap">{"imports":{"windlass-web":"/dist/index.js"}}</script>';
  const pages = await stage.pages({}, {
    "/": `<!doctype html><title></title>${map}<script>${open}</script><script type="module" src="/example.js"></script>`,
    "/example.js": { body: script, type: "text/javascript" },
  });
  const page = await (await stage.context()).newPage();
  await page.goto(pages.url);
  await page.waitForFunction(() => document.title !== "");
  const task = await stage.client(server.url, { apiKey: "right" }).getTask(await page.title());
  assert.deepEqual(task.payload, { text: "milk" });
});

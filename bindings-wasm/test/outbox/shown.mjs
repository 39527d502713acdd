// What is asked of a page that shows tasks, whatever framework drew it.
import assert from "node:assert/strict";

import { bundle } from "./bundle.mjs";
import { Stage } from "./stage.mjs";

const built = new Map();

/**
 * A server, a relay before it, and a page of the bundle in `folder` with nothing shown yet. `said` is what
 * the page's console told, warnings and errors of the framework among it.
 */
export async function scene(test, folder, options = {}) {
  if (!built.has(folder)) built.set(folder, bundle(folder));
  const stage = new Stage(test);
  const server = await stage.server(options);
  const relay = await stage.relay(server.url);
  const pages = await stage.pages({ "/": await built.get(folder) }, {});
  const context = await stage.context();
  const page = await context.newPage();
  const said = [];
  page.on("console", (line) => {
    // A refused request is the browser's word, and not the page's.
    if (["error", "warning"].includes(line.type()) && !/^Failed to load resource/.test(line.text())) said.push(line.text());
  });
  page.on("pageerror", (error) => said.push(`uncaught: ${error}`));
  await page.goto(`${pages.url}/index.html`);
  await page.evaluate(
    ([endpoint, apiKey]) => Object.assign(globalThis, { endpoint, apiKey }),
    [relay.url, options.key ?? "none"],
  );
  return { stage, server, relay, context, page, said, pages };
}

/** Shows a scene, with the server as endpoint unless `props` say otherwise. */
export const show = (page, name, props = {}, ...more) =>
  page.evaluate(([name, props, more]) => show(name, { endpoint, ...props }, ...more), [name, props, more]);

export const hide = (page) => page.evaluate(() => hide());

/** What `#view` shows, once `met` holds for it. */
export async function view(page, met = () => true) {
  const found = await page.waitForFunction(
    (met) => {
      const text = document.querySelector("#view")?.textContent;
      const view = text ? JSON.parse(text) : undefined;
      return view !== undefined && new Function("view", `return (${met})(view)`)(view) ? view : undefined;
    },
    met.toString(),
    { polling: "raf" },
  );
  return found.jsonValue();
}

/** Presses the button with this name. */
export const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** Streams that are open now. */
export const streams = (relay) => [...relay.open_].filter(({ path }) => path.includes("/events"));

/** A handler that ends when the test says so: `{ handler, begun, release }`. */
export function gate() {
  let release;
  let begin;
  const begun = new Promise((resolve) => (begin = resolve));
  const released = new Promise((resolve) => (release = resolve));
  const handler = async (payload, ctx) => {
    await ctx.progress(50, "halfway");
    begin();
    return released.then((result) => result ?? { text: `done ${JSON.stringify(payload)}` });
  };
  return { handler, begun, release };
}

/** The flows that hold for every framework; `folder` is the one of its pages. */
export const flows = {
  /** From the submit to the result, live, as the document's example shows it. */
  async document(test, folder, ...strict) {
    const { stage, server, page, said, relay } = await scene(test, folder);
    const { handler, begun, release } = gate();
    stage.client(server.url, { handlers: {}, worker: { defaultHandler: handler } });
    await show(page, "Document", {}, ...strict);
    await press(page, "Run Task");
    await begun;
    await page.getByText("Status: running").waitFor();
    assert.equal(await page.getByRole("button").textContent(), "Running...");
    assert.equal(await page.getByRole("button").isDisabled(), true);
    release({ sum: 3 });
    await page.getByText("Status: completed").waitFor();
    assert.equal(await page.locator("pre").textContent(), JSON.stringify({ sum: 3 }, null, 2));
    assert.equal(await page.getByRole("button").textContent(), "Run Task");
    assert.equal(await page.getByRole("button").isDisabled(), false);
    assert.equal(relay.submits.length, 1);
    assert.deepEqual(JSON.parse(relay.submits[0].body).payload, { data: "test" });
    assert.deepEqual(said, []);
  },

  async failure(test, folder) {
    const { stage, server, page, said } = await scene(test, folder);
    const fail = async () => {
      throw new Error("the <b>disk</b> is full");
    };
    stage.client(server.url, { handlers: { note: { run: fail, maxRetries: 0 } } });
    await show(page, "Run", { payloads: [1] });
    await press(page, "Submit 0");
    const failed = await view(page, (view) => !view.isLoading && view.status !== null);
    assert.deepEqual({ ...failed, taskId: "" }, { taskId: "", status: "failed", progress: null, message: null, result: null, error: "task_failed", isLoading: false });
    assert.match(await page.locator(".error").textContent(), /the <b>disk<\/b> is full/);
    assert.deepEqual(said, []);
  },

  async refusedSubmit(test, folder) {
    const { page, said } = await scene(test, folder);
    await show(page, "Run", { payloads: ["x".repeat(2 << 20)] });
    await press(page, "Submit 0");
    const refused = await view(page, (view) => view.error !== null);
    assert.deepEqual([refused.error, refused.isLoading, refused.status], ["payload_too_large", false, null]);
    assert.equal(await page.locator("#told").textContent(), "null");
    assert.deepEqual(said, []);
  },

  async cancelled(test, folder) {
    const { stage, server, page } = await scene(test, folder);
    const there = stage.client(server.url);
    await show(page, "Run", { payloads: [1] });
    await press(page, "Submit 0");
    const { taskId } = await view(page, (view) => view.status === "pending");
    await there.cancelTask(taskId);
    const ended = await view(page, (view) => view.status === "cancelled");
    assert.deepEqual([ended.error, ended.isLoading], ["task_cancelled", false]);
  },

  async progress(test, folder) {
    const { stage, server, page } = await scene(test, folder);
    const { handler, release } = gate();
    stage.client(server.url, { handlers: { note: handler } });
    await show(page, "Run", { payloads: [7] });
    await press(page, "Submit 0");
    const half = await view(page, (view) => view.progress === 50);
    assert.deepEqual([half.status, half.message, half.isLoading], ["running", "halfway", true]);
    release();
    const done = await view(page, (view) => view.status === "completed");
    assert.deepEqual([done.result, done.isLoading, done.error], [{ text: "done 7" }, false, null]);
  },

  async later(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    const gates = [gate(), gate()];
    stage.client(server.url, { handlers: { note: (payload, ctx) => gates[payload].handler(payload, ctx) } });
    await show(page, "Run", { payloads: [0, 1] });
    await press(page, "Submit 0");
    await gates[0].begun;
    const first = await view(page, (view) => view.progress === 50);
    await press(page, "Submit 1");
    await gates[1].begun;
    const second = await view(page, (view) => view.progress === 50);
    assert.notEqual(second.taskId, first.taskId);
    // The page lets the stream of the one before go, which ends first, and is not shown.
    await relay.until(() => streams(relay).length === 1);
    gates[0].release({ text: "the first" });
    assert.equal((await stage.client(server.url).waitForTask(first.taskId)).status, "completed");
    gates[1].release({ text: "the second" });
    const done = await view(page, (view) => view.status === "completed");
    assert.deepEqual([done.taskId, done.result], [second.taskId, { text: "the second" }]);
    await relay.until(() => streams(relay).length === 0);
    assert.deepEqual(said, []);
  },

  /** Both are submitted before either is answered, and the answers come in the wrong order. */
  async overtaken(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    let free;
    const held = new Promise((resolve) => (free = resolve));
    relay.delay = ({ method, body }) => (method === "POST" && JSON.parse(body).payload === 0 ? held : undefined);
    stage.client(server.url, { handlers: { note: async (payload) => ({ text: `done ${payload}` }) } });
    await show(page, "Run", { payloads: [0, 1] });
    await press(page, "Submit 0");
    await relay.until(() => relay.submits.length >= 1);
    await press(page, "Submit 1");
    const done = await view(page, (view) => view.status === "completed");
    free();
    // The first submit is answered now, and its task has ended.
    await page.waitForFunction((taskId) => !document.querySelector("#told").textContent.includes(taskId), done.taskId);
    assert.deepEqual(await view(page), done);
    assert.deepEqual(done.result, { text: "done 1" });
    assert.deepEqual(said, []);
  },

  async unmounted(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    const { handler, begun, release } = gate();
    const there = stage.client(server.url, { handlers: { note: handler } });
    // The client is the page's own, and lives on.
    await page.evaluate(() => show("Run", { client: new windlass.Client(endpoint), payloads: [1] }));
    await press(page, "Submit 0");
    await begun;
    const { taskId } = await view(page, (view) => view.progress === 50);
    assert.equal(streams(relay).length, 1);
    await hide(page);
    await relay.until(() => streams(relay).length === 0);
    const asked = relay.requests.length;
    release();
    // The task is not the component's: it goes on.
    assert.equal((await there.waitForTask(taskId)).status, "completed");
    assert.equal(relay.requests.length, asked);
    assert.deepEqual(said, []);
  },

  /** Gone before the submit is answered: the task is stored, and nobody follows it. */
  async unmountedEarly(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    let free;
    const held = new Promise((resolve) => (free = resolve));
    relay.delay = ({ method }) => (method === "POST" ? held : undefined);
    const there = stage.client(server.url);
    await page.evaluate(() => (globalThis.client = new windlass.Client(endpoint)));
    await page.evaluate(() => show("Run", { client, payloads: [1] }));
    await press(page, "Submit 0");
    await relay.until(() => relay.submits.length >= 1);
    await hide(page);
    free();
    await relay.until(() => relay.open_.size === 0);
    assert.equal((await there.listTasks()).length, 1);
    assert.deepEqual(relay.requests.filter(({ path }) => path.includes("/events")), []);
    assert.deepEqual(said, []);
  },

  async watched(test, folder) {
    const { stage, server, page, said } = await scene(test, folder);
    const { handler, begun, release } = gate();
    const there = stage.client(server.url, { handlers: { note: handler, plain: async () => ({ text: "plain" }) } });
    const [one, two] = [await there.submitTask({ type: "note", payload: 1 }), await there.submitTask({ type: "plain", payload: 2 })];
    await begun;
    await show(page, "Watch", { taskId: one.taskId });
    assert.equal((await view(page, (view) => view.progress === 50)).status, "running");
    // Another task, then none, then one that is unknown, then the first again.
    await show(page, "Watch", { taskId: two.taskId });
    assert.deepEqual((await view(page, (view) => view.status === "completed")).result, { text: "plain" });
    await show(page, "Watch", { taskId: null });
    assert.deepEqual(await view(page, (view) => view.taskId === null), { taskId: null, status: null, progress: null, message: null, result: null, error: null, isLoading: false });
    await show(page, "Watch", { taskId: "no-task" });
    const unknown = await view(page, (view) => view.error !== null);
    assert.deepEqual([unknown.error, unknown.isLoading], ["task_not_found", false]);
    await show(page, "Watch", { taskId: one.taskId });
    await view(page, (view) => view.progress === 50);
    release();
    assert.deepEqual((await view(page, (view) => view.status === "completed")).result, { text: "done 1" });
    assert.deepEqual(said, []);
  },

  async submitter(test, folder) {
    const { stage, server, page, said } = await scene(test, folder);
    stage.client(server.url, { handlers: { note: async () => ({ text: "done" }) } });
    await show(page, "Submit");
    await press(page, "Wrong");
    await page.getByText("invalid_argument").waitFor();
    await press(page, "Good");
    assert.deepEqual((await view(page, (view) => view.status === "completed")).result, { text: "done" });
    assert.deepEqual(said, []);
  },

  /** A server that is killed and comes back: the page says so, and goes on. */
  async vanished(test, folder) {
    const { stage, server, page } = await scene(test, folder);
    await page.evaluate(() => {
      // One that gives up soon, so that it is soon said.
      const client = new windlass.Client({ endpoint, retry: { maxRetries: 1, initialDelay: 0.1 } });
      show("Run", { client, payloads: [1] });
    });
    await press(page, "Submit 0");
    const { taskId } = await view(page, (view) => view.status === "pending");
    await server.kill();
    const away = await view(page, (view) => view.error !== null);
    assert.deepEqual([away.status, away.isLoading, away.taskId], ["pending", true, taskId]);
    assert.match(away.error, /^(store_unavailable|circuit_breaker_open)$/);
    await server.again();
    stage.client(server.url, { handlers: { note: async () => ({ text: "after all" }) } });
    const done = await view(page, (view) => view.status === "completed");
    assert.deepEqual([done.taskId, done.result, done.error], [taskId, { text: "after all" }, null]);
  },

  /** A key that runs out while a task is followed; another one goes on with the same task. */
  async expired(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder, { key: "good" });
    const { handler, begun, release } = gate();
    stage.client(server.url, { apiKey: "good", handlers: { note: handler } });
    await show(page, "Run", { apiKey: "good", payloads: [1] });
    await press(page, "Submit 0");
    await begun;
    const { taskId } = await view(page, (view) => view.progress === 50);
    const PROBLEM = JSON.stringify({ status: 401, code: "authentication_failed", detail: "expired", reason: "expired" });
    relay.decide = ({ headers }) =>
      headers.authorization === "Bearer good" ? { status: 401, type: "application/problem+json", body: PROBLEM } : undefined;
    for (const open of streams(relay)) open.cut();
    const out = await view(page, (view) => view.error !== null);
    assert.deepEqual([out.error, out.isLoading, out.taskId], ["authentication_failed", false, taskId]);
    relay.decide = ({ headers }) => {
      // As if the server knew a new key; it has one only.
      if (headers.authorization === "Bearer new") headers.authorization = "Bearer good";
      return undefined;
    };
    await show(page, "Run", { apiKey: "new", payloads: [1] });
    release();
    const done = await view(page, (view) => view.status === "completed");
    assert.deepEqual([done.taskId, done.result, done.error], [taskId, { text: "done 1" }, null]);
    assert.deepEqual(said, []);
  },

  /** Other properties make another client, and close the one before. */
  async changed(test, folder) {
    const { page, said } = await scene(test, folder);
    await page.evaluate(() => (globalThis.seen = []));
    await page.evaluate(() => show("Seen", { endpoint, apiKey: "a", seen }));
    await page.locator("#same").waitFor();
    const told = await page.evaluate(async () => {
      show("Seen", { endpoint, apiKey: "b", seen });
      while (new Set(seen).size < 2) await new Promise(requestAnimationFrame);
      const [first, second] = [...new Set(seen)];
      const closed = await first.listTasks().then(() => "open", ({ code }) => code);
      return { closed, open: (await second.listTasks()).length };
    });
    assert.deepEqual(told, { closed: "client_closed", open: 0 });
    await hide(page);
    const closed = await page.evaluate(() => seen.at(-1).listTasks().then(() => "open", ({ code }) => code));
    assert.equal(closed, "client_closed");
    assert.deepEqual(said, []);
  },

  /** What is submitted offline is shown when the server has it, followed, and shown in the list until then. */
  async offline(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    await relay.close();
    await show(page, "Run", { payloads: [1], offline: true });
    await press(page, "Submit 0");
    await page.waitForFunction(() => document.querySelector("#told").textContent.includes('"queued":true'));
    const kept = await view(page);
    assert.deepEqual([kept.taskId, kept.status, kept.isLoading, kept.error], [null, null, true, null]);
    stage.client(server.url, { handlers: { note: async () => ({ text: "sent" }) } });
    await relay.open();
    const done = await view(page, (view) => view.status === "completed");
    assert.deepEqual([done.result, done.isLoading], [{ text: "sent" }, false]);
    assert.deepEqual(said, []);
  },

  async kept(test, folder) {
    const { relay, page, said } = await scene(test, folder);
    await relay.close();
    await show(page, "Kept");
    await page.evaluate(async () => {
      globalThis.client = new windlass.Client(endpoint);
      await client.submitTask({ type: "<img src=x onerror=alert(1)>", payload: 1, idempotencyKey: "a", offline: true });
      await client.submitTask({ type: "plain", payload: 1, idempotencyKey: "b", offline: true });
    });
    await page.locator("li").nth(1).waitFor();
    // Markup in a name is text.
    assert.match(await page.locator("li span").first().textContent(), /^waiting <img src=x onerror=alert\(1\)>: /);
    assert.equal(await page.locator("img").count(), 0);
    await page.locator("li button").first().click();
    await page.waitForFunction(() => document.querySelectorAll("li").length === 1);
    assert.match(await page.locator("li span").textContent(), /^waiting plain: /);
    assert.deepEqual(said, []);
  },

  /** A page with more tasks than a browser has connections to a server. */
  async many(test, folder) {
    const { stage, server, relay, page, said } = await scene(test, folder);
    let release;
    const released = new Promise((resolve) => (release = resolve));
    const run = async (payload) => {
      if (payload === "last") return { text: "last" };
      await released;
      if (payload === 9) throw new Error("no");
      return { text: `done ${payload}` };
    };
    const there = stage.client(server.url, { handlers: { note: { run, maxRetries: 0 } }, worker: { concurrency: 20 } });
    const tasks = Array.from({ length: 10 }, (_, n) => ({ type: "note", payload: n }));
    const { taskIds } = await there.submitBatch(tasks);
    await show(page, "Many", { taskIds: [...taskIds, "no-task"] });
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 11);
    await page.waitForFunction(() => [...document.querySelectorAll(".row")].filter((row) => /^running/.test(row.textContent)).length === 10);
    await page.getByText("task_not_found").waitFor();
    assert.ok(streams(relay).length <= 3, `${streams(relay).length} streams`);
    // There is room for a submit, and for what comes of it.
    await press(page, "Submit");
    await page.waitForFunction(() => document.querySelector("#own").textContent === "completed");
    release();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 11 && ![...document.querySelectorAll(".row")].some((row) => /^running/.test(row.textContent)));
    const rows = await page.locator(".row").allTextContents();
    const done = Array.from({ length: 9 }, (_, n) => `completed done ${n}`);
    assert.deepEqual(rows, [...done, "failed task_failed", "null task_not_found"]);
    assert.deepEqual(said, []);
  },

  /** What a server rendered is taken over without a difference, and becomes live. */
  async hydrated(test, folder) {
    const { stage, server, page, said } = await scene(test, folder);
    const there = stage.client(server.url, { handlers: { note: async () => ({ text: "done" }) } });
    const { taskId } = await there.submitTask({ type: "note", payload: 1 });
    const rendered = await page.evaluate((taskId) => hydrate("Watch", { endpoint, taskId }), taskId);
    const { status, isLoading } = JSON.parse(rendered);
    assert.deepEqual([status, isLoading], [null, true]);
    assert.deepEqual((await view(page, (view) => view.status === "completed")).result, { text: "done" });
    assert.deepEqual(said, []);
  },

  /** Markup and script in results and errors are shown as text. */
  async markup(test, folder) {
    const { stage, server, page, said } = await scene(test, folder);
    const text = '<img src=x onerror="globalThis.hacked = true"><script>globalThis.hacked = true</script>';
    stage.client(server.url, { handlers: { note: async () => ({ text }) } });
    await show(page, "Run", { payloads: [1] });
    await press(page, "Submit 0");
    await view(page, (view) => view.status === "completed");
    assert.equal(await page.locator("#result").textContent(), text);
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
    assert.deepEqual(said, []);
  },
};

// A server that wants a key, and one that vanishes.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { open, place, start, verbs } from "./place.mjs";

test("the key is asked for, refused when wrong, kept in the tab, and asked for again when it changes", async () => {
  const key = "a-long-random-text";
  const here = await place({ env: { WINDLASS_SERVER_KEY: key }, key });
  await here.submit({ task_type: "guarded" });
  const page = await open(`${here.url}/tasks`);
  const prompt = page.getByRole("dialog", { name: "The server’s key" });
  await prompt.waitFor();
  await prompt.getByLabel("Key").fill("wrong");
  await prompt.getByLabel("Key").press("Enter");
  await prompt.getByText("did not accept").waitFor();
  // No way around it.
  await page.keyboard.press("Escape");
  assert.ok(await prompt.isVisible());
  await prompt.getByLabel("Key").fill(key);
  await prompt.getByRole("button", { name: "Open the console" }).click();
  await page.locator("tbody tr", { hasText: "guarded" }).waitFor();
  await prompt.waitFor({ state: "detached" });
  await page.reload();
  await page.locator("tbody tr", { hasText: "guarded" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.length), 0);

  // The same address, another key: whoever looks is asked again, and goes on.
  await here.server.stop();
  const next = await start({ port: here.server.port, env: { WINDLASS_SERVER_KEY: "another-long-text" } });
  await prompt.waitFor({ timeout: 20_000 });
  await verbs(next.url, "another-long-text").submit({ task_type: "after" });
  await prompt.getByLabel("Key").fill("another-long-text");
  await prompt.getByLabel("Key").press("Enter");
  await page.locator("tbody tr", { hasText: "after" }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("what other pages of the address left in an outbox stays there", async () => {
  const here = await place();
  await here.submit({ task_type: "seen" });
  const page = await open("about:blank", { origin: here.url });
  await page.route("**/app.html", (route) => route.fulfill({ contentType: "text/html", body: "<title>app</title>" }));
  await page.goto(`${here.url}/app.html`);
  const made = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("windlass-outbox", 1);
        request.onsuccess = () => (request.result.close(), resolve(true));
        request.onerror = () => reject(request.error);
      }),
  );
  assert.ok(made);
  await page.addInitScript(() => {
    window.opened = [];
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function (...args) {
      window.opened.push(args[0]);
      return open.apply(this, args);
    };
  });
  await page.goto(`${here.url}/tasks`);
  await page.locator("tbody tr", { hasText: "seen" }).waitFor();
  await page.locator(".connection-live").waitFor();
  assert.deepEqual(await page.evaluate(() => window.opened), []);
  await page.close();
});

test("where storage is forbidden the key and the colours hold for the page", async () => {
  const key = "a-long-random-text";
  const here = await place({ env: { WINDLASS_SERVER_KEY: key }, key });
  await here.submit({ task_type: "guarded" });
  const page = await open("about:blank", { origin: here.url });
  await page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException("forbidden", "SecurityError");
        },
      });
    }
  });
  await page.goto(`${here.url}/tasks`);
  const field = page.getByRole("dialog").getByLabel("Key");
  await field.fill(key);
  await field.press("Enter");
  await page.locator("tbody tr", { hasText: "guarded" }).waitFor();
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a server that vanishes is missed, and goes on where it was", async () => {
  const folder = await mkdtemp(join(tmpdir(), "windlass-console-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const store = `sqlite:${join(folder, "tasks.db")}`;
  const first = await start({ store });
  const { submit, lease } = verbs(first.url);
  const id = await submit({ task_type: "steady" });
  const job = await lease("steady");
  await job.log("line 1");
  const page = await open(`${first.url}/tasks/${id}`);
  await page.locator(".line", { hasText: "line 1" }).waitFor();
  await first.kill();
  const lost = page.getByText("The server does not answer.");
  await lost.waitFor();
  // What was known stays.
  assert.equal(await page.locator(".line").count(), 1);

  const second = await start({ store, port: first.port });
  await job.log("line 2");
  await page.getByRole("button", { name: "Try now" }).click().catch(() => {});
  await lost.waitFor({ state: "detached", timeout: 20_000 });
  await page.locator(".line", { hasText: "line 2" }).waitFor({ timeout: 20_000 });
  await job.complete({});
  await page.locator(".task-name .status", { hasText: "completed" }).waitFor();
  // Each once.
  assert.deepEqual(await page.locator(".line span").allInnerTexts(), ["line 1", "line 2"]);
  await page.goto(`${first.url}/tasks`);
  await page.locator("tbody tr", { hasText: "steady" }).waitFor();
  await page.close();
});

test("a server without a stream left is there all the same, and the page says that it is not live", async () => {
  const here = await place({ args: ["--max-streams", "1"] });
  await here.submit({ task_type: "limited" });
  const first = await open(`${here.url}/tasks`);
  await first.locator(".connection-live").waitFor();
  const second = await open(`${here.url}/tasks`);
  await second.getByText("not live").waitFor();
  await second.locator("tbody tr", { hasText: "limited" }).waitFor();
  assert.equal(await second.getByText("The server does not answer").count(), 0);
  await first.close();
  // Its place goes to whoever asks next.
  await second.locator(".connection-live").waitFor({ timeout: 20_000 });
  await second.close();
});

test("what happens between the first answer and the stream is not missed", async () => {
  const here = await place();
  const { submit, lease } = here;
  const id = await submit({ task_type: "between" });
  const page = await open("about:blank", { origin: here.url });
  let pass;
  const held = new Promise((resolve) => (pass = resolve));
  await page.route("**/api/v1/events", async (route) => {
    await held;
    await route.fallback();
  });
  await page.goto(`${here.url}/tasks`);
  const row = page.locator(`tr[data-id="${id}"]`);
  await row.getByText("pending", { exact: true }).waitFor();
  await (await lease("between")).complete({});
  pass();
  await row.getByText("completed", { exact: true }).waitFor();

  // Once more, after the page was left and is looked at again.
  const look = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const left = page.waitForEvent("requestfailed", { predicate: (request) => request.url().endsWith("/events"), timeout: 20_000 });
  await look(true);
  await left;
  await page.unroute("**/api/v1/events");
  const again = new Promise((resolve) => (pass = resolve));
  const asked = new Promise((resolve) =>
    page.route("**/api/v1/events", async (route) => {
      resolve();
      await again;
      await route.fallback();
    }),
  );
  const next = await submit({ task_type: "left" });
  await look(false);
  await asked;
  await (await lease("left")).complete({});
  pass();
  await page.locator(`tr[data-id="${next}"]`).getByText("completed", { exact: true }).waitFor();
  await page.close();
});

test("a history that ended goes on when its task runs again, and holds no stream while nobody looks", async () => {
  const here = await place();
  const id = await here.submit({ task_type: "twice" });
  const first = await here.lease("twice");
  const page = await open(`${here.url}/tasks/${id}`);
  const lines = () => page.locator(".line span").allInnerTexts();
  await first.log("line 1");
  await first.fail("broken");
  await page.locator(".task-name .status", { hasText: "failed" }).waitFor();
  await here.call(`/tasks/${id}/retry`, {});
  const second = await here.lease("twice");
  await second.log("line 2");
  await page.locator(".line", { hasText: "line 2" }).waitFor();

  const look = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const left = page.waitForEvent("requestfailed", { predicate: (request) => request.url().includes(`${id}/events`), timeout: 20_000 });
  await look(true);
  await left;
  await second.log("line 3");
  const asked = page.waitForRequest((request) => request.url().includes(`${id}/events`));
  await look(false);
  // From where it was, and each once.
  assert.match((await asked).url(), /after=[1-9]\d*$/);
  await page.locator(".line", { hasText: "line 3" }).waitFor();
  assert.deepEqual(await lines(), ["line 1", "line 2", "line 3"]);
  await second.complete({});
  await page.close();
});

test("a server that takes a question and never answers it is said not to answer", async () => {
  const here = await place();
  const page = await open("about:blank", { origin: here.url });
  // Deadlines come soon here.
  await page.addInitScript(() => {
    const timeout = AbortSignal.timeout;
    AbortSignal.timeout = (milliseconds) => timeout.call(AbortSignal, milliseconds / 100);
  });
  let answers = false;
  await page.route("**/api/v1/history**", (route) => (answers ? route.fallback() : undefined));
  await page.goto(here.url);
  await page.locator(".charts-card .problem", { hasText: "The server does not answer" }).waitFor();
  answers = true;
  await page.locator(".charts-card .problem").waitFor({ state: "detached" });
  await page.close();
});

test("a page whose code did not come at first loads it by itself", async () => {
  const here = await place();
  await here.submit({ task_type: "patient" });
  const page = await open("about:blank", { origin: here.url });
  let refused = 0;
  await page.route("**/*.wasm", (route) => (refused++ === 0 ? route.abort() : route.fallback()));
  await page.goto(`${here.url}/tasks`);
  await page.locator(".problem").waitFor();
  await page.locator("tbody tr", { hasText: "patient" }).waitFor({ timeout: 20_000 });
  await page.locator(".problem").waitFor({ state: "detached" });
  assert.equal(refused, 2);
  await page.close();
});

test("a page that is opened while the server is gone says so, and shows what there is as soon as it is back", async () => {
  const first = await start();
  const page = await open(first.url);
  await page.getByText("No worker is alive").waitFor();
  await first.kill();
  await page.getByText("The server does not answer.").waitFor();
  await page.getByRole("link", { name: "Tasks" }).click();
  await page.locator(".problem").waitFor();
  const second = await start({ port: first.port });
  await page.getByText("There are no tasks yet").waitFor({ timeout: 20_000 });
  await page.locator(".problem").waitFor({ state: "detached" });
  await page.close();
});

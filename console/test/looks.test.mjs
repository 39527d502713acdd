// Every page, dark and light, wide and narrow: nothing that keeps people out, nothing wider than the screen, nothing executed.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { accessibilityFaults, open, place } from "./place.mjs";

const EVIL = [`<img src=x onerror=alert(1)>`, `<script>alert(2)</script>`, `"><svg onload=alert(3)>`, `javascript:alert(4)`];
const LONG = "a".repeat(100);
/** From here on everything is written from right to left. */
const TURNS = "\u202egnp.exe";

let at;
let paths;
let waiting;
before(async () => {
  at = await place();
  const done = await at.submit({ task_type: EVIL[0], queue: EVIL[1], payload: { [EVIL[2]]: EVIL[1] }, labels: { [EVIL[0]]: EVIL[2], long: LONG, ["k".repeat(64)]: LONG }, idempotency_key: EVIL[3] });
  const job = await at.lease(EVIL[0], { queue: EVIL[1], worker: EVIL[2] });
  await job.progress(10, EVIL[0]);
  await job.say(EVIL.map((message) => ({ kind: "log", level: "error", message })));
  await job.complete({ [EVIL[0]]: EVIL[1] });
  const bad = await at.submit({ task_type: "bad", labels: { of: EVIL[1] } });
  await (await at.lease("bad")).fail(EVIL[1], { error_type: EVIL[0], traceback: EVIL.join("\n") });
  const running = await at.submit({ task_type: `long.${LONG}` });
  const still = await at.lease(`long.${LONG}`, { worker: `worker-${LONG}` });
  await still.progress(40, `${EVIL[0]} ${LONG}`);
  await at.call("/workers", { worker_id: `worker-${LONG}`, queues: [EVIL[1], "default"], handlers: [EVIL[0]], concurrency: 2, host: `${EVIL[2]}`, holds: 1 });
  waiting = await at.submit({ task_type: "waits" });
  const batch = await at.submitBatch([{ task_type: EVIL[2] }, { task_type: "b", delay_seconds: 900 }]);
  paths = ["/", "/tasks", `/tasks?error=${encodeURIComponent(EVIL[1])}&label.of=${encodeURIComponent(EVIL[1])}`, `/tasks/${done}`, `/tasks/${bad}`, `/tasks/${running}`, "/queues", "/workers", `/batches/${batch}`, "/nowhere"];
  const stages = [{ name: "w".repeat(80), task_type: "wide" }, { name: TURNS, task_type: TURNS, depends_on: ["w".repeat(80)] }];
  const pipeline = (await at.call("/pipelines", { name: EVIL[0], stages })).pipeline_id;
  const block = (await at.call("/parallel/execute", { name: EVIL[0], strategy: "all", task_type: "step", steps: [1, 2] })).task_id;
  const none = "01a1fb85-5774-7027-bbeb-d777230fd912";
  paths.push("/tasks?status=failed&error=timed%20out", "/tasks?status=bogus", `/tasks/${none}`, "/tasks/not-an-id", `/batches/${none}`, `/pipelines/${none}`);
  paths.push("/pipelines", `/pipelines/${pipeline}`, `/tasks/${block}`);
});

/** The page with all it has to show. */
async function shown(page, path) {
  await page.goto(at.url + path);
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => document.querySelector(".waiting") === null);
  if (/^\/tasks\//.test(path)) {
    for (const unfold of await page.getByRole("button", { name: "Unfold" }).all()) await page.getByRole("button", { name: "Unfold" }).first().click();
    for (const reveal of await page.getByRole("button", { name: "Reveal" }).all()) await page.getByRole("button", { name: "Reveal" }).first().click();
  }
}

/** What makes the page wider than the screen; nothing when it is not. */
const tooWide = (page) =>
  page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth);
    return ["wider than the screen", ...wide.map((one) => `${one.tagName}.${one.getAttribute("class")}`)];
  });

for (const [theme, width] of [["dark", 1280], ["light", 1280], ["dark", 360], ["light", 360]]) {
  test(`nothing keeps people out, ${theme}, ${width} pixels wide`, async () => {
    const page = await open(at.url, { theme, width });
    for (const path of paths) {
      await shown(page, path);
      assert.deepEqual(await accessibilityFaults(page), [], path);
    }
    await page.goto(`${at.url}/tasks/${waiting}`);
    await page.getByRole("button", { name: "Cancel …" }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "a question about one task");
    await page.goto(`${at.url}/queues`);
    await page.getByRole("button", { name: "pause default" }).click();
    await page.getByRole("button", { name: "Undo" }).waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "a paused queue, and the notice");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("button", { name: "pause default" }).waitFor();
    await page.goto(`${at.url}/tasks`);
    await page.fill("#search", "status:bogus");
    await page.press("#search", "Enter");
    await page.getByRole("alert").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "a search that is refused");
    await page.goto(`${at.url}/tasks`);
    await page.locator("tbody tr").first().waitFor();
    await page.keyboard.press("a");
    await page.locator(".bulk").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").getByRole("button").nth(1).waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "a question");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "keys");
    assert.deepEqual(page.faults, []);
    await page.close();
  });
}

test("360 pixels are enough", async () => {
  const page = await open(at.url, { width: 360 });
  for (const path of paths) {
    await shown(page, path);
    assert.deepEqual(await tooWide(page), [], path);
  }
  await page.goto(`${at.url}/tasks`);
  await page.getByRole("button", { name: "Filters" }).click();
  await page.locator("tbody tr").first().getByRole("checkbox").check();
  await page.locator(".bulk").waitFor();
  assert.deepEqual(await tooWide(page), []);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.close();
});

test("names, labels, logs, results and errors are text and nothing else", async () => {
  const page = await open(at.url);
  for (const path of paths) {
    await shown(page, path);
    const made = await page.evaluate(() => document.querySelectorAll("main img, main script, main [onload], main [onerror], main a[href^='javascript']").length);
    assert.equal(made, 0, path);
  }
  await shown(page, paths[3]);
  const text = await page.locator("body").innerText();
  for (const evil of EVIL) assert.ok(text.includes(evil), evil);
  await shown(page, paths[4]);
  assert.ok((await page.locator(".failure").innerText()).includes(EVIL[1]));
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("the page runs under its policy: nothing is refused, nothing is asked elsewhere", async () => {
  const page = await open(at.url);
  const policy = (await page.request.get(at.url)).headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'/);
  await page.locator("canvas").first().waitFor();
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("labels can be read as far as they go", async () => {
  const page = await open(at.url);
  await shown(page, paths[3]);
  for (const label of await page.locator(".facts .label").all()) {
    const cut = await label.evaluate((one) => [one, ...one.children].filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline").length);
    assert.equal(cut, 0, await label.innerText());
  }
  assert.equal(await page.locator(".facts .label", { hasText: "long" }).getAttribute("title"), `long=${LONG}`);
  await page.close();
});

test("a name stays within its stage, and is told in full", async () => {
  const page = await open(at.url);
  await shown(page, paths.find((path) => /^\/pipelines\/./.test(path) && !path.endsWith("d777230fd912")));
  const stage = page.locator("a.node").first();
  await stage.waitFor();
  const widths = await stage.evaluate((node) => [node.querySelector("rect"), node.querySelector(".node-name")].map((one) => one.getBoundingClientRect().right));
  assert.ok(widths[1] <= widths[0], `${widths[1]} is beyond ${widths[0]}`);
  assert.match(await stage.locator(".node-name").textContent(), /^w+…$/);
  assert.equal(await stage.locator("title").textContent(), "w".repeat(80));
  await page.close();
});

test("a letter that turns the direction of writing turns nothing beside its own text", async () => {
  const id = await at.submit({ task_type: "turned", payload: { file: TURNS } });
  const job = await at.lease("turned");
  await job.say([{ kind: "log", level: "info", message: TURNS }]);
  const page = await open(`${at.url}/tasks/${id}`);
  const line = page.locator(".line span", { hasText: "gnp.exe" });
  await line.waitFor();
  assert.equal(await line.evaluate((span) => getComputedStyle(span).unicodeBidi), "isolate");
  await page.getByRole("button", { name: "Unfold" }).first().click();
  await page.getByRole("button", { name: "Reveal" }).first().click();
  assert.match(await page.getByRole("region", { name: "Payload" }).locator("pre").innerText(), /"\\u202egnp\.exe"/);
  await job.complete();
  await page.close();
});

test("a server that asks for its key keeps nobody out", async () => {
  const locked = await place({ key: "a-key-of-some-length", env: { WINDLASS_SERVER_KEY: "a-key-of-some-length" } });
  for (const theme of ["dark", "light"]) {
    const page = await open(locked.url, { theme, width: 360 });
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    assert.deepEqual(await tooWide(page), []);
    await page.close();
  }
});

// Every page, dark and light, wide and narrow: nothing that keeps people out, nothing wider than the screen, nothing executed.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { accessibilityFaults, open, place } from "./place.mjs";

const EVIL = [`<img src=x onerror=alert(1)>`, `<script>alert(2)</script>`, `"><svg onload=alert(3)>`, `javascript:alert(4)`];
const LONG = "a".repeat(100);

let at;
let paths;
before(async () => {
  at = await place();
  const done = await at.submit({ task_type: EVIL[0], queue: EVIL[1], payload: { [EVIL[2]]: EVIL[1] }, labels: { [EVIL[0]]: EVIL[2], long: LONG }, idempotency_key: EVIL[3] });
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
  const batch = await at.submitBatch([{ task_type: EVIL[2] }, { task_type: "b", delay_seconds: 900 }]);
  paths = ["/", "/tasks", `/tasks?error=${encodeURIComponent(EVIL[1])}&label.of=${encodeURIComponent(EVIL[1])}`, `/tasks/${done}`, `/tasks/${bad}`, `/tasks/${running}`, "/queues", "/workers", `/batches/${batch}`, "/nowhere"];
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

for (const theme of ["dark", "light"]) {
  test(`nothing keeps people out, ${theme}`, async () => {
    const page = await open(at.url, { theme });
    for (const path of paths) {
      await shown(page, path);
      assert.deepEqual(await accessibilityFaults(page), [], path);
    }
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

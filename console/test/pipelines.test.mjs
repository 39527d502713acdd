// Pipelines: the list, and the graph with the states of its stages as they change.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { accessibilityFaults, open, place } from "./place.mjs";

const EVIL = `<img src=x onerror=alert(1)>`;
const stage = (name, depends_on = [], more = {}) => ({ name, depends_on, task_type: `of-${name}`, max_retries: 0, ...more });

let at;
const submit = async (name, stages) => (await at.call("/pipelines", { name, stages })).pipeline_id;
before(async () => (at = await place()));

test("the graph is drawn with live states, and leads to the tasks", async () => {
  const id = await submit("nightly", [stage("extract"), stage("left", ["extract"]), stage("right", ["extract"]), stage("load", ["left", "right", "extract"])]);
  const page = await open(`${at.url}/pipelines`);
  await page.getByRole("link", { name: "nightly" }).click();
  await page.getByRole("heading", { name: "nightly" }).waitFor();
  const node = (name, status) => page.locator(`a.node[data-stage="${name}"][data-status="${status}"]`);
  await node("extract", "pending").waitFor();
  await node("load", "blocked").waitFor();
  assert.equal(await page.locator(".edge").count(), 5);
  // From the top down, and nothing over another.
  const top = async (name) => Number(await page.locator(`a.node[data-stage="${name}"] rect`).getAttribute("y"));
  assert.ok((await top("extract")) < (await top("left")) && (await top("left")) === (await top("right")) && (await top("right")) < (await top("load")));
  const across = async (name) => Number(await page.locator(`a.node[data-stage="${name}"] rect`).getAttribute("x"));
  assert.ok(Math.abs((await across("left")) - (await across("right"))) >= 168);
  const job = await at.lease("of-extract");
  await job.start();
  await node("extract", "running").waitFor();
  await job.complete({ rows: 3 });
  await node("extract", "completed").waitFor();
  await node("left", "pending").waitFor();
  await page.getByText("1 of 4 stages ended").waitFor();
  await (await at.lease("of-left")).fail("no such file");
  await node("left", "failed").waitFor();
  await node("load", "cancelled").waitFor();
  await page.locator(".row-note", { hasText: "no such file" }).waitFor();
  await (await at.lease("of-right")).complete();
  await page.getByRole("button", { name: "Retry" }).click();
  await node("left", "pending").waitFor();
  await (await at.lease("of-left")).complete();
  await (await at.lease("of-load")).complete();
  await node("load", "completed").waitFor();
  await page.getByText("4 of 4 stages ended").waitFor();
  await page.locator('a.node[data-stage="load"]').focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "of-load" }).waitFor();
  await page.locator(`a[href="/pipelines/${id}"]`).click();
  await page.getByRole("heading", { name: "nightly" }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a pipeline is cancelled when that is meant", async () => {
  const id = await submit("waits", [stage("nobody")]);
  const page = await open(`${at.url}/pipelines/${id}`);
  await page.getByRole("button", { name: "Cancel …" }).click();
  await page.getByRole("button", { name: "Cancel the pipeline" }).click();
  await page.locator('a.node[data-status="cancelled"]').waitFor();
  assert.equal((await at.call(`/pipelines/${id}`)).status, "cancelled");
  await page.close();
});

test("what is not there says so, by a key as well", async () => {
  const here = await place();
  const page = await open(here.url);
  await page.getByText("No worker is alive").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.getByText("No pipeline is stored").waitFor();
  await page.goto(`${here.url}/pipelines/0190163d-8694-739b-aea5-966c26f8ad91`);
  await page.getByRole("heading", { name: "No such pipeline" }).waitFor();
  await page.close();
});

test("nothing keeps people out, and nothing is wider than the screen", async () => {
  const wide = Array.from({ length: 9 }, (_, n) => stage(`wide-${n}`));
  const id = await submit(EVIL, [...wide, stage(EVIL.repeat(3), wide.map(({ name }) => name)), stage("a".repeat(100), [EVIL.repeat(3)])]);
  for (const theme of ["dark", "light"]) {
    for (const width of [360, 1280]) {
      const page = await open(`${at.url}/pipelines`, { theme, width });
      await page.locator("tbody tr").first().waitFor();
      assert.deepEqual(await accessibilityFaults(page), [], `list, ${theme}, ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `list, ${width}`);
      await page.goto(`${at.url}/pipelines/${id}`);
      await page.locator("a.node").nth(10).waitFor();
      assert.deepEqual(await accessibilityFaults(page), [], `${theme}, ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${width}`);
      assert.deepEqual(page.faults, []);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${theme}-${width}.png` });
      await page.close();
    }
  }
});

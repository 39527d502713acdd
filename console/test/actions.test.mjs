// What operators do: cancel, retry and pause, one by one and over a filter, counted and confirmed; and nothing of it when the console only reads.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { open, place } from "./place.mjs";

let at;
before(async () => (at = await place()));

const rows = (page, count) => page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n && !document.querySelector(".stale"), count);
const statuses = async (ids) => (await at.call("/tasks/find", { task_ids: ids })).tasks.map(({ status }) => status);

describe("in bulk", () => {
  test("selected rows are cancelled after a count and a question, and only those", async () => {
    const ids = await at.submitAll(Array.from({ length: 4 }, () => ({ task_type: "rows", queue: "rows" })));
    await (await at.lease("rows", { queue: "rows" })).complete();
    const page = await open(`${at.url}/tasks?queue=rows`);
    await rows(page, 4);
    await page.locator("tbody tr").nth(0).getByRole("checkbox").check();
    await page.locator("tbody tr").nth(1).getByRole("checkbox").check();
    await page.locator("tbody tr", { hasText: "completed" }).getByRole("checkbox").check();
    await page.getByText("3 tasks selected").waitFor();
    await page.locator(".bulk").getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel 2 tasks?" });
    await dialog.getByText("1 of the selected ended already").waitFor();

    // Asked, and not done.
    await dialog.getByRole("button", { name: "Keep them" }).click();
    assert.deepEqual((await statuses(ids)).sort(), ["completed", "pending", "pending", "pending"]);
    await page.locator(".bulk").getByRole("button", { name: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Cancel 2 tasks" }).click();
    await page.getByText("2 tasks cancelled").waitFor();
    assert.deepEqual((await statuses(ids)).sort(), ["cancelled", "cancelled", "completed", "pending"]);
    await page.locator(".bulk").waitFor({ state: "detached" });
    await page.close();
  });

  test("all that match are counted first, then cancelled, then run again", async () => {
    const meant = await at.submitAll(Array.from({ length: 130 }, () => ({ task_type: "many", queue: "many", labels: { wave: "1" } })));
    const others = await at.submitAll(Array.from({ length: 5 }, () => ({ task_type: "many", queue: "many", labels: { wave: "2" } })));
    const page = await open(`${at.url}/tasks?queue=many&label.wave=1`);
    await rows(page, 50);
    await page.getByLabel("select all on this page").check();
    await page.getByText("50 tasks selected").waitFor();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.locator(".bulk").getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel 130 tasks?" });
    await dialog.waitFor();
    assert.match(await dialog.innerText(), /queue\s*many[\s\S]*wave\s*1/);
    // What comes after the count was not meant.
    const late = await at.submit({ task_type: "many", queue: "many", labels: { wave: "1" } });
    await dialog.getByRole("button", { name: "Cancel 130 tasks" }).click();
    await page.getByText("130 tasks cancelled").waitFor();
    assert.deepEqual(new Set(await statuses(meant)), new Set(["cancelled"]));
    assert.deepEqual(new Set(await statuses([...others, late])), new Set(["pending"]));

    await page.goto(`${at.url}/tasks?queue=many&status=cancelled`);
    await rows(page, 50);
    await page.getByLabel("select all on this page").check();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.locator(".bulk").getByRole("button", { name: "Retry" }).click();
    await page.getByRole("button", { name: "Retry 130 tasks" }).click();
    await page.getByText("130 tasks to be run again").waitFor();
    assert.deepEqual(new Set(await statuses(meant)), new Set(["pending"]));
    assert.deepEqual(page.faults, []);
    await page.close();
  });

  test("a filter that reaches into the future changes those that were counted, and none that came later", async () => {
    const meant = await at.submitAll(Array.from({ length: 60 }, () => ({ task_type: "future", queue: "future" })));
    const page = await open(`${at.url}/tasks?queue=future&until=2126-01-01T00:00:00Z`);
    await rows(page, 50);
    await page.getByLabel("select all on this page").check();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.locator(".bulk").getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel 60 tasks?" });
    await dialog.waitFor();
    const late = await at.submitAll(Array.from({ length: 3 }, () => ({ task_type: "future", queue: "future" })));
    await dialog.getByRole("button", { name: "Cancel 60 tasks" }).click();
    await page.getByText("60 tasks cancelled").waitFor();
    assert.deepEqual(new Set(await statuses(late)), new Set(["pending"]));
    assert.deepEqual(new Set(await statuses(meant)), new Set(["cancelled"]));
    await page.close();
  });

  test("what is taken from all that match leaves the other rows that are seen", async () => {
    await at.submitAll(Array.from({ length: 60 }, () => ({ task_type: "taken", queue: "taken" })));
    const page = await open(`${at.url}/tasks?queue=taken`);
    await rows(page, 50);
    await page.getByLabel("select all on this page").check();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.getByRole("button", { name: "Older" }).click();
    await rows(page, 10);
    const boxes = page.locator("tbody tr").getByRole("checkbox");
    assert.deepEqual(await boxes.evaluateAll((all) => all.map((box) => box.checked)), Array(10).fill(true));
    await boxes.nth(3).click();
    await page.getByText("9 tasks selected").waitFor();
    assert.deepEqual(await boxes.evaluateAll((all) => all.map((box) => box.checked)), Array.from({ length: 10 }, (_, i) => i !== 3));
    await page.close();
  });

  test("what is run again in parts, and ends again meanwhile, is not run once more in place of others", async () => {
    const again = { task_type: "again", queue: "again" };
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push(...(await at.submitAll(Array.from({ length: 700 }, () => again))));
    await at.call("/tasks/cancel?queue=again", {});
    const page = await open(`${at.url}/tasks?queue=again&status=cancelled`);
    await rows(page, 50);
    let calls = 0;
    await page.route("**/tasks/retry?**", async (route) => {
      const answer = await route.fetch();
      if (calls++ === 0) await at.call("/tasks/cancel?queue=again", {});
      await route.fulfill({ response: answer });
    });
    await page.getByLabel("select all on this page").check();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.locator(".bulk").getByRole("button", { name: "Retry" }).click();
    await page.getByRole("button", { name: "Retry 2,100 tasks" }).click();
    await page.getByText("2,100 tasks to be run again").waitFor();
    assert.equal(calls, 2);
    assert.deepEqual(new Set(await statuses(ids.slice(0, 100))), new Set(["pending"]));
    assert.deepEqual(new Set(await statuses(ids.slice(-100))), new Set(["cancelled"]));
    await page.close();
  });

  test("nothing that can be changed is said, and nothing is asked", async () => {
    await at.submit({ task_type: "done", queue: "done" });
    await (await at.lease("done", { queue: "done" })).complete();
    const page = await open(`${at.url}/tasks?queue=done`);
    await rows(page, 1);
    await page.getByLabel("select all on this page").check();
    await page.locator(".bulk").getByRole("button", { name: "Retry" }).click();
    const dialog = page.getByRole("dialog", { name: "Nothing to retry" });
    await dialog.waitFor();
    assert.deepEqual(await dialog.getByRole("button").allInnerTexts(), ["Close"]);
    await page.close();
  });
});

test("one task is cancelled, and run again", async () => {
  const id = await at.submit({ task_type: "single" });
  const page = await open(`${at.url}/tasks/${id}`);
  await page.getByRole("button", { name: "Cancel …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the task" }).click();
  await page.getByText("single is cancelled").waitFor();
  await page.locator(".task-name .status", { hasText: "cancelled" }).waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByText("single is to be run again").waitFor();
  await page.locator(".task-name .status", { hasText: "pending" }).waitFor();
  const job = await at.lease("single");
  await job.start();
  // The history goes on where it was, though it had ended.
  await page.locator(".task-name .status", { hasText: "running" }).waitFor();
  await page.locator("rect.bar-running").waitFor();
  await page.getByRole("button", { name: "Cancel …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the task" }).click();
  await page.getByText("single is told to stop").waitFor();
  await page.locator(".task-name .status", { hasText: "cancelling" }).waitFor();
  await page.close();
});

test("a queue is paused, and goes on by way of the notice", async () => {
  await at.submit({ task_type: "p", queue: "line" });
  const page = await open(`${at.url}/queues`);
  await page.getByRole("button", { name: "pause line" }).click();
  await page.locator("tbody tr", { hasText: "line" }).getByText("paused", { exact: true }).waitFor();
  assert.equal((await at.call("/queues/line")).paused, true);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("line goes on").waitFor();
  assert.equal((await at.call("/queues/line")).paused ?? false, false);
  await page.close();
});

test("a batch is cancelled", async () => {
  const id = await at.submitBatch([{ task_type: "x" }, { task_type: "x" }]);
  const page = await open(`${at.url}/batches/${id}`);
  await page.getByRole("button", { name: "Cancel …" }).click();
  await page.getByRole("dialog", { name: "Cancel 2 tasks of this batch?" }).getByRole("button", { name: "Cancel the batch" }).click();
  await page.getByText("The batch is cancelled").waitFor();
  await page.getByText("2 of 2 tasks ended").waitFor();
  await page.close();
});

test("what the server refuses is told, and changes nothing", async () => {
  const page = await open(`${at.url}/tasks?since=yesterday`);
  const problem = page.getByRole("alert");
  await problem.waitFor();
  assert.match(await problem.innerText(), /invalid_argument/);
  await problem.getByRole("button", { name: "Try again" }).waitFor();
  await page.close();
});

test("a console that only reads offers nothing that changes anything", async () => {
  const here = await place({ args: ["--console", "read-only"] });
  const id = await here.submit({ task_type: "kept", queue: "kept" });
  const batch = await here.submitBatch([{ task_type: "kept" }]);
  const page = await open(`${here.url}/tasks/${id}`);
  await page.getByRole("heading", { name: "kept" }).waitFor();
  await page.getByText("read-only").waitFor();
  await page.keyboard.press("c");
  const offers = async () => (await page.getByRole("button").allInnerTexts()).filter((text) => /\b(cancel|retry|pause|resume)\b/i.test(text));
  assert.deepEqual(await offers(), []);
  assert.equal(await page.getByRole("dialog").count(), 0);
  for (const path of ["/", "/tasks", "/queues", "/workers", `/batches/${batch}`]) {
    await page.goto(here.url + path);
    await page.getByText("read-only").waitFor();
    await page.locator(".lines, tbody tr, .empty").first().waitFor();
    assert.deepEqual(await offers(), [], path);
    assert.equal(await page.getByRole("checkbox").count(), 0, path);
  }
  await page.close();
});

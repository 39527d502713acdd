// Every page shows what is, and what becomes of it, against a real server.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { open, place } from "./place.mjs";

let at;
before(async () => (at = await place()));

describe("without tasks", () => {
  test("every page says what to do", async () => {
    const empty = await place();
    const page = await open(empty.url);
    await page.getByText("No worker is alive").waitFor();
    assert.match(await page.locator("main").innerText(), /windlass tasks submit hello/);
    assert.match(await page.locator("main").innerText(), /windlass worker/);
    await page.goto(`${empty.url}/tasks`);
    await page.getByText("There are no tasks yet").waitFor();
    await page.goto(`${empty.url}/queues`);
    await page.getByText("No queue has tasks").waitFor();
    await page.goto(`${empty.url}/tasks/01900000-0000-7000-8000-000000000000`);
    await page.getByText("No such task").waitFor();
    await page.goto(`${empty.url}/batches/01900000-0000-7000-8000-000000000000`);
    await page.getByText("No such batch").waitFor();
    await page.goto(`${empty.url}/nowhere`);
    await page.getByText("No such page").waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
  });
});

test("a link puts no command of its own into the clipboard", async () => {
  const page = await open(at.url);
  for (const [path, title] of [["tasks", "No such task"], ["batches", "No such batch"]]) {
    await page.goto(`${at.url}/${path}/x%3Bcurl%20evil%7Csh`);
    await page.getByRole("heading", { name: title }).waitFor();
    assert.doesNotMatch(await page.locator("main").innerText(), /curl/);
    assert.equal(await page.getByRole("button", { name: /copy/i }).count(), 0);
    await page.goto(`${at.url}/${path}/01900000-0000-7000-8000-000000000000`);
    await page.getByText(`windlass ${path} get 01900000-0000-7000-8000-000000000000 --url`).waitFor();
    assert.equal(await page.getByRole("button", { name: /copy/i }).count(), 1);
  }
  await page.close();
});

test("the overview counts, and goes on counting", async () => {
  const here = await place();
  await here.submitAll([{ task_type: "a" }, { task_type: "a", queue: "slow" }, { task_type: "a", delay_seconds: 600 }]);
  const page = await open(here.url);
  const tile = (name) => page.locator(".tile", { hasText: name }).locator(".figure");
  await tile("Pending").filter({ hasText: /^2$/ }).waitFor();
  await tile("Scheduled").filter({ hasText: /^1$/ }).waitFor();
  assert.equal(await page.title(), "Overview · Windlass");
  const job = await here.lease("a");
  await job.start();
  await tile("Running").filter({ hasText: /^1$/ }).waitFor();
  await job.fail("the disk is on fire");
  await tile("Failed").filter({ hasText: /^1$/ }).waitFor();
  // The tasks that were submitted last, of those that failed: what failed last may be an older one.
  await page.getByRole("region", { name: "Newest that failed" }).locator(".line-failure", { hasText: "the disk is on fire" }).waitFor();
  await page.locator(".line-queue", { hasText: "slow" }).waitFor();
  await page.locator("canvas").first().waitFor();
  assert.equal(await page.locator("figure.chart").count(), 3);
  assert.deepEqual(page.faults, []);
  await page.close();
});

describe("tasks", () => {
  let here;
  before(async () => {
    here = await place();
    await here.submitAll([
      ...Array.from({ length: 70 }, (_, i) => ({ task_type: "bulk", queue: "b", labels: { part: String(i % 2) } })),
      { task_type: "mail.send", queue: "mail", labels: { env: "prod" } },
      { task_type: "mail.send", queue: "mail", labels: { env: "test" } },
    ]);
    const job = await here.lease("mail.send", { queue: "mail" });
    await job.start();
    await job.fail("smtp is away");
  });

  test("are searched and filtered together, by the address", async () => {
    const page = await open(`${here.url}/tasks`);
    const rows = page.locator("tbody tr");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    const search = async (words, count) => {
      await page.fill("#search", words);
      await page.press("#search", "Enter");
      await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n && !document.querySelector(".stale"), count);
    };
    await search("queue:mail", 2);
    await search("env=prod", 1);
    assert.match(page.url(), /queue=mail/);
    assert.match(page.url(), /label\.env=prod/);
    await page.getByRole("button", { name: "without env prod" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
    await page.getByRole("button", { name: /^failed/ }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await search("smtp", 1);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    assert.match(await rows.first().innerText(), /smtp is away/);
    await search("nowhere to be found", 0);
    await page.getByText("No task matches").waitFor();
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await page.getByRole("button", { name: "Clear all" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    await page.getByLabel("Created").selectOption("5m");
    await page.waitForURL(/since=5m/);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50 && !document.querySelector(".stale"));
    await page.goto(`${here.url}/tasks?until=2020-01-01T00:00:00Z`);
    await page.getByText("No task matches").waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
  });

  test("are opened by their id", async () => {
    const id = await here.submit({ task_type: "named" });
    const page = await open(`${here.url}/tasks`);
    await page.fill("#search", id);
    await page.press("#search", "Enter");
    await page.getByRole("heading", { name: "named" }).waitFor();
    assert.equal(new URL(page.url()).pathname, `/tasks/${id}`);
    await page.close();
  });

  test("come in pages, each once", async () => {
    const page = await open(`${here.url}/tasks?queue=b`);
    const ids = () => page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.dataset.id));
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    const first = await ids();
    await page.getByRole("button", { name: "Older" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 20);
    const second = await ids();
    assert.equal(new Set([...first, ...second]).size, 70);
    await page.getByRole("button", { name: "Newer" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    assert.deepEqual(await ids(), first);
    await page.close();
  });

  test("are where they were when somebody comes back from one", async () => {
    const page = await open(`${here.url}/tasks?queue=b`);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    const row = page.locator("tbody tr").nth(40);
    await row.scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => scrollY);
    assert.ok(before > 300);
    await row.getByRole("link").click();
    await page.getByRole("heading", { name: "bulk" }).waitFor();
    assert.equal(await page.evaluate(() => scrollY), 0);
    await page.goBack();
    await page.waitForFunction((at) => Math.abs(scrollY - at) < 40, before);
    await page.close();
  });

  test("change where they stand, and what is new waits to be shown", async () => {
    const id = await here.submit({ task_type: "live", queue: "live" });
    const page = await open(`${here.url}/tasks?queue=live`);
    const row = page.locator(`tr[data-id="${id}"]`);
    await row.getByText("pending", { exact: true }).waitFor();
    await page.getByText("live", { exact: true }).first().waitFor();
    const job = await here.lease("live", { queue: "live" });
    await job.start();
    await row.getByText("running", { exact: true }).waitFor();
    await job.complete({});
    await row.getByText("completed", { exact: true }).waitFor();
    const more = await here.submit({ task_type: "live", queue: "live" });
    const fresh = page.getByRole("button", { name: "1 new · show" });
    await fresh.waitFor();
    assert.equal(await page.locator("tbody tr").count(), 1);
    await fresh.click();
    await page.locator(`tr[data-id="${more}"]`).waitFor();
    assert.equal(await page.locator("tbody tr").first().getAttribute("data-id"), more);
    await fresh.waitFor({ state: "hidden" });
    await page.close();
  });
});

describe("one task", () => {
  test("tells why it waits, how it goes, what it says, and how it ends", async () => {
    const id = await at.submit({
      task_type: "report", payload: { secret: "s3cret", parts: [1, 2] }, labels: { team: "x" }, idempotency_key: "report-1", max_retries: 2, timeout_seconds: 90,
    });
    const page = await open(`${at.url}/tasks/${id}`);
    await page.getByText("no worker", { exact: true }).waitFor();
    const job = await at.lease("report");
    await job.progress(25, "a quarter");
    await page.getByText("25 %").waitFor();
    await page.getByText("a quarter").waitFor();
    await job.log("line one");
    await job.log("careful", "warning");
    await page.locator(".line", { hasText: "line one" }).waitFor();
    await page.getByLabel("Level").selectOption("warning");
    await page.locator(".line", { hasText: "line one" }).waitFor({ state: "detached" });
    assert.equal(await page.locator(".line").count(), 1);
    assert.equal(await page.locator(".running").count(), 1);
    await job.complete({ url: "out.csv" });
    await page.locator(".task-name .status", { hasText: "completed" }).waitFor();
    await page.waitForFunction(() => document.title === "report · completed · Windlass");
    const text = await page.locator("main").innerText();
    for (const fact of ["report-1", "team", "hand", "1 min 30 s", "1 of 3"]) assert.ok(text.includes(fact), fact);
    assert.match(await page.locator(".timeline svg").getAttribute("aria-label"), /It ran once/);
    assert.equal(await page.locator("rect.bar-completed").count(), 1);

    // Folded, then masked, then told.
    assert.ok(!text.includes("s3cret") && !text.includes("out.csv"));
    const payload = page.getByRole("region", { name: "Payload" });
    await payload.getByRole("button", { name: "Unfold" }).click();
    assert.match(await payload.locator("pre").innerText(), /"secret": "•••"/);
    assert.ok(!(await page.content()).includes("s3cret"));
    await payload.getByRole("button", { name: "Reveal" }).click();
    assert.match(await payload.locator("pre").innerText(), /"secret": "s3cret"/);
    assert.deepEqual(page.faults, []);
    await page.close();
  });

  test("draws each attempt, and shows the error with its traceback", async () => {
    const id = await at.submit({ task_type: "flaky", retry: { max_retries: 1, initial_delay_seconds: 0.05, jitter: 0 } });
    const first = await at.lease("flaky");
    await first.fail("not yet", { retryable: true });
    const second = await at.lease("flaky");
    await second.fail("never", { retryable: true });
    const page = await open(`${at.url}/tasks/${id}`);
    await page.getByRole("region", { name: "Error" }).getByText("never").waitFor();
    await page.getByText("line 7, in run").waitFor();
    await page.locator("text.turn-name", { hasText: "Attempt 2" }).waitFor();
    assert.equal(await page.locator("rect.bar-failed").count(), 2);
    assert.equal(await page.locator("rect.bar-scheduled").count(), 1);
    assert.match(await page.locator(".timeline svg").getAttribute("aria-label"), /It ran 2 times/);
    await page.close();
  });
});

test("queues are counted; workers and what they run are listed", async () => {
  const here = await place();
  await here.submitAll([{ task_type: "w", queue: "mail" }, { task_type: "w", queue: "mail" }]);
  const job = await here.lease("w", { queue: "mail", worker: "hand-1" });
  await job.progress(50, "half");
  await here.call("/workers", { worker_id: "hand-1", queues: ["mail"], handlers: ["w", ""], concurrency: 4, host: "here:1", holds: 1 });
  const page = await open(`${here.url}/queues`);
  const row = page.locator("tbody tr", { hasText: "mail" });
  await row.waitFor();
  assert.deepEqual((await row.locator(".cell-number").allInnerTexts()).slice(0, 5), ["1", "1", "0", "0", "0"]);
  await page.goto(`${here.url}/workers`);
  const worker = page.locator(".worker", { hasText: "hand-1" });
  await worker.getByText("any other type").waitFor();
  assert.match(await worker.innerText(), /of 4 at once/);
  await worker.locator(".run", { hasText: "50 %" }).click();
  await page.getByRole("heading", { name: "w", exact: true }).waitFor();
  await page.close();
});

test("a batch is counted and listed", async () => {
  const id = await at.submitBatch(Array.from({ length: 3 }, () => ({ task_type: "of-batch" })));
  const page = await open(`${at.url}/batches/${id}`);
  await page.getByText("0 of 3 tasks ended").waitFor();
  await (await at.lease("of-batch")).complete();
  await page.getByText("1 of 3 tasks ended").waitFor();
  await page.getByText("33 %").waitFor();
  assert.equal(await page.locator("tbody tr").count(), 3);
  await page.locator("tbody a").first().click();
  await page.locator(`a[href="/batches/${id}"]`).click();
  await page.getByText("1 of 3 tasks ended").waitFor();
  await page.close();
});

test("a batch, a pipeline, a block and their members lead to one another by their ids", async () => {
  const batch = await at.submitBatch([{ task_type: "member" }]);
  const stages = [{ name: "first", task_type: "stage-of" }];
  const pipeline = (await at.call("/pipelines", { name: "led", stages })).pipeline_id;
  const block = (await at.call("/parallel/execute", { name: "fan", strategy: "quorum", quorum: 2, task_type: "step-of", steps: [1, 2, 3] })).task_id;
  const page = await open(`${at.url}/tasks`);
  const paste = async (id) => {
    await page.fill("#search", id);
    await page.press("#search", "Enter");
  };
  await paste(batch);
  await page.getByRole("heading", { name: "Batch" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/batches/${batch}`);
  await page.goBack();
  await page.getByRole("heading", { name: "Tasks" }).waitFor();
  await paste(pipeline);
  await page.getByRole("heading", { name: "led" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/pipelines/${pipeline}`);
  await page.locator("tbody a").click();
  await page.getByText("first", { exact: true }).waitFor();
  assert.equal(await page.locator(`a[href="/pipelines/${pipeline}"]`).count(), 1);

  await page.goto(`${at.url}/tasks/${block}`);
  const steps = page.getByRole("region", { name: "Steps" });
  await steps.getByText("Strategy quorum · 0 of 3 ended").waitFor();
  await (await at.lease("step-of")).fail("this one not");
  await steps.getByText("1 of 3 ended").waitFor();
  await steps.getByText("this one not").waitFor();
  await (await at.lease("step-of")).complete(1);
  await (await at.lease("step-of")).complete(2);
  await steps.getByText("3 of 3 ended · completed").waitFor();
  await steps.getByRole("link", { name: "Step 2" }).click();
  await page.getByRole("heading", { name: "step-of" }).waitFor();
  await page.locator(`a[href="/tasks/${block}"]`).click();
  await page.getByRole("heading", { name: "fan" }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("not all is well while tasks wait that no live worker takes", async (t) => {
  const here = await place();
  const run_at = new Date(Date.now() - 60_000).toISOString();
  await here.submitAll([{ task_type: "resize", queue: "images", run_at }, { task_type: "send", queue: "mail", run_at }]);
  // They live for 15 s each time they are announced, and the test may take longer.
  const hands = [{ worker_id: "hand-1", queues: ["images", "mail"], handlers: ["send"], concurrency: 4, host: "here:1" }];
  const announce = () => Promise.all(hands.map((hand) => here.call("/workers", hand)));
  await announce();
  const beat = setInterval(() => announce().catch(() => {}), 3000);
  t.after(() => clearInterval(beat));
  const page = await open(here.url);
  await page.getByRole("link", { name: "no worker takes tasks that wait in images" }).click();
  await page.locator("tbody tr", { hasText: "resize" }).getByRole("link").click();
  await page.getByText("no worker", { exact: true }).waitFor();
  await page.goto(here.url);
  hands.push({ worker_id: "hand-2", queues: ["images"], handlers: ["resize"], concurrency: 4, host: "here:1" });
  await announce();
  await page.getByText("all well").waitFor();
  // Those that wait longest come first.
  const wait = (queue, seconds) => here.submit({ task_type: "resize", queue, run_at: new Date(Date.now() - seconds * 1000).toISOString() });
  for (const [at, queue] of ["one", "two", "three"].entries()) await wait(queue, 300 - at);
  await page.getByRole("link", { name: "no worker takes tasks that wait in one, two, three", exact: true }).waitFor();
  for (const queue of ["four", "five"]) await wait(queue, 200);
  await page.getByRole("link", { name: "no worker takes tasks that wait in one, two, three and 2 more" }).waitFor();
  await page.close();
});

test("times are the server's, whatever the clock of the page says", async () => {
  const here = await place();
  const page = await open(here.url, { skew: 3_600_000 });
  await page.getByText("No worker is alive").waitFor();
  await here.submit({ task_type: "timely" });
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  const created = page.locator("tbody tr time");
  await created.waitFor();
  assert.match(await created.innerText(), /^(just now|now|\d+ s ago)$/);
  assert.ok(Math.abs((await page.evaluate(() => Date.now())) - Date.now() - 3_600_000) < 60_000);
  await page.close();
});

test("times are the server's again after the clock of the page was set, however slow the answers are", async () => {
  const here = await place();
  const page = await open("about:blank", { origin: here.url });
  await page.addInitScript(() => {
    window.by = 0;
    const now = Date.now;
    Date.now = () => now() + window.by;
    const ask = window.fetch;
    window.fetch = async (...args) => {
      const answer = await ask(...args);
      if (window.by !== 0) await new Promise((resolve) => setTimeout(resolve, 400));
      return answer;
    };
  });
  await page.goto(here.url);
  await page.getByText("No figures yet").or(page.locator("figure.chart").first()).waitFor();
  await page.evaluate(() => (window.by = 3_600_000));
  const corrected = page.waitForResponse((response) => response.url().includes("/history"), { timeout: 30_000 });
  await (await corrected).finished();
  await here.submit({ task_type: "timely" });
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.locator("tbody tr time").filter({ hasText: /^(just now|now|\d+ s ago)$/ }).waitFor();
  await page.close();
});

test("going from task to task leaves no connection behind", async () => {
  // A browser gives a host six connections; each of these pages follows a task that has not ended.
  const here = await place();
  const ids = await here.submitAll(Array.from({ length: 12 }, () => ({ task_type: "open", queue: "open" })));
  const page = await open(`${here.url}/tasks?queue=open`);
  for (const id of ids) {
    await page.locator(`tr[data-id="${id}"] a`).click();
    await page.getByRole("heading", { name: "open" }).waitFor();
    await page.locator("rect.bar-pending").waitFor();
    await page.goBack();
    await page.locator("tbody tr").first().waitFor();
  }
  await page.close();
});

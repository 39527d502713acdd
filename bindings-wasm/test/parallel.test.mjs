// Steps under a strategy in a page: what is fetched for it, and the same outcomes as in Node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";

const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'";
const FIRST = `
import { parallel } from "/dist/index.js";
parallel([1, 2, 3], (n) => n * n).then(
  (block) => (document.title = block.values().join()),
  ({ code, fields }) => (document.title = code + " " + fields.operation),
);`;
const page = '<!doctype html><html lang="en"><title>waits</title><script type="module" src="/first.js"></script>';

let place;
before(async () => {
  const headers = (path) => {
    if (path === "/strict") return { "Content-Security-Policy": `${POLICY} 'wasm-unsafe-eval'` };
    return path === "/stricter" ? { "Content-Security-Policy": POLICY } : {};
  };
  place = await stage(headers, { "/strict": page, "/stricter": page, "/first.js": { body: FIRST, type: "text/javascript" } });
});
after(() => place?.close());

const wasm = (asked) => asked.filter((path) => path.includes("/wasm/")).sort();

test("a page that only runs steps fetches the rules alone, once, under a strict policy", async () => {
  const since = place.site.requests.length;
  const page = await place.open("/strict");
  await page.waitForFunction(() => document.title === "1,4,9");
  await page.evaluate(async () => (await (await import("/dist/index.js")).parallel([1], (n) => n)).status);
  assert.deepEqual(wasm(place.site.requests.slice(since)), ["/dist/wasm/rules.js", "/dist/wasm/rules_bg.wasm"]);
  assert.deepEqual(page.said, []);
});

test("rules that may not run are an error that says so", async () => {
  const page = await place.open("/stricter");
  await page.waitForFunction(() => document.title === "store_unavailable load rules");
});

test("every strategy ends as in Node", async () => {
  // PAR-21..PAR-25
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { parallel } = await import("/dist/index.js");
    const aborted = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    const step = (what, { signal }) => {
      if (what === "waits") return aborted(signal);
      if (what === "fails") throw new RangeError("fails");
      return what;
    };
    const run = async (steps, options) => {
      const block = await parallel(steps, step, options);
      return [block.status, block.results.map(({ status }) => status.slice(0, 4)).join()];
    };
    const soon = () => {
      const caller = new AbortController();
      setTimeout(() => caller.abort(), 5);
      return caller.signal;
    };
    return {
      all: await run(["a", "fails", "b"], {}),
      none: await run([], { strategy: "race" }),
      any_success: await run(["fails", "waits", "a"], { strategy: "any_success" }),
      race: await run(["waits", "fails"], { strategy: "race" }),
      quorum: await run(["a", "waits", "b", "waits"], { strategy: "quorum(2)" }),
      throttled: await run(["a", "b", "c"], { strategy: "throttled", ratePerSecond: 100 }),
      custom: await run(["a", "waits"], { strategy: "custom", custom: ({ completed }) => (completed ? "satisfied" : "keep_going") }),
      timeout: await run(["a", "waits"], { timeoutMs: 10 }),
      cancelled: await run(["a", "waits"], { signal: soon() }),
    };
  });
  assert.deepEqual(told, {
    all: ["partial", "comp,fail,comp"],
    none: ["completed", ""],
    any_success: ["completed", "fail,canc,comp"],
    race: ["failed", "canc,fail"],
    quorum: ["completed", "comp,canc,comp,canc"],
    throttled: ["completed", "comp,comp,comp"],
    custom: ["completed", "comp,canc"],
    timeout: ["timeout", "comp,canc"],
    cancelled: ["cancelled", "comp,canc"],
  });
  assert.deepEqual(page.said, []);
});

test("bad input names its field, and no step starts", async () => {
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { InvalidArgumentError, ParallelExecutor, parallel } = await import("/dist/index.js");
    const fields = [];
    const bad = [
      () => parallel([1, 2, 3], step, { strategy: "collect" }),
      () => parallel([1, 2, 3], step, { maxConcurrency: 0 }),
      () => parallel([1, 2, 3], step, { maxConcurrency: 1.5 }),
      () => parallel([1, 2, 3], step, { strategy: "quorum", quorum: 5 }),
      () => parallel([1, 2, 3], step, { timeoutMs: 0 }),
      () => parallel([1, 2, 3], null),
      () => parallel(5, step),
      // A page learns this by the first block.
      () => new ParallelExecutor({ defaultMaxConcurrency: -1 }).executeParallelSteps([1], step),
    ];
    let started = 0;
    const step = () => started++;
    for (const call of bad) {
      const error = await call().catch((error) => error);
      fields.push(error instanceof InvalidArgumentError ? error.field : String(error));
    }
    return [started, fields];
  });
  const fields = ["strategy", "max_concurrency", "max_concurrency", "quorum", "timeout_seconds", "fn", "steps", "max_concurrency"];
  assert.deepEqual(told, [0, fields]);
});

test("blocks run by an executor, and a page is drawn while steps never wait", async () => {
  // CORE-01, PAR-01, PAR-08..PAR-12, PAR-27..PAR-42
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { ExecutorInterface, ParallelExecutor, ParallelStrategy } = await import("/dist/index.js");
    const executor = new ParallelExecutor({ defaultMaxConcurrency: 10, enableResourceMonitoring: true });
    const block = { name: "data_processing", strategy: ParallelStrategy.ALL, steps: ["item1", "item2", "item3"], max_concurrency: 3 };
    const result = await executor.executeParallelBlock(block, async (item) => `processed_${item}`);
    let turns = 0;
    let over = false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      turns++;
      if (!over) port2.postMessage(null);
    };
    port2.postMessage(null);
    const many = await executor.executeParallelSteps(Array.from({ length: 200_000 }, (_, n) => n), async (n) => n);
    over = true;
    return {
      is: executor instanceof ExecutorInterface,
      result: [result.blockName, result.overallStatus, result.completedTasks, result.metadata],
      ids: result.results.map(({ taskId, result }) => [taskId, result]),
      many: many.length,
      turns,
    };
  });
  const { resources } = told.result.pop();
  assert.deepEqual(told.result, ["data_processing", "completed", 3]);
  assert.deepEqual([resources.peakConcurrency, resources.cpuSeconds], [3, null]);
  assert.deepEqual(told.ids, [1, 2, 3].map((n) => [`data_processing-${n - 1}`, `processed_item${n}`]));
  assert.deepEqual([told.is, told.many], [true, 200_000]);
  assert.ok(told.turns > 2, `${told.turns}`);
});

test("advice is for what the browser tells of its machine", async () => {
  // RES-03..RES-11
  const page = await place.open();
  const told = await page.evaluate(async () => {
    const { AdaptiveExecutor, BatchProcessor, calculateOptimalConcurrency } = await import("/dist/index.js");
    const adaptive = new AdaptiveExecutor((n) => n + 1, { baseConcurrency: 4 });
    const results = await adaptive.executeWithAdaptiveConcurrency([1, 2]);
    const batches = await new BatchProcessor((batch) => batch.length).processInOptimalBatches(Array(1_050).fill(0), "api_calls");
    const concurrency = [];
    for (const kind of ["cpu_intensive", "io_intensive", "mixed", "other"]) concurrency.push(await calculateOptimalConcurrency(kind));
    return {
      concurrency,
      cores: navigator.hardwareConcurrency,
      results: results.map(({ result }) => result),
      history: adaptive.performanceHistory.map(({ concurrency, processorsShare }) => [concurrency, processorsShare]),
      batches: batches.map(({ result }) => result),
    };
  });
  const [cores] = told.concurrency;
  assert.ok(cores >= 1 && cores <= told.cores, `${cores} of ${told.cores}`);
  assert.deepEqual(told.concurrency, [cores, Math.min(cores * 8, 200), cores * 2, cores * 4]);
  assert.deepEqual([told.results, told.history], [[2, 3], [[4, null]]]);
  assert.deepEqual(told.batches, Array(21).fill(50));
});

test("functions with dependencies run as in Node, by a part of their own", async () => {
  // DYN-01..DYN-13
  const page = await place.open();
  const since = place.site.requests.length;
  const told = await page.evaluate(async () => {
    const { DynamicParallelExecutor, DynamicWorkerPool, ExecutionTask, TaskPriority } = await import("/dist/index.js");
    const order = [];
    const push = (name) => order.push(name);
    const executor = new DynamicParallelExecutor({ maxWorkers: 1 });
    const before = executor.getPerformanceMetrics().total;
    const done = await executor.executeParallel([
      new ExecutionTask("report", push, { args: ["report"], dependencies: ["load"] }),
      new ExecutionTask("slow", push, { args: ["slow"], priority: "low" }),
      new ExecutionTask("load", push, { args: ["load"], priority: TaskPriority.HIGH }),
      new ExecutionTask("late", ({ signal }) => new Promise((_, no) => signal.addEventListener("abort", no)), { timeoutSeconds: 0.01 }),
      new ExecutionTask("after", push, { dependencies: ["late"] }),
    ]);
    const circle = await executor
      .executeParallel([
        new ExecutionTask("a", push, { dependencies: ["b"] }),
        new ExecutionTask("b", push, { dependencies: ["a"] }),
      ])
      .catch(({ field, reason }) => [field, reason]);
    const pool = new DynamicWorkerPool({ minWorkers: 1, maxWorkers: 2 });
    const ids = await Promise.all(["x", "y", "z"].map((id) => pool.submitTask(new ExecutionTask(id, async () => id + id))));
    const waited = await pool.waitForCompletion(60);
    const { completed, failed, timedOut, cancelled } = executor.getPerformanceMetrics();
    const errors = Object.entries(done.errors).map(([id, { code }]) => [id, code]);
    const said = executor.getOptimizationRecommendations();
    return { before, order, errors, circle, ids, waited, results: pool.results, counts: [completed, failed, timedOut, cancelled], said };
  });
  assert.deepEqual(told.order, ["load", "report", "slow"]);
  assert.deepEqual(told.errors, [["late", "task_timeout"], ["after", "task_cancelled"]]);
  assert.deepEqual([told.before, told.counts], [0, [3, 1, 1, 1]]);
  assert.deepEqual(told.circle[0], "dependencies");
  assert.match(told.circle[1], /goes in a circle: (a → b → a|b → a → b)$/);
  assert.deepEqual([told.ids, told.waited, told.results], [["x", "y", "z"], true, { x: "xx", y: "yy", z: "zz" }]);
  assert.match(told.said.join(), /ran into their timeout/);
  assert.deepEqual(wasm(place.site.requests.slice(since)), ["/dist/wasm/dynamic.js", "/dist/wasm/dynamic_bg.wasm"]);
  assert.deepEqual(page.said, []);
});

// Functions with dependencies, priorities and memory, on a pool that grows and shrinks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import {
  ClientClosedError,
  DynamicParallelExecutor,
  DynamicWorkerPool,
  ExecutionTask,
  InvalidArgumentError,
  TaskCancelledError,
  TaskPriority,
  TaskTimeoutError,
  createExecutionTask,
} from "windlass";

/** A promise that others settle. */
function gate() {
  const gate = {};
  gate.opened = new Promise((resolve) => (gate.open = resolve));
  return gate;
}

/** Rejects once the signal aborts. */
const aborted = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

const refused = (call, field, pattern = /./) =>
  assert.rejects(async () => call(), (error) => {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    assert.equal(error.field, field);
    assert.match(error.reason, pattern);
    return true;
  });

test("tasks run after those that they depend on, and results stand by their ids", async () => {
  // DYN-01, DYN-02, DYN-05, DYN-09
  const executor = new DynamicParallelExecutor();
  const order = [];
  const step = (name) => async (...args) => {
    await turn();
    order.push(name);
    return [name, ...args.slice(0, -1)];
  };
  const done = await executor.executeParallel([
    new ExecutionTask("report", step("report"), { dependencies: new Set(["left", "right"]) }),
    new ExecutionTask("left", step("left"), { dependencies: ["load"] }),
    new ExecutionTask("right", step("right"), { dependencies: ["load"] }),
    new ExecutionTask("load", step("load"), { args: ["orders.csv", 2] }),
  ]);
  assert.deepEqual([order[0], order.slice(1, 3).sort(), order[3]], ["load", ["left", "right"], "report"]);
  assert.deepEqual([done.success, done.errors, done.timedOut], [true, {}, false]);
  assert.deepEqual(done.results.load, ["load", "orders.csv", 2]);
  assert.deepEqual(Object.keys(done.results).sort(), ["left", "load", "report", "right"]);
  assert.deepEqual([done.metrics.total, done.metrics.completed, done.metrics.running], [4, 4, 0]);
  assert.deepEqual(await executor.executeParallel([]).then(({ success, results }) => [success, results]), [true, {}]);
});

test("the most urgent task starts first, the earliest of equal ones", async () => {
  // DYN-06, DYN-07, DYN-08
  const order = [];
  const push = (name) => order.push(name);
  const executor = new DynamicParallelExecutor({ maxWorkers: 1 });
  const done = await executor.executeParallel([
    createExecutionTask("background", push, ["background"], { priority: TaskPriority.BACKGROUND }),
    createExecutionTask("low", push, ["low"], { priority: "low" }),
    createExecutionTask("normal", push, ["normal"]),
    createExecutionTask("high", push, ["high"], { priority: 2 }),
    createExecutionTask("critical", push, ["critical"], { priority: TaskPriority.CRITICAL }),
    new ExecutionTask("critical too", push, { args: ["critical too"], priority: TaskPriority.CRITICAL }),
  ]);
  assert.deepEqual(order, ["critical", "critical too", "high", "normal", "low", "background"]);
  assert.deepEqual([done.success, done.metrics.peakWorkers], [true, 1]);
  assert.deepEqual(Object.entries(TaskPriority).flat(), ["CRITICAL", 1, "HIGH", 2, "NORMAL", 3, "LOW", 4, "BACKGROUND", 5]);
});

test("what cannot run is refused with names before anything starts", async () => {
  // DYN-02, DYN-05, DYN-09
  const executor = new DynamicParallelExecutor({ memoryLimitMb: 100 });
  let started = 0;
  const task = (id, options) => new ExecutionTask(id, () => started++, options);
  const run = (...tasks) => executor.executeParallel([task("fine"), ...tasks]);
  const on = (...dependencies) => ({ dependencies });
  await refused(() => run(task("a", on("c")), task("b", on("a")), task("c", on("b"))), "dependencies", /in a circle: (a → b → c → a|b → c → a → b|c → a → b → c|a → c → b → a|c → b → a → c|b → a → c → b)$/);
  await refused(() => run(task("a", on("nowhere"))), "dependencies", /"a" depends on "nowhere"/);
  await refused(() => run(task("a", on("a"))), "dependencies", /"a" depends on itself/);
  await refused(() => run(task("a", on("fine", "fine"))), "dependencies", /"fine" twice/);
  await refused(() => run(task("fine")), "task_id", /"fine" is given twice/);
  await refused(() => run(task("")), "task_id");
  await refused(() => run(task("a", { priority: "urgent" })), "priority", /urgent/);
  await refused(() => run(task("a", { priority: 9 })), "priority");
  await refused(() => run(task("a", { memoryRequirementMb: 101 })), "memory_requirement_mb", /101 MiB and the limit is 100/);
  await refused(() => run(task("a", { timeoutSeconds: 0 })), "timeout_seconds");
  await refused(() => run(task("a", { estimatedDuration: -1 })), "estimated_duration");
  await refused(() => run("a"), "tasks");
  await refused(() => executor.executeParallel("a"), "tasks");
  await refused(() => executor.executeParallel([], { timeout: 0 }), "timeout");
  await refused(() => executor.executeParallel([], { timeOut: 1 }), "timeOut");
  await refused(() => new DynamicParallelExecutor({ minWorkers: 0 }).executeParallel([]), "min_workers");
  await refused(() => new DynamicParallelExecutor({ minWorkers: 3, maxWorkers: 2 }).executeParallel([]), "max_workers");
  await refused(() => new DynamicWorkerPool({ memoryLimitMb: 0 }).submitTask(task("a")), "memory_limit_mb");
  await refused(() => new DynamicWorkerPool({ maxWorkers: "2" }), "max_workers");
  await refused(() => new ExecutionTask(1, () => {}), "task_id");
  await refused(() => new ExecutionTask("a", "fn"), "function");
  await refused(() => task("a", { args: "b" }), "args");
  await refused(() => task("a", on(1)), "dependencies");
  await refused(() => task("a", { dependencies: "b" }), "dependencies");
  assert.equal(started, 0);
  // Nothing of it is left behind.
  assert.deepEqual((await executor.executeParallel([task("a")])).results, { a: 0 });
});

test("tasks that run never need more memory than the limit, and a large one is not overtaken", async () => {
  // DYN-05
  let reserved = 0;
  let peak = 0;
  const order = [];
  const task = (id, memoryRequirementMb) =>
    new ExecutionTask(id, async () => {
      order.push(id);
      peak = Math.max(peak, (reserved += memoryRequirementMb));
      await pause(2);
      reserved -= memoryRequirementMb;
    }, { memoryRequirementMb });
  const executor = new DynamicParallelExecutor({ memoryLimitMb: 100 });
  const done = await executor.executeParallel([task("a", 60), task("large", 100), task("small", 10), task("b", 40)]);
  assert.deepEqual([done.success, order[0], order[1], peak], [true, "a", "large", 100]);
  assert.equal(done.metrics.peakReservedMb, 100);
  assert.ok(done.metrics.memoryWaitSeconds > 0, `${done.metrics.memoryWaitSeconds}`);
});

test("a task that runs too long is told by its signal and has failed, heard or not", async () => {
  // DYN-05
  const said = [];
  const executor = new DynamicParallelExecutor({ logger: { warn: (text) => said.push(text) } });
  const late = gate();
  let heard;
  const done = await executor.executeParallel([
    new ExecutionTask("hears", ({ signal }) => aborted(signal).catch((reason) => { heard = reason; throw reason; }), { timeoutSeconds: 0.01 }),
    new ExecutionTask("deaf", () => late.opened, { timeoutSeconds: 0.01 }),
    new ExecutionTask("after", () => "never", { dependencies: ["deaf"] }),
    new ExecutionTask("fine", async ({ taskId, signal }) => [taskId, signal.aborted], { timeoutSeconds: 60 }),
  ]);
  assert.deepEqual([done.success, done.timedOut, done.results], [false, false, { fine: ["fine", false] }]);
  for (const id of ["hears", "deaf"]) {
    assert.ok(done.errors[id] instanceof TaskTimeoutError, String(done.errors[id]));
    assert.deepEqual([done.errors[id].taskId, done.errors[id].timeoutSeconds], [id, 0.01]);
  }
  assert.equal(heard, done.errors.hears);
  assert.ok(done.errors.after instanceof TaskCancelledError);
  const { failed, timedOut, cancelled, completed, abandonedTasks } = executor.getPerformanceMetrics();
  assert.deepEqual([failed, timedOut, cancelled, completed, abandonedTasks], [2, 2, 1, 1, 1]);
  assert.equal(said.length, 2);
  // What it gives later is dropped.
  late.open("too late");
  await turn();
  assert.equal(executor.getPerformanceMetrics().abandonedTasks, 0);
  assert.deepEqual((await executor.wait()).results, done.results);
});

test("the time of a run cancels what has not ended and keeps what has", async () => {
  // DYN-02
  const executor = new DynamicParallelExecutor({ maxWorkers: 2 });
  let reason;
  const done = await executor.executeParallel([
    new ExecutionTask("quick", () => 1, { priority: "high" }),
    new ExecutionTask("waits", ({ signal }) => aborted(signal).catch((error) => { reason = error; })),
    new ExecutionTask("deaf", () => new Promise(() => {})),
    new ExecutionTask("next", () => 2),
  ], { timeout: 0.02 });
  assert.deepEqual([done.success, done.timedOut, done.results], [false, true, { quick: 1 }]);
  assert.deepEqual(Object.keys(done.errors).sort(), ["deaf", "next", "waits"]);
  for (const error of Object.values(done.errors)) {
    assert.ok(error instanceof TaskCancelledError);
    assert.match(error.message, /the time of the run was over/);
  }
  assert.equal(reason, done.errors.waits);
  assert.deepEqual([done.metrics.completed, done.metrics.cancelled], [1, 3]);
});

test("what depends on a failure is cancelled, and the rest goes on", async () => {
  // DYN-09
  const broken = new RangeError("line 7 has no amount");
  const done = await new DynamicParallelExecutor().executeParallel([
    new ExecutionTask("check", async () => { throw broken; }),
    new ExecutionTask("report", () => 1, { dependencies: ["check"] }),
    new ExecutionTask("mail", () => 1, { dependencies: ["report"] }),
    new ExecutionTask("thrown", () => { throw broken; }),
    new ExecutionTask("other", () => 7),
  ]);
  assert.deepEqual([done.success, done.results], [false, { other: 7 }]);
  assert.deepEqual([done.errors.check, done.errors.thrown], [broken, broken]);
  assert.equal(done.errors.report.message, "task report was cancelled: it depends on task check, which did not complete");
  assert.equal(done.errors.mail.message, "task mail was cancelled: it depends on task report, which did not complete");
  assert.equal(done.errors.mail.taskId, "mail");
});

test("without waiting the tasks run on, and the same is told later", async () => {
  // DYN-02, DYN-03
  const executor = new DynamicParallelExecutor();
  assert.equal(executor.getPerformanceMetrics().total, 0);
  assert.deepEqual((await executor.wait()).results, {});
  const door = gate();
  const begun = await executor.executeParallel([new ExecutionTask("a", () => door.opened)], { waitForCompletion: false });
  assert.deepEqual([begun.success, begun.results, begun.metrics.running], [null, {}, 1]);
  assert.equal((await executor.wait(0.001)).success, null);
  door.open(5);
  const { success, results } = await executor.wait();
  assert.deepEqual([success, results], [true, { a: 5 }]);
});

test("a pool takes tasks at any time, grows with them and shrinks", async () => {
  // DYN-10, DYN-11, DYN-12, DYN-13
  const pool = new DynamicWorkerPool({ minWorkers: 1, maxWorkers: 4 });
  assert.deepEqual([await pool.waitForCompletion(), pool.results, pool.errors], [true, {}, {}]);
  const door = gate();
  for (let n = 0; n < 6; n++) assert.equal(await pool.submitTask(new ExecutionTask(`t${n}`, () => door.opened)), `t${n}`);
  let metrics = pool.getPerformanceMetrics();
  assert.deepEqual([metrics.running, metrics.waiting, metrics.workers], [4, 2, 4]);
  assert.equal(await pool.waitForCompletion(0.001), false);
  await refused(() => pool.submitTask(new ExecutionTask("t0", () => 0)), "task_id");
  await refused(() => pool.submitTask(new ExecutionTask("x", () => 0, { dependencies: ["y"] })), "dependencies");
  const inside = pool.submitTask(new ExecutionTask("sum", () => pool.submitTask(new ExecutionTask("more", () => 1)), { dependencies: ["t0"] }));
  door.open(3);
  assert.equal(await inside, "sum");
  assert.equal(await pool.waitForCompletion(), true);
  assert.deepEqual([pool.results.t5, pool.results.sum, pool.results.more, pool.errors], [3, "more", 1, {}]);
  // An idle pool shrinks though nobody asks for it.
  while (pool.getPerformanceMetrics().workers > 1) await pause(50);
  metrics = pool.getPerformanceMetrics();
  assert.deepEqual([metrics.workers, metrics.peakWorkers, metrics.completed], [1, 4, 8]);
  const held = pool.submitTask(new ExecutionTask("held", ({ signal }) => aborted(signal)));
  await held;
  pool.shutdown();
  pool.shutdown();
  assert.match(pool.errors.held.message, /the pool was shut down/);
  assert.equal(await pool.waitForCompletion(), true);
  await assert.rejects(pool.submitTask(new ExecutionTask("late", () => 1)), ClientClosedError);
});

test("a run is measured, and its settings are judged by that", async () => {
  // DYN-03, DYN-04, DYN-13
  const executor = new DynamicParallelExecutor({ maxWorkers: 1 });
  assert.deepEqual(executor.getOptimizationRecommendations(), []);
  const wait = (n) => new ExecutionTask(`t${n}`, () => pause(5), { estimatedDuration: 30 });
  const done = await executor.executeParallel(Array.from({ length: 8 }, (_, n) => wait(n)));
  const metrics = executor.getPerformanceMetrics();
  assert.deepEqual(Object.keys(metrics).sort(), Object.keys(new DynamicParallelExecutor().getPerformanceMetrics()).sort());
  assert.deepEqual([metrics.completed, metrics.peakWorkers, done.metrics.completed], [8, 1, 8]);
  assert.ok(metrics.averageSeconds >= 0.004 && metrics.p95Seconds >= metrics.averageSeconds / 2, JSON.stringify(metrics));
  assert.ok(metrics.wallSeconds >= 8 * 0.004 && metrics.averageWaitSeconds > metrics.averageSeconds, JSON.stringify(metrics));
  assert.ok(metrics.utilisation > 0 && metrics.utilisation <= 1 && metrics.throughputPerSecond > 0, JSON.stringify(metrics));
  const said = executor.getOptimizationRecommendations();
  assert.ok(said.some((text) => /raise max_workers above 1/.test(text)), said.join("\n"));
  assert.ok(said.some((text) => /times what estimated_duration says/.test(text)), said.join("\n"));
});

test("tasks that never wait leave the event loop its turns, and none is lost", async () => {
  // DYN-02, DYN-09
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const spin = (until) => { while (performance.now() < until); };
  const tasks = Array.from({ length: 200 }, (_, n) =>
    new ExecutionTask(`t${n}`, () => (spin(performance.now() + 1), n), { dependencies: n % 2 ? [`t${n - 1}`] : [] }));
  const done = await new DynamicParallelExecutor().executeParallel(tasks);
  clearInterval(timer);
  assert.deepEqual([done.success, Object.keys(done.results).length], [true, 200]);
  assert.ok(turns > 2, `${turns}`);
});

// The class-shaped form of blocks, with the names of document 000 in camelCase.
import assert from "node:assert/strict";
import { cpus } from "node:os";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ExecutorInterface, ParallelExecutor, ParallelStrategy } from "windlass";

test("the basic example of the document", async () => {
  // CORE-01, PAR-01, PAR-08..PAR-12, PAR-16
  const printed = [];
  const executor = new ParallelExecutor({ defaultMaxConcurrency: 10 });
  const processItem = async (item, context = null) => {
    assert.notEqual(context, null);
    await sleep(1);
    return `processed_${item}`;
  };
  const parallelBlock = {
    name: "data_processing",
    strategy: "all",
    steps: ["item1", "item2", "item3", "item4", "item5"],
    max_concurrency: 3,
  };
  const result = await executor.executeParallelBlock(parallelBlock, processItem);
  printed.push(`Completed ${result.completedTasks} tasks`, `Results: ${result.results.map((r) => r.result)}`);
  assert.deepEqual(printed, [
    "Completed 5 tasks",
    "Results: processed_item1,processed_item2,processed_item3,processed_item4,processed_item5",
  ]);
});

test("a result has every field of the document", async () => {
  // PAR-13, PAR-27..PAR-42
  const executor = new ParallelExecutor();
  const block = { name: "fields", strategy: ParallelStrategy.ALL, steps: ["good", "bad"], maxConcurrency: 5, timeoutSeconds: 30 };
  const thrown = new RangeError("no such thing");
  const result = await executor.executeParallelBlock(block, async (step) => {
    if (step === "bad") throw thrown;
    return { step };
  });
  const { executionTime, results, ...rest } = result;
  assert.deepEqual(rest, {
    blockName: "fields",
    strategy: "all",
    totalTasks: 2,
    completedTasks: 1,
    failedTasks: 1,
    cancelledTasks: 0,
    overallStatus: "partial",
    metadata: {},
  });
  assert.ok(executionTime > 0 && executionTime < 30);
  const told = results.map(({ executionTime, ...rest }) => (assert.ok(executionTime > 0), rest));
  assert.deepEqual(told, [
    { taskId: "fields-0", status: "completed", result: { step: "good" }, errorMessage: null, error: null, metadata: {} },
    { taskId: "fields-1", status: "failed", result: null, errorMessage: "no such thing", error: thrown, metadata: {} },
  ]);
});

test("the words of the strategies are those of the document", () => {
  // PAR-21..PAR-25
  assert.deepEqual(
    { ...ParallelStrategy },
    { ALL: "all", ANY_SUCCESS: "any_success", RACE: "race", THROTTLED: "throttled", QUORUM: "quorum", CUSTOM: "custom" },
  );
});

test("a block runs under every strategy, in both spellings", async () => {
  const executor = new ParallelExecutor({ defaultMaxConcurrency: 2 });
  const run = async (block) => {
    const steps = ["a", "b", "c"];
    const { overallStatus, completedTasks } = await executor.executeParallelBlock({ steps, ...block }, (step) => step);
    return [overallStatus, completedTasks];
  };
  assert.deepEqual(await run({}), ["completed", 3]);
  assert.deepEqual(await run({ strategy: "any_success", maxConcurrency: 1 }), ["completed", 1]);
  assert.deepEqual(await run({ strategy: "race", max_concurrency: 1 }), ["completed", 1]);
  assert.deepEqual(await run({ strategy: "throttled", ratePerSecond: 1e6 }), ["completed", 3]);
  assert.deepEqual(await run({ strategy: "throttled", rate_per_second: 1e6, timeout_seconds: 30 }), ["completed", 3]);
  assert.deepEqual(await run({ strategy: "quorum", quorum: 2, maxConcurrency: 1 }), ["completed", 2]);
  assert.deepEqual(await run({ strategy: "custom", custom: () => "failed", maxConcurrency: 1 }), ["failed", 1]);
  assert.deepEqual(await run({ distribution_policy: "local_first", signal: new AbortController().signal }), ["completed", 3]); // PAR-14
});

test("a block that names no concurrency has the executor's", async () => {
  // PAR-07, PAR-20
  for (const [options, expected] of [[{ defaultMaxConcurrency: Math.min(50, cpus().length * 4) }, Math.min(50, cpus().length * 4)], [{}, 10]]) {
    let running = 0;
    let most = 0;
    await new ParallelExecutor(options).executeParallelBlock({ steps: Array(200).fill(0) }, async () => {
      most = Math.max(most, ++running);
      await turn();
      running--;
    });
    assert.equal(most, expected);
  }
});

test("a step's context has the security context, its index and a signal", async () => {
  // PAR-17
  const securityContext = { userId: "user123" };
  const seen = [];
  const block = { name: "secure", steps: ["data1", "data2"], timeoutSeconds: 0.01 };
  const result = await new ParallelExecutor().executeParallelBlock(
    block,
    async (item, context) => {
      seen.push([item, context.securityContext, context.index]);
      await once(context.signal, "abort");
      throw context.signal.reason;
    },
    securityContext,
  );
  assert.deepEqual(seen, [["data1", securityContext, 0], ["data2", securityContext, 1]]);
  assert.deepEqual([result.overallStatus, result.cancelledTasks], ["timeout", 2]);
  assert.match(result.results[0].errorMessage, /time of the block is over/);
});

test("steps without a block give their results alone", async () => {
  // PAR-18, PAR-19
  const executor = new ParallelExecutor();
  const results = await executor.executeParallelSteps([1, 2, 3], async (task) => task + 1, { maxConcurrency: 2 });
  assert.deepEqual(results.map(({ status, result }) => [status, result]), [["completed", 2], ["completed", 3], ["completed", 4]]);
  const options = { strategy: ParallelStrategy.RACE, timeoutSeconds: 5, securityContext: "mine", maxConcurrency: 1 };
  const [first, second] = await executor.executeParallelSteps(["a", "b"], (_, { securityContext }) => securityContext, options);
  assert.deepEqual([first.result, second.status], ["mine", "cancelled"]);
});

test("it is an ExecutorInterface", async () => {
  // CORE-07..CORE-11
  const executor = new ParallelExecutor();
  assert.ok(executor instanceof ExecutorInterface);
  const block = { name: "via", steps: [1, 2] };
  assert.equal((await executor.execute(block, { stepExecutor: (n) => n })).completedTasks, 2);
  assert.equal((await executor.execute({ ...block, stepExecutor: (n) => n }, null)).blockName, "via");
  assert.equal((await executor.execute({ steps: [() => 1, () => 2] })).results[1].result, 2);
  assert.equal(await executor.execute(async ({ index }) => index + 5), 5);
  await assert.rejects(executor.execute(() => Promise.reject(new RangeError("mine"))), { message: "mine" });
  let during;
  await executor.executeParallelBlock({ steps: [1] }, async () => (during = await executor.healthCheck()));
  const same = { status: "healthy", healthy: true, defaultMaxConcurrency: 10 };
  assert.deepEqual(during, { ...same, runningBlocks: 1, runningSteps: 1, executedBlocks: 5 });
  assert.deepEqual(await executor.healthCheck(), { ...same, runningBlocks: 0, runningSteps: 0, executedBlocks: 6 });
});

test("an executor of somebody's own is used as any", async () => {
  class Echo extends ExecutorInterface {
    async execute(task) {
      return task;
    }
    async healthCheck() {
      return { status: "healthy" };
    }
  }
  const answers = [];
  for (const executor of [new Echo(), new ParallelExecutor()]) {
    answers.push((await executor.healthCheck()).status);
  }
  assert.deepEqual(answers, ["healthy", "healthy"]);
});

test("resources of a block are measured where that is asked for", async () => {
  // PAR-06
  const executor = new ParallelExecutor({ defaultMaxConcurrency: 3, enableResourceMonitoring: true });
  const { metadata } = await executor.executeParallelBlock({ steps: [1, 2, 3, 4] }, () => turn());
  assert.deepEqual(Object.keys(metadata), ["resources"]);
  const { peakConcurrency, cpuSeconds, rssBytes, rssGrownBytes, maxRssBytes } = metadata.resources;
  assert.equal(peakConcurrency, 3);
  assert.ok(cpuSeconds >= 0 && cpuSeconds < 10);
  assert.ok(maxRssBytes >= rssBytes && rssBytes > 1_000_000 && rssBytes > rssGrownBytes);
});

test("equal steps run once where that is asked for", async () => {
  // PAR-15
  const ran = [];
  const block = { steps: ["a", "b", "a", "a", "b"], maxConcurrency: 3, enable_caching: true };
  const upper = async (step) => {
    ran.push(step);
    await turn();
    return step.toUpperCase();
  };
  const executor = new ParallelExecutor();
  const { results } = await executor.executeParallelBlock(block, upper);
  assert.deepEqual(results.map(({ result }) => result), ["A", "B", "A", "A", "B"]);
  assert.deepEqual(ran, ["a", "b"]);
  assert.deepEqual(results.map(({ metadata }) => metadata), [{}, {}, { cached: true }, { cached: true }, { cached: true }]);
  // What a step may find differs with who asks.
  await executor.executeParallelBlock(block, upper, { userId: "user123" });
  assert.equal(ran.length, 7);
});

test("steps are equal by value or by their JSON, and only what completed is shared", async () => {
  const { results: kinds } = await new ParallelExecutor().executeParallelBlock(
    { steps: [1, "1", { a: [1] }, { a: [1] }, '{"a":[1]}', new Map(), new Map(), undefined, undefined], enableCaching: true },
    (step) => typeof step,
  );
  assert.deepEqual(kinds.map(({ metadata }) => metadata.cached === true), [false, false, false, true, false, false, false, false, true]);
  let calls = 0;
  const flaky = async () => {
    await turn();
    if (++calls === 1) throw new Error("the first only");
    return calls;
  };
  const { results } = await new ParallelExecutor().executeParallelBlock({ steps: ["a", "a", "a"], enableCaching: true }, flaky);
  assert.deepEqual(results.map(({ status, result }) => [status, result]), [["failed", null], ["completed", 2], ["completed", 2]]);
});

test("block after block of 10,000 steps holds no more memory", async () => {
  // PAR-45
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const executor = new ParallelExecutor();
  const held = [];
  async function* readChunks(size) {
    for (let chunk = 0; chunk < 12; chunk++) yield Array.from({ length: size }, (_, n) => chunk * size + n);
  }
  for await (const steps of readChunks(10_000)) {
    const block = { name: "chunk_processing", strategy: "all", steps, max_concurrency: 10 };
    const { completedTasks } = await executor.executeParallelBlock(block, async (n) => [n]);
    assert.equal(completedTasks, 10_000);
    gc();
    held.push(process.memoryUsage().heapUsed);
  }
  // One kept number for each step would be 80 KB a block, and 640 KB in these eight.
  const grown = Math.min(...held.slice(-4)) - Math.min(...held.slice(0, 4));
  assert.ok(grown < 320_000, `${held}`);
});

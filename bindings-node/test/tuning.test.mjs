// Advice on concurrency and batches, and runs that follow it.
import assert from "node:assert/strict";
import { availableParallelism, totalmem } from "node:os";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  AdaptiveExecutor,
  BatchProcessor,
  InvalidArgumentError,
  ParallelExecutor,
  calculateOptimalConcurrency,
  readChunks,
} from "windlass";

test("concurrency by the kind of work fits this machine", async () => {
  // RES-03..RES-07
  const cores = await calculateOptimalConcurrency("cpu_intensive");
  assert.ok(cores >= 1 && cores <= availableParallelism(), `${cores}`);
  assert.equal(await calculateOptimalConcurrency("io_intensive"), Math.min(cores * 8, 200));
  assert.equal(await calculateOptimalConcurrency("mixed"), cores * 2);
  assert.equal(await calculateOptimalConcurrency("whatever"), cores * 4);
  const memory = await calculateOptimalConcurrency("memory_intensive");
  assert.ok(memory >= 1 && memory <= 50 && memory <= Math.max(1, totalmem() / 2 ** 31), `${memory}`);
});

test("an adaptive executor stays between half and twice its base, and remembers its runs", async () => {
  // RES-08
  const executor = new AdaptiveExecutor(async (n) => (await turn(), n + 1), { baseConcurrency: 8 });
  let during;
  for (let list = 0; list < 4; list++) {
    const running = executor.executeWithAdaptiveConcurrency([1, 2, 3, 4]);
    await turn();
    during = executor.currentLoad;
    const results = await running;
    assert.deepEqual(results.map(({ result }) => result), [2, 3, 4, 5]);
  }
  assert.deepEqual([during, executor.currentLoad, executor.performanceHistory.length], [1, 0, 4]);
  const expected = { down: 4, base: 8, up: 16 };
  assert.equal(executor.performanceHistory[0].level, "base");
  for (const run of executor.performanceHistory) {
    assert.equal(run.concurrency, expected[run.level]);
    assert.deepEqual([run.tasks, run.failedTasks], [4, 0]);
    assert.ok(run.executionTime > 0);
    for (const share of [run.processorsShare, run.memoryShare]) assert.ok(share === null || (share >= 0 && share <= 1), `${share}`);
  }
});

test("an adaptive executor begins at what fits mixed work", async () => {
  const executor = new AdaptiveExecutor((n) => n, { executor: new ParallelExecutor() });
  await executor.executeWithAdaptiveConcurrency([1]);
  assert.equal(executor.performanceHistory[0].concurrency, await calculateOptimalConcurrency("mixed"));
});

test("batches have a size that fits the kind of work and the data", async () => {
  // RES-09, RES-10
  const processor = new BatchProcessor((batch) => batch.length);
  const size = (kind, items) => processor.getOptimalBatchSize(kind, items);
  for (const [kind, base] of Object.entries({ database_writes: 1000, api_calls: 50, file_processing: 100, ml_inference: 32, other: 100 })) {
    assert.equal(await size(kind, 5_000), base);
    assert.equal(await size(kind, 10), 10);
    assert.equal(await size(kind, 100_001), base * 2);
    assert.equal(await size(kind, 0), 1);
  }
  assert.equal(await size("api_calls", 999), 50);
  processor.optimalBatchSizes.api_calls = 7;
  assert.equal(await size("api_calls", 5_000), 7);
});

test("data is processed in batches, ten at once", async () => {
  // RES-11
  let running = 0;
  let most = 0;
  const processor = new BatchProcessor(async (batch) => {
    most = Math.max(most, ++running);
    await turn();
    running--;
    return batch.reduce((sum, n) => sum + n, 0);
  });
  const data = Array.from({ length: 1_225 }, (_, n) => n);
  const results = await processor.processInOptimalBatches(data, "api_calls");
  assert.deepEqual([results.length, most], [25, 10]);
  assert.equal(results.reduce((sum, { result }) => sum + result, 0), (1_224 * 1_225) / 2);
  assert.deepEqual(await processor.processInOptimalBatches([], "api_calls"), []);
});

test("a source is read in chunks", async () => {
  // RES-12
  async function* rows() {
    for (let n = 0; n < 25; n++) yield n;
  }
  const chunks = [];
  for await (const chunk of readChunks(rows(), 10)) chunks.push(chunk.length);
  assert.deepEqual(chunks, [10, 10, 5]);
  const sizes = [];
  for await (const chunk of readChunks(Array(20_001).fill(0))) sizes.push(chunk.length);
  assert.deepEqual(sizes, [10_000, 10_000, 1]);
  for await (const chunk of readChunks([])) assert.fail(`${chunk}`);
});

for (const [what, field, call] of [
  ["a kind that is a number", "task_type", () => calculateOptimalConcurrency(5)],
  ["no processor", "task_processor", () => new AdaptiveExecutor()],
  ["a base of nothing", "base_concurrency", () => new AdaptiveExecutor((n) => n, { baseConcurrency: 0 })],
  ["a base of half a step", "base_concurrency", () => new AdaptiveExecutor((n) => n, { baseConcurrency: 1.5 })],
  ["an executor of another kind", "executor", () => new AdaptiveExecutor((n) => n, { executor: {} })],
  ["no processor of batches", "batch_processor", () => new BatchProcessor(5)],
  ["data that is a text", "data", () => new BatchProcessor((n) => n).processInOptimalBatches("abc", "x")],
  ["a size below zero", "data_size", () => new BatchProcessor((n) => n).getOptimalBatchSize("x", -1)],
  ["a size of NaN", "data_size", () => new BatchProcessor((n) => n).getOptimalBatchSize("x", NaN)],
  ["chunks of nothing", "chunk_size", () => readChunks([1], 0).next()],
]) {
  test(`${what} is refused`, async () => {
    const error = await (async () => call())().catch((error) => error);
    assert.ok(error instanceof InvalidArgumentError, `${error}`);
    assert.equal(error.field, field);
  });
}

// Bad input of blocks: a typed error that names the field, before any step starts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { ExecutorInterface, InvalidArgumentError, NotImplementedYetError, ParallelExecutionError, ParallelExecutor, parallel } from "windlass";

let started = 0;
const step = () => void started++;
const of = (options, steps = [1, 2, 3]) => parallel(steps, step, options);
const block = (given, ...rest) => new ParallelExecutor().executeParallelBlock({ steps: [1, 2, 3], ...given }, step, ...rest);

for (const [what, field, call] of [
  ["an unknown strategy", "strategy", () => of({ strategy: "map_reduce" })],
  ["a strategy in capitals", "strategy", () => of({ strategy: "ALL" })],
  ["a strategy that is a number", "strategy", () => of({ strategy: 1 })],
  ["a quorum of a word", "strategy", () => of({ strategy: "quorum(two)" })],
  ["no concurrency", "max_concurrency", () => of({ maxConcurrency: 0 })],
  ["a concurrency below zero", "max_concurrency", () => of({ maxConcurrency: -1 })],
  ["half a step at once", "max_concurrency", () => of({ maxConcurrency: 1.5 })],
  ["a concurrency of NaN", "max_concurrency", () => of({ maxConcurrency: NaN })],
  ["a concurrency of text", "max_concurrency", () => of({ maxConcurrency: "2" })],
  ["a quorum of 5 of 3", "quorum", () => of({ strategy: "quorum", quorum: 5 })],
  ["quorum(5) of 3", "quorum", () => of({ strategy: "quorum(5)" })],
  ["a quorum of nobody", "quorum", () => of({ strategy: "quorum", quorum: 0 })],
  ["a quorum of half a step", "quorum", () => of({ strategy: "quorum", quorum: 1.5 })],
  ["a quorum of no number", "quorum", () => of({ strategy: "quorum" })],
  ["a quorum beside another strategy", "quorum", () => of({ strategy: "race", quorum: 1 })],
  ["a rate of nothing", "rate_per_second", () => of({ strategy: "throttled", ratePerSecond: 0 })],
  ["a rate of NaN", "rate_per_second", () => of({ strategy: "throttled", ratePerSecond: NaN })],
  ["a rate beside another strategy", "rate_per_second", () => of({ ratePerSecond: 5 })],
  ["no time at all", "timeout_seconds", () => of({ timeoutMs: 0 })],
  ["a time below zero", "timeout_seconds", () => of({ timeoutMs: -1 })],
  ["a time of NaN", "timeout_seconds", () => of({ timeoutMs: NaN })],
  ["a time of text", "timeout_ms", () => of({ timeoutMs: "10" })],
  ["a grace below zero", "cancel_grace_ms", () => of({ cancelGraceMs: -1 })],
  ["custom without a function", "custom", () => of({ strategy: "custom" })],
  ["a function beside another strategy", "custom", () => of({ custom: () => "satisfied" })],
  ["a custom that is no function", "custom", () => of({ strategy: "custom", custom: "satisfied" })],
  ["a signal of another kind", "signal", () => of({ signal: 5 })],
  ["a misspelt option", "concurrency", () => of({ concurrency: 5 })],
  ["no options", "options", () => of(null)],
  ["no function", "fn", () => parallel([1], "step")],
  ["no steps", "steps", () => of({}, null)],
  ["steps that are a number", "steps", () => of({}, 3)],
  ["steps that are a text", "steps", () => of({}, "abc")],
  ["steps that are an object", "steps", () => of({}, { a: 1 })],
  ["an executor that runs nothing at once", "default_max_concurrency", () => new ParallelExecutor({ defaultMaxConcurrency: 0 })],
  ["an executor of text", "default_max_concurrency", () => new ParallelExecutor({ defaultMaxConcurrency: "10" })],
  ["an executor's misspelt option", "maxConcurrency", () => new ParallelExecutor({ maxConcurrency: 10 })],
  ["no block", "parallel_block", () => new ParallelExecutor().executeParallelBlock(null, step)],
  ["a block that is a list", "parallel_block", () => new ParallelExecutor().executeParallelBlock([1], step)],
  ["a block without steps", "steps", () => block({ steps: undefined })],
  ["a block's unknown strategy", "strategy", () => block({ strategy: "collect" })],
  ["a block's name that is a number", "name", () => block({ name: 5 })],
  ["a cache that is a number", "enable_caching", () => block({ enable_caching: 1 })],
  ["a policy that is a number", "distributionPolicy", () => block({ distributionPolicy: 1 })],
  ["a task that is a number", "task", () => new ParallelExecutor().execute(5)],
  ["a task of steps that nobody runs", "step_executor", () => new ParallelExecutor().execute({ steps: [step, 1] })],
  ["a block's misspelt key", "max_concurency", () => block({ max_concurency: 5 })],
  ["a block's key given twice", "max_concurrency", () => block({ maxConcurrency: 5, max_concurrency: 5 })],
  ["a block's concurrency of 0", "max_concurrency", () => block({ max_concurrency: 0 })],
  ["a block's timeout of 0", "timeout_seconds", () => block({ timeoutSeconds: 0 })],
  ["a block's timeout of text", "timeout_seconds", () => block({ timeout_seconds: "30" })],
  ["no step executor", "step_executor", () => new ParallelExecutor().executeParallelBlock({ steps: [1] })],
  ["steps without an executor", "step_executor", () => new ParallelExecutor().executeParallelSteps([1], null)],
]) {
  test(`${what} is refused`, async () => {
    const error = await (async () => call())().catch((error) => error);
    assert.ok(error instanceof InvalidArgumentError, `${error}`);
    assert.equal(error.field, field, error.message);
    assert.equal(started, 0);
  });
}

test("an unknown strategy names the known ones", async () => {
  await assert.rejects(of({ strategy: "best" }), /all, any_success, race, throttled, quorum, custom/);
});

test("a custom function that throws ends the block, once what runs is cancelled", async () => {
  const told = [];
  const cause = new TypeError("a bug");
  const error = await parallel(
    [1, 2, 3],
    async (n, { signal }) => {
      if (n === 1) return n;
      await once(signal, "abort");
      told.push(n);
    },
    { strategy: "custom", maxConcurrency: 2, custom: () => { throw cause; } },
  ).catch((error) => error);
  assert.ok(error instanceof ParallelExecutionError, `${error}`);
  assert.deepEqual([error.code, error.fields, error.cause, told], ["parallel_execution_error", { field: "custom" }, cause, [2]]);
});

test("a custom function that answers no known word is refused", async () => {
  for (const answer of ["maybe", "", 1, {}, Promise.resolve("satisfied")]) {
    const options = { strategy: "custom", custom: () => answer };
    await assert.rejects(parallel([1, 2], (n) => n, options), (error) => {
      assert.ok(error instanceof InvalidArgumentError, `${error}`);
      assert.equal(error.field, "custom");
      return true;
    });
  }
});

test("steps that break off are told as they are", async () => {
  const broken = new Error("no more");
  function* steps() {
    yield 1;
    throw broken;
  }
  await assert.rejects(parallel(steps(), step), broken);
  assert.equal(started, 0);
});

test("what is not there yet is refused, and nothing runs without it in silence", () => {
  // PAR-02..PAR-05, CORE-05, CORE-06
  for (const options of [
    { enableSecurity: true },
    { securityManager: {} },
    { enableObservability: true },
    { observabilityManager: {} },
  ]) {
    const [feature] = Object.keys(options);
    assert.throws(() => new ParallelExecutor(options), (error) => {
      assert.ok(error instanceof NotImplementedYetError, `${error}`);
      assert.deepEqual([error.code, error.feature], ["not_implemented", feature]);
      return true;
    });
  }
  assert.ok(new ParallelExecutor({ enableSecurity: false, securityManager: null }));
});

test("an executor needs both methods of the interface", () => {
  // CORE-07..CORE-09
  class Half extends ExecutorInterface {
    async execute() {}
  }
  assert.throws(() => new ExecutorInterface(), TypeError);
  assert.throws(() => new Half(), /Half has no method healthCheck/);
});

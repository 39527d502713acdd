// Steps under a strategy: what runs, what is cancelled, and what comes of it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BlockResult, ParallelExecutionError, parallel } from "windlass";

/** A promise that is settled from outside. */
function deferred() {
  let resolve, reject;
  const promise = new Promise((done, fail) => ([resolve, reject] = [done, fail]));
  return { promise, resolve, reject };
}

/** Ends when it is told to stop, as `fetch` would. */
const untilAborted = async (signal) => {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
};

const statuses = (block) => block.results.map(({ status }) => status);
const counts = ({ total, completed, failed, cancelled }) => [total, completed, failed, cancelled];

test("all runs every step, never more at once than allowed, and keeps their order", async () => {
  // PAR-20, PAR-21
  let running = 0;
  let most = 0;
  const block = await parallel(
    Array.from({ length: 40 }, (_, n) => n),
    async (n, { index }) => {
      most = Math.max(most, ++running);
      // The later ones end first.
      for (let turns = 0; turns < 5 - (n % 5); turns++) await turn();
      running--;
      return [n, index];
    },
    { maxConcurrency: 7 },
  );
  assert.ok(block instanceof BlockResult);
  assert.equal(most, 7);
  assert.deepEqual([block.status, block.strategy, ...counts(block)], ["completed", "all", 40, 40, 0, 0]);
  assert.deepEqual(block.values(), Array.from({ length: 40 }, (_, n) => [n, n]));
  for (const step of block.results) {
    assert.deepEqual(Object.keys(step), ["status", "result", "error", "executionTime"]);
    assert.ok(step.executionTime > 0 && step.executionTime <= block.executionTime);
  }
});

test("all goes on after failures, and keeps what was thrown", async () => {
  const error = new RangeError("odd");
  const step = async (n) => {
    if (n % 2) throw error;
    return n;
  };
  const some = await parallel([0, 1, 2], step);
  assert.deepEqual([some.status, ...counts(some)], ["partial", 3, 2, 1, 0]);
  assert.equal(some.results[1].error, error);
  assert.deepEqual(some.results.map(({ result }) => result), [0, undefined, 2]);
  assert.equal((await parallel([1, 3], step)).status, "failed");
  assert.throws(
    () => some.values(),
    (thrown) => {
      assert.ok(thrown instanceof ParallelExecutionError);
      assert.deepEqual([thrown.code, thrown.cause], ["parallel_execution_error", error]);
      const counts = { completed_tasks: 2, failed_tasks: 1, cancelled_tasks: 0 };
      assert.deepEqual(thrown.fields, { overall_status: "partial", ...counts, index: 1 });
      return true;
    },
  );
});

test("a step may answer at once, throw at once, or answer something to be awaited", async () => {
  const thenable = { then: (resolve) => resolve("then") };
  const steps = [() => "at once", () => { throw "text"; }, () => thenable, () => undefined, () => null, () => Promise.reject(7)];
  const { results } = await parallel(steps, (step) => step(), { maxConcurrency: 2 });
  const told = results.map(({ status, result, error }) => [status, result, error]);
  assert.deepEqual(told, [
    ["completed", "at once", undefined],
    ["failed", undefined, "text"],
    ["completed", "then", undefined],
    ["completed", undefined, undefined],
    ["completed", null, undefined],
    ["failed", undefined, 7],
  ]);
});

test("steps may come from any iterable, an asynchronous one, too", async () => {
  async function* later() {
    for (const n of [1, 2, 3]) yield (await turn(), n);
  }
  const double = (n) => 2 * n;
  for (const steps of [new Set([1, 2, 3]), [1, 2, 3].values(), later()]) {
    assert.deepEqual((await parallel(steps, double)).values(), [2, 4, 6]);
  }
  const list = [1, 2, 3];
  const block = parallel(list, double);
  // It is nobody's business what becomes of the list afterwards.
  list.length = 0;
  assert.deepEqual((await block).values(), [2, 4, 6]);
});

test("a block without steps is completed", async () => {
  for (const strategy of ["all", "any_success", "race", "throttled"]) {
    const block = await parallel([], () => assert.fail(), { strategy });
    assert.deepEqual([block.status, ...counts(block), block.values()], ["completed", 0, 0, 0, 0, []]);
  }
});

test("any_success ends at the first success; what runs is cancelled and waited for", async () => {
  // PAR-22
  const cleaned = deferred();
  const lost = deferred();
  const ran = [];
  const running = parallel(
    ["fails", "waits", "wins", "never starts"],
    async (step, { signal }) => {
      ran.push(step);
      if (step === "fails") throw new Error("first");
      if (step === "wins") return 42;
      await untilAborted(signal).catch(lost.resolve);
      await cleaned.promise;
      throw signal.reason;
    },
    { strategy: "any_success", maxConcurrency: 2 },
  );
  let ended = false;
  void running.then(() => (ended = true));
  assert.equal((await lost.promise).name, "AbortError");
  await turn();
  assert.equal(ended, false, "the loser is still cleaning up");
  cleaned.resolve();
  const block = await running;
  assert.deepEqual(ran, ["fails", "waits", "wins"]);
  assert.deepEqual(statuses(block), ["failed", "cancelled", "completed", "cancelled"]);
  assert.deepEqual([block.status, ...counts(block)], ["completed", 4, 1, 1, 2]);
  assert.deepEqual(block.values(), [42]);
  assert.equal(block.results[3].executionTime, 0);
  const none = await parallel([1, 2], () => Promise.reject(new Error("no")), { strategy: "any_success" });
  assert.deepEqual([none.status, ...counts(none)], ["failed", 2, 0, 2, 0]);
});

test("race ends at the first finish, and a failure can win", async () => {
  // PAR-23
  const race = (winner) =>
    parallel(["slow", winner], (step, { signal }) => (step === "slow" ? untilAborted(signal) : step()), { strategy: "race" });
  const won = await race(async () => "first");
  assert.deepEqual([won.status, statuses(won), won.values()], ["completed", ["cancelled", "completed"], ["first"]]);
  const lost = await race(() => Promise.reject(new RangeError("fell")));
  assert.deepEqual([lost.status, statuses(lost)], ["failed", ["cancelled", "failed"]]);
  assert.throws(() => lost.values(), { name: "ParallelExecutionError", cause: new RangeError("fell") });
});

test("of steps that do not wait none starts after the one that decides", async () => {
  for (const [strategy, decides] of [["race", 1], ["any_success", 2], ["quorum(2)", 3], ["custom", 2]]) {
    const ran = [];
    const step = (n) => {
      ran.push(n);
      if (n === 1) throw new Error("the first fails");
      return n;
    };
    const custom = strategy === "custom" ? { custom: ({ completed }) => completed > 0 || undefined } : {};
    const block = await parallel([1, 2, 3, 4, 5], step, { strategy, ...custom });
    assert.equal(ran.length, decides, strategy);
    assert.equal(block.cancelled, 5 - decides);
  }
});

test("of steps that end in one turn the first wins a race", async () => {
  for (const strategy of ["race", "any_success", "quorum(1)"]) {
    const block = await parallel(["a", "b", "c"], async (step) => step, { strategy });
    assert.deepEqual([block.status, statuses(block)], ["completed", ["completed", "cancelled", "cancelled"]], strategy);
  }
  // After a while, too.
  const gate = deferred();
  setTimeout(gate.resolve, 30);
  const late = await parallel(["a", "b"], () => gate.promise, { strategy: "race" });
  assert.deepEqual(statuses(late), ["completed", "cancelled"]);
});

test("a step that cancels its own block lets no other start", async () => {
  const controller = new AbortController();
  for (const wait of [async () => {}, () => {}]) {
    const ran = [];
    const block = await parallel([1, 2, 3], (n) => (ran.push(n), controller.abort(), wait()), { signal: controller.signal });
    assert.deepEqual([block.status, ran.length <= 1], ["cancelled", true]);
  }
});

test("a promise with a then of its own is heard once", async () => {
  let begun = 0;
  class Lazy extends Promise {
    static get [Symbol.species]() {
      return Promise;
    }
    then(...args) {
      begun++;
      return super.then(...args);
    }
  }
  const broken = { get then() { throw new RangeError("no then"); } };
  const { results } = await parallel([() => new Lazy((resolve) => resolve("lazy")), () => broken], (step) => step());
  assert.deepEqual([results[0].result, results[1].error.message, begun], ["lazy", "no then", 1]);
});

test("an endless source ends with the caller's signal", async () => {
  const controller = new AbortController();
  async function* endless() {
    for (let n = 0; ; n++) {
      if (n === 10) controller.abort();
      yield n;
    }
  }
  const block = await parallel(endless(), () => assert.fail(), { signal: controller.signal });
  assert.deepEqual([block.status, ...counts(block)], ["cancelled", 10, 0, 0, 10]);
});

test("quorum ends once enough succeeded, or no longer can", async () => {
  const votes = (yes, options) =>
    parallel([true, false, true, false, true].map((is) => is === yes), async (good) => {
      if (!good) throw new Error("no");
    }, { maxConcurrency: 1, ...options });
  const two = await votes(true, { strategy: "quorum", quorum: 2 });
  assert.deepEqual([two.status, two.strategy, ...counts(two)], ["completed", "quorum", 5, 2, 1, 2]);
  const three = await votes(false, { strategy: "quorum(3)" });
  assert.deepEqual([three.status, three.strategy, ...counts(three)], ["failed", "quorum", 5, 2, 3, 0]);
});

test("throttled limits the starts of a second as well as their number", async () => {
  // PAR-24
  const starts = [];
  const step = () => void starts.push(performance.now());
  const block = await parallel([1, 2, 3, 4, 5, 6], step, { strategy: "throttled", ratePerSecond: 50 });
  assert.deepEqual([block.status, ...counts(block)], ["completed", 6, 6, 0, 0]);
  // Six starts are five times 20 ms, and a late one is caught up by 100 ms at most.
  assert.ok(block.executionTime > 0.09, `${block.executionTime}`);
  assert.ok(starts.at(-1) - starts[0] > 90);
});

test("custom asks after each finish, in the order of the finishes", async () => {
  // PAR-25
  const gates = [deferred(), deferred(), deferred(), deferred()];
  const seen = [];
  const block = parallel(gates, (gate) => gate.promise, {
    strategy: "custom",
    custom: ({ total, completed, failed, index, last, results }) => {
      seen.push([total, completed, failed, index, last.status, results.filter(Boolean).length]);
      return completed - failed >= 2 ? "satisfied" : "keep_going";
    },
  });
  // They have begun.
  await turn();
  gates[2].resolve("c");
  gates[0].reject(new Error("a"));
  await turn();
  gates[1].resolve("b");
  await turn();
  assert.deepEqual(seen, [[4, 1, 0, 2, "completed", 1], [4, 1, 1, 0, "failed", 2], [4, 2, 1, 1, "completed", 3]]);
  gates[3].resolve("d");
  const ended = await block;
  assert.deepEqual([ended.status, ended.values()], ["completed", ["b", "c", "d"]]);
});

test("custom can end a block early, either way, and is not asked again", async () => {
  for (const [answer, status] of [["satisfied", "completed"], ["failed", "failed"], [true, "completed"], [false, "failed"]]) {
    let asked = 0;
    const options = { strategy: "custom", custom: () => (asked++, answer), maxConcurrency: 2 };
    const block = await parallel([1, 2, 3, 4], (n, { signal }) => (n === 1 ? n : untilAborted(signal)), options);
    assert.deepEqual([block.status, statuses(block)], [status, ["completed", "cancelled", "cancelled", "cancelled"]]);
    assert.equal(asked, 1);
  }
  for (const answer of ["keep_going", undefined, null]) {
    const never = await parallel([1, 2], (n) => n, { strategy: "custom", custom: () => answer });
    assert.equal(never.status, "completed");
  }
});

test("a timeout keeps what finished, and cancels the rest", async () => {
  // PAR-13
  const block = await parallel(
    [0, 1, 2, 3],
    (n, { signal }) => (n === 0 ? "early" : untilAborted(signal)),
    { maxConcurrency: 2, timeoutMs: 20 },
  );
  assert.deepEqual([block.status, ...counts(block)], ["timeout", 4, 1, 0, 3]);
  assert.deepEqual([block.results[0].result, block.results[1].error.name], ["early", "TimeoutError"]);
  assert.ok(block.executionTime >= 0.02);
  assert.ok(block.results[1].executionTime > 0);
  assert.equal(block.results[3].executionTime, 0);
});

test("steps that never wait are still ended by the timeout", async () => {
  const forever = Array.from({ length: 500_000 }, (_, n) => n);
  for (const strategy of ["all", "any_success"]) {
    const block = await parallel(forever, async () => {
      if (strategy === "any_success") throw null;
    }, { timeoutMs: 5, maxConcurrency: 100, strategy });
    assert.equal(block.status, "timeout");
    assert.ok(block.cancelled > 0 && block.completed + block.failed > 0, `${counts(block)}`);
  }
});

test("a step that never asked for its signal is not waited for; one that ignores it has a grace", async () => {
  const never = new Promise(() => {});
  const deaf = await parallel([1, 2], () => never, { timeoutMs: 5, cancelGraceMs: 60_000 });
  assert.deepEqual([deaf.status, statuses(deaf)], ["timeout", ["cancelled", "cancelled"]]);
  assert.ok(deaf.executionTime < 30);
  const heard = [];
  const ignoring = await parallel([1], (_, { signal }) => (signal.addEventListener("abort", () => heard.push(1)), never), {
    timeoutMs: 5,
    cancelGraceMs: 30,
  });
  assert.deepEqual([ignoring.status, statuses(ignoring), heard], ["timeout", ["cancelled"], [1]]);
  assert.ok(ignoring.executionTime >= 0.035, `${ignoring.executionTime}`);
});

test("a loser that finished anyway, or failed, is told as it was", async () => {
  const steps = {
    late: async (signal) => untilAborted(signal).catch(() => "late"),
    broken: (signal) => untilAborted(signal).catch(() => Promise.reject(new RangeError("while cleaning up"))),
    first: async () => "first",
  };
  const block = await parallel(Object.values(steps), (step, { signal }) => step(signal), { strategy: "any_success" });
  assert.deepEqual([block.status, statuses(block)], ["completed", ["completed", "failed", "completed"]]);
  assert.deepEqual([counts(block), block.values()], [[3, 2, 1, 0], ["late", "first"]]);
});

test("the caller's signal cancels the block, and what finished is kept", async () => {
  const controller = new AbortController();
  const reason = new Error("nobody waits any more");
  const block = await parallel(
    [0, 1, 2],
    (n, { signal }) => {
      if (n === 0) return "kept";
      queueMicrotask(() => queueMicrotask(() => controller.abort(reason)));
      return untilAborted(signal);
    },
    { signal: controller.signal, maxConcurrency: 2 },
  );
  assert.deepEqual([block.status, statuses(block)], ["cancelled", ["completed", "cancelled", "cancelled"]]);
  assert.deepEqual([block.results[1].error, block.results[2].error], [reason, reason]);
  assert.throws(() => block.values(), { name: "ParallelExecutionError" });
  const aborted = await parallel([1, 2], () => assert.fail(), { signal: AbortSignal.abort() });
  assert.deepEqual([aborted.status, ...counts(aborted)], ["cancelled", 2, 0, 0, 2]);
});

test("a signal that outlives its blocks keeps nothing of them", async () => {
  const { signal } = new AbortController();
  const added = [];
  const removed = [];
  const spy = {
    aborted: false,
    throwIfAborted() {},
    addEventListener: (...args) => (added.push(args[1]), signal.addEventListener(...args)),
    removeEventListener: (...args) => (removed.push(args[1]), signal.removeEventListener(...args)),
  };
  await parallel([1], (n) => n, { signal: spy });
  assert.equal(added.length, 1);
  assert.deepEqual(removed, added);
});

test("steps that never wait let the event loop have its turn", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  for (const run of [async (n) => n, (n) => n]) {
    const block = await parallel(Array.from({ length: 500_000 }, (_, n) => n), run, {
      signal: controller.signal,
      maxConcurrency: 100,
    });
    assert.equal(block.status, "cancelled");
  }
});

test("what a given-up step comes to later harms nobody", async () => {
  const unhandled = [];
  const listener = (error) => unhandled.push(error);
  process.on("unhandledRejection", listener);
  const late = deferred();
  const block = await parallel([1], () => late.promise, { timeoutMs: 1 });
  late.reject(new Error("too late"));
  await turn();
  await turn();
  process.off("unhandledRejection", listener);
  assert.deepEqual([block.status, statuses(block), unhandled], ["timeout", ["cancelled"], []]);
});

test("100,000 steps have 100,000 results", async () => {
  const steps = Array.from({ length: 100_000 }, (_, n) => n);
  const block = await parallel(steps, async (n) => n + 1, { maxConcurrency: 100 });
  assert.deepEqual([block.status, ...counts(block)], ["completed", 100_000, 100_000, 0, 0]);
  assert.ok(block.results.every(({ result }, n) => result === n + 1));
});

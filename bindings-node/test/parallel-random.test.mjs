// Blocks of steps that end as chance says: what holds for all of them. A failure names its seed; SEED=N runs that one.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { parallel } from "windlass";

const BLOCKS = 400;

/** Numbers from 0 to below `most`, the same for one seed (mulberry32). */
function chance(seed) {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** What one step does: how it waits, and whether it succeeds. */
const WAITS = {
  none: () => undefined,
  microtask: () => Promise.resolve(),
  turns: (_, turns) => (async () => { for (let n = 0; n < turns; n++) await turn(); })(),
  hears: async (signal, turns) => {
    for (let n = 0; n < turns; n++) {
      await turn();
      signal.throwIfAborted();
    }
  },
  until: (signal) => once(signal, "abort").then(() => Promise.reject(signal.reason)),
};

async function check(seed) {
  const draw = chance(seed);
  const total = draw(12);
  const maxConcurrency = 1 + draw(6);
  const strategies = ["all", "any_success", "race", "throttled", "custom", ...(total > 0 ? ["quorum"] : [])];
  const strategy = strategies[draw(strategies.length)];
  const quorum = strategy === "quorum" ? 1 + draw(total) : undefined;
  const decides = draw(total + 2);
  const controller = new AbortController();
  const aborts = draw(6) === 0 ? draw(total + 1) : -1;
  const steps = Array.from({ length: total }, () => ({
    wait: ["none", "microtask", "turns", "hears", "until"][draw(strategy === "all" || strategy === "throttled" ? 4 : 5)],
    turns: 1 + draw(4),
    succeeds: draw(2) === 0,
  }));
  // Else nothing might ever end.
  const timeoutMs = steps.some(({ wait }) => wait === "until") ? 15 : undefined;
  let [running, most, order, asked] = [0, 0, [], 0];
  const run = (step, { index, signal: own }) => {
    most = Math.max(most, ++running);
    if (index === aborts) queueMicrotask(() => controller.abort());
    const end = () => {
      running--;
      order.push(step.succeeds);
      if (!step.succeeds) throw new RangeError("as drawn");
      return index;
    };
    const waits = WAITS[step.wait](own, step.turns);
    if (waits === undefined) return end();
    return waits.then(end, (reason) => {
      running--;
      throw reason;
    });
  };
  const custom = ({ completed, failed }) => {
    asked++;
    return completed + failed > decides ? completed > failed : undefined;
  };
  const options = { strategy, maxConcurrency, signal: controller.signal, cancelGraceMs: 5_000 };
  if (quorum !== undefined) options.quorum = quorum;
  if (timeoutMs !== undefined) options.timeoutMs = timeoutMs;
  if (strategy === "throttled") options.ratePerSecond = 10_000;
  if (strategy === "custom") options.custom = custom;
  const block = await parallel(steps, run, options);
  const { status, completed, failed, cancelled, results } = block;

  assert.ok(most <= maxConcurrency, `${most} at once of ${maxConcurrency}`);
  assert.equal(running, 0, "every step took its signal, so that none is left");
  assert.equal(results.length, total);
  const counted = (word) => results.filter((one) => one.status === word).length;
  assert.deepEqual([completed, failed, cancelled], ["completed", "failed", "cancelled"].map(counted));
  for (const [index, one] of results.entries()) {
    if (one.status === "completed") assert.equal(one.result, index);
    if (one.status === "failed") assert.equal(one.error.message, "as drawn");
    if (one.status !== "cancelled") assert.equal(one.status === "completed", steps[index].succeeds);
  }
  if (total === 0) return assert.equal(status, "completed");
  if (status === "cancelled") return assert.ok(controller.signal.aborted);
  if (status === "timeout") return assert.notEqual(timeoutMs, undefined);
  const whole = failed === 0 && cancelled === 0 ? "completed" : completed === 0 ? "failed" : "partial";
  if (strategy === "all" || strategy === "throttled") assert.equal(status, whole);
  else if (strategy === "race") assert.equal(status, order[0] ? "completed" : "failed");
  else if (strategy === "any_success") assert.equal(status, completed > 0 ? "completed" : "failed");
  else if (strategy === "quorum") assert.ok(status === "completed" ? completed >= quorum : total - failed < quorum);
  else if (asked > decides) assert.ok(["completed", "failed"].includes(status));
  else assert.equal(status, whole);
}

test("blocks of chance keep to the law", { timeout: 120_000 }, async () => {
  const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: BLOCKS }, (_, n) => n + 1);
  for (const seed of seeds) {
    await check(seed).catch((error) => {
      throw new Error(`SEED=${seed}: ${error.message}`, { cause: error });
    });
  }
});

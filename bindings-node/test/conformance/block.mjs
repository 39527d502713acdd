// A block of steps as vectors tell it, through `parallel`.
import { parallel } from "windlass";

function gate() {
  const one = {};
  one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
  // Nobody may look at it.
  one.promise.catch(() => {});
  return one;
}

const aborted = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/** Each step runs until `ends` tells how it ended, in that order and when it has begun, else until it is cancelled. */
export async function runBlock({ block, steps, ends, answers }) {
  const { strategy, max_concurrency, timeout_seconds, quorum, rate_per_second } = block;
  const given = { strategy, maxConcurrency: max_concurrency, quorum, ratePerSecond: rate_per_second };
  if (timeout_seconds !== undefined) given.timeoutMs = timeout_seconds * 1000;
  if (answers !== undefined) given.custom = () => answers.shift();
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const [begun, ended] = [Array.from({ length: steps }, gate), Array.from({ length: steps }, gate)];
  let running = 0;
  let most = 0;
  const step = async (index, { signal }) => {
    most = Math.max(most, ++running);
    begun[index].resolve();
    const cancelled = aborted(signal);
    await Promise.race([ended[index].promise, cancelled]).finally(() => running--);
  };
  const result = parallel(begun.keys(), step, options);
  result.catch(() => {});
  for (const [index, succeeds] of ends) {
    // One that is refused never begins.
    await Promise.race([begun[index].promise, result]);
    if (succeeds) ended[index].resolve();
    else ended[index].reject(new Error("as told"));
  }
  const { status, completed, failed, cancelled, results } = await result;
  return { overall_status: status, counts: [completed, failed, cancelled], results: results.map((one) => one.status), most };
}

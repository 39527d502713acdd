// What a block of steps costs in a page, in headless Chromium: a durable one on the engine in the page, from its
// submit to its verdict, beside a batch of as many tasks, to its end; and `parallel` beside `Promise.all`.
//
//     node benches/browser/block.mjs [--steps N] [--durable N] [--rounds N] [--concurrency N] [--json]
//
// Needs `scripts/setup.sh web browser`. Each measurement has a page of its own, which does the work three times so
// that code is compiled, and then three times more: the best of these counts. Rounds are interleaved. A durable
// block and a batch are done once, on a store of their own.
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, serve } from "../../testkit/browser/index.mjs";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    durable: { type: "string", default: "10000" },
    rounds: { type: "string", default: "5" },
    concurrency: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const [steps, durable, rounds, concurrency] = [values.steps, values.durable, values.rounds, values.concurrency].map(Number);
const LIMIT = 60_000;

/** Steps a second of a durable block, or of a batch of as many tasks. Runs in a page. */
async function stored({ what, count, concurrency }) {
  const { connect } = await import("/dist/index.js");
  const client = await connect("memory:");
  const worker = client.worker({ noop: async () => {} }, { concurrency });
  const ended = worker.run();
  const payloads = Array.from({ length: count }, (_, n) => ({ n }));
  const began = performance.now();
  if (what === "durable block") {
    const block = await client.submitBlock(payloads, { type: "noop", maxConcurrency: concurrency });
    const { overallStatus, completedTasks } = await block.wait();
    if (overallStatus !== "completed" || completedTasks !== count) throw new Error(`${overallStatus}, ${completedTasks}`);
  } else {
    const batch = await client.submitBatch(payloads.map((payload) => ({ payload })), { type: "noop" });
    const { status, counts } = await batch.wait();
    if (status !== "completed" || counts.completed !== count) throw new Error(`${status}, ${counts.completed}`);
  }
  const took = performance.now() - began;
  await worker.drain();
  await ended;
  await client.close();
  return count / (took / 1000);
}

/** Steps a second of code in the page. Runs there. */
async function local({ what, count, concurrency }) {
  const { parallel } = await import("/dist/index.js");
  const steps = Array.from({ length: count }, (_, n) => n);
  const fn = async (n) => n + 1;
  const settled = async (n) => {
    const begun = performance.now();
    try {
      const result = await fn(n);
      return { status: "completed", result, executionTime: (performance.now() - begun) / 1000 };
    } catch (error) {
      return { status: "failed", error, executionTime: (performance.now() - begun) / 1000 };
    }
  };
  const runs = {
    parallel: async () => (await parallel(steps, fn, { maxConcurrency: concurrency })).results,
    "Promise.all": () => Promise.all(steps.map(fn)),
    "Promise.all, settled": () => Promise.all(steps.map(settled)),
  };
  let best = Infinity;
  for (let n = 0; n < 6; n++) {
    const began = performance.now();
    const { length } = await runs[what]();
    if (length !== count) throw new Error(`${length} results`);
    if (n >= 3) best = Math.min(best, performance.now() - began);
  }
  return count / (best / 1000);
}

const MEASURED = [
  ["durable block", stored, durable],
  ["batch", stored, durable],
  ["parallel", local, steps],
  ["Promise.all", local, steps],
  ["Promise.all, settled", local, steps],
];

const site = await serve({ "/dist/": fileURLToPath(new URL("../../bindings-wasm/dist", import.meta.url)) }, {}, { "/": "<!doctype html><title>bench</title>" });
const browser = await launch();
const found = Object.fromEntries(MEASURED.map(([what]) => [what, []]));
try {
  for (let round = 0; round < rounds; round++) {
    for (const [what, run, count] of MEASURED) {
      const page = await browser.newPage();
      await page.goto(site.url);
      let late;
      const end = new Promise((_, reject) => (late = setTimeout(() => reject(new Error(`${what} took longer than a minute`)), LIMIT)));
      found[what].push(await Promise.race([page.evaluate(run, { what, count, concurrency }), end]));
      clearTimeout(late);
      await page.close();
    }
  }
} finally {
  await browser.close();
  await site.close();
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
if (values.json) console.log(JSON.stringify({ steps, durable, concurrency, found }));
else {
  console.log(`${steps} steps, ${durable} durable, ${concurrency} at once, ${rounds} rounds, load ${loadavg()[0].toFixed(1)}: median (least to most)`);
  for (const [what, run] of MEASURED) {
    const [rates, block] = [found[what], run === stored ? "durable block" : "parallel"];
    const [middle, least, most] = [median(rates), Math.min(...rates), Math.max(...rates)].map((rate) => Math.round(rate).toLocaleString("en"));
    const ratio = median(rates.map((rate, round) => found[block][round] / rate)).toFixed(2);
    console.log(`${`${what}:`.padEnd(22)} ${middle} (${least} to ${most}) steps/s${what === block ? "" : `; ${block} is at ${ratio} of it`}`);
  }
}

// Strategies in Node beside p-map and p-limit: steps that do nothing, as a table.
//
//   node benches/node_parallel.mjs --peers FOLDER [--steps N] [--concurrency N] [--rounds N] [--json FILE]
//
// FOLDER is what `benches/peers/install.sh` prints. The package is that of WINDLASS_PACKAGE, else of this
// clone: compile it, and take the addon of the release profile (`place-native.mjs --profile release`).
//
// Each measurement is a process of its own, which runs the steps five times so that code is compiled, and then
// five times more: the median of these counts. Rounds are interleaved. Peers give the values alone and stop at the
// first failure; ours gives a result for each step, with its status and time. `settled` is p-map asked for the same.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const HOME = process.env.WINDLASS_PACKAGE ?? fileURLToPath(new URL("../bindings-node", import.meta.url));
const { values } = parseArgs({
  options: {
    peers: { type: "string" },
    steps: { type: "string", default: "100000" },
    concurrency: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    json: { type: "string" },
    one: { type: "string" },
  },
});
const [count, concurrency, rounds] = [values.steps, values.concurrency, values.rounds].map(Number);

const installed = (name) => {
  if (values.peers === undefined) throw new Error("--peers is missing: give the folder that benches/peers/install.sh prints");
  const from = createRequire(join(values.peers, "node/package.json"));
  return import(pathToFileURL(from.resolve(name)).href).then((module) => module.default);
};

const ours = async (strategy) => {
  const { parallel } = await import(pathToFileURL(join(HOME, "dist/esm/index.js")).href);
  return async (steps, fn) => {
    const block = await parallel(steps, fn, { maxConcurrency: concurrency, ...strategy });
    if (block.status !== "completed") throw new Error(block.status);
    return block.results;
  };
};
const pMap = async () => {
  const run = await installed("p-map");
  return (steps, fn) => run(steps, fn, { concurrency });
};
const pLimit = async () => {
  const make = await installed("p-limit");
  return (steps, fn) => {
    const limit = make(concurrency);
    return Promise.all(steps.map((step) => limit(fn, step)));
  };
};
const settled = async () => {
  const run = await pMap();
  const told = (fn) => async (step) => {
    const begun = performance.now();
    try {
      const result = await fn(step);
      return { status: "completed", result, executionTime: (performance.now() - begun) / 1000 };
    } catch (error) {
      return { status: "failed", error, executionTime: (performance.now() - begun) / 1000 };
    }
  };
  return (steps, fn) => run(steps, told(fn));
};

const RUNNERS = {
  all: () => ours({ strategy: "all" }),
  quorum: () => ours({ strategy: "quorum", quorum: count }),
  "p-map": pMap,
  "p-map, settled": settled,
  "p-limit": pLimit,
};

async function measure(name) {
  const run = await RUNNERS[name]();
  const steps = Array.from({ length: count }, (_, n) => n);
  const fn = async (n) => n + 1;
  const millis = [];
  for (let n = 0; n < 10; n++) {
    const start = performance.now();
    const results = await run(steps, fn);
    if (n >= 5) millis.push(performance.now() - start);
    if (results.length !== count) throw new Error(`${results.length} results`);
  }
  console.log(JSON.stringify({ seconds: median(millis) / 1000, max_rss_bytes: process.resourceUsage().maxRSS * 1024 }));
}

function median(numbers) {
  const sorted = numbers.toSorted?.((a, b) => a - b) ?? [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function table() {
  const found = {};
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(RUNNERS)) {
      const args = [`--steps=${count}`, `--concurrency=${concurrency}`, `--one=${name}`, ...(values.peers ? [`--peers=${values.peers}`] : [])];
      const done = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], { encoding: "utf8", timeout: 120_000 });
      if (done.status !== 0) throw new Error(`${name}: ${done.stderr || done.error}`);
      (found[name] ??= []).push(JSON.parse(done.stdout));
    }
  }
  console.log(`${count} steps, ${concurrency} at once, ${rounds} rounds, Node ${process.version}, load ${loadavg()[0].toFixed(1)}\n`);
  console.log("| who | steps/s, median (least to most) | `all` is faster, median of the rounds | most memory |");
  console.log("| --- | --- | --- | --- |");
  const shown = (number) => Math.round(number).toLocaleString("en-US");
  for (const [name, all] of Object.entries(found)) {
    const rates = all.map(({ seconds }) => count / seconds).sort((a, b) => a - b);
    const faster = median(all.map(({ seconds }, round) => seconds / found.all[round].seconds));
    const memory = median(all.map(({ max_rss_bytes }) => max_rss_bytes)) / 1e6;
    console.log(`| ${name} | ${shown(median(rates))} (${shown(rates[0])} to ${shown(rates.at(-1))}) | ${faster.toFixed(2)} x | ${memory.toFixed(0)} MB |`);
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(found, null, 1));
}

if (values.one) await measure(values.one);
else table();

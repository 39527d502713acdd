// What the engine in a page does in a second, in headless Chromium: no-op handlers, from the worker's start
// to the last outcome that the store tells; and submits, one by one and many by each call.
//
//     node benches/browser/engine.mjs [--tasks N] [--rounds N] [--concurrency N] [--json]
//
// Needs `scripts/setup.sh web browser`. The worst frame is the longest that the page could draw nothing while
// it drained.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, serve } from "../../testkit/browser/index.mjs";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    concurrency: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const [tasks, rounds, concurrency] = [values.tasks, values.rounds, values.concurrency].map(Number);

async function round({ tasks, concurrency }) {
  const { connect } = await import("/dist/index.js");
  const client = await connect("memory:");
  const payload = (number) => ({ path: `pictures/holiday-${String(number).padStart(12, "0")}.jpg`, width: 320, height: 200, format: "webp", by: "bench" });
  const rate = (count, began) => count / ((performance.now() - began) / 1000);

  let began = performance.now();
  for (let n = 0; n < 2000; n++) await client.submitTask({ type: "other", payload: payload(n) });
  const submit = rate(2000, began);

  began = performance.now();
  for (let first = 0; first < tasks; first += 1000) {
    await client.submitBatch(Array.from({ length: Math.min(1000, tasks - first) }, (_, n) => ({ payload: payload(first + n) })), { type: "noop" });
  }
  const bulk = rate(tasks, began);

  let ran = 0;
  let allRan;
  const all = new Promise((resolve) => (allRan = resolve));
  const worker = client.worker({ noop: async () => void (++ran === tasks && allRan()) }, { concurrency });
  const frames = [];
  let drawing = true;
  const draw = (now) => {
    frames.push(now);
    if (drawing) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  began = performance.now();
  const ended = worker.run();
  await all;
  for (;;) {
    const open = (await client.counts()).filter(({ queue, status }) => queue === "default" && status === "running");
    if (open.length === 0) break;
  }
  const drain = rate(tasks, began);
  drawing = false;
  await worker.drain();
  await ended;
  await client.close();
  const gaps = frames.slice(1).map((at, i) => at - frames[i]);
  return { drain, submit, bulk, frame: Math.max(...gaps) };
}

const site = await serve({ "/dist/": fileURLToPath(new URL("../../bindings-wasm/dist", import.meta.url)) }, {}, { "/": "<!doctype html><title>bench</title>" });
const browser = await launch();
const told = [];
try {
  for (let n = 0; n < rounds; n++) {
    // A page of its own for each, as a user opens one.
    const page = await browser.newPage();
    await page.goto(site.url);
    told.push(await page.evaluate(round, { tasks, concurrency }));
    await page.close();
  }
} finally {
  await browser.close();
  await site.close();
}

const sorted = (name) => told.map((one) => one[name]).sort((a, b) => a - b);
const shown = (name, unit) => {
  const all = sorted(name).map((value) => Math.round(value).toLocaleString("en"));
  return `${all[Math.floor(all.length / 2)]} (${all[0]} to ${all.at(-1)}) ${unit}`;
};
if (values.json) console.log(JSON.stringify({ tasks, concurrency, rounds: told }));
else {
  console.log(`${tasks} tasks, concurrency ${concurrency}, ${rounds} rounds: median (least to most)`);
  console.log(`drain:              ${shown("drain", "tasks/s")}`);
  console.log(`submit one by one:  ${shown("submit", "tasks/s")}`);
  console.log(`submit 1000 by one: ${shown("bulk", "tasks/s")}`);
  console.log(`worst frame:        ${shown("frame", "ms")}`);
}

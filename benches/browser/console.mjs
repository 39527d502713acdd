// How quick the console is, in headless Chromium against a real server on loopback.
//
//   node benches/browser/console.mjs [--rows 1000000] [--rounds 15] [--only load|list|stream]
//
// WINDLASS_BIN names the server's binary; what is measured for docs/benchmarks.md is one of the release
// profile. The database of the list is made once, in the folder of the build, and used again.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "../../bindings-node/dist/esm/index.js";
import { startServer } from "../../console/demo/server.mjs";
import { launch } from "../../testkit/browser/index.mjs";

const { values } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, rounds: { type: "string", default: "15" }, only: { type: "string" } },
});
const rounds = Number(values.rounds);
const browser = await launch();
const wanted = (name) => values.only === undefined || values.only === name;

try {
  if (wanted("load")) await load();
  if (wanted("list")) await list(Number(values.rows));
  if (wanted("stream")) await stream();
} finally {
  await browser.close();
}

/** From the start of the navigation, nothing cached, to the first figure of the store on the page. */
async function load() {
  const server = await startServer();
  const client = await connect(server.url);
  await client.submitBatch(Array.from({ length: 100 }, () => ({ type: "a" })));
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(() => {
      window.firstFigure = new Promise((resolve) => {
        new MutationObserver(() => {
          const figure = document.querySelector(".tile .figure");
          if (figure !== null && figure.textContent !== "") requestAnimationFrame(() => resolve(performance.now()));
        }).observe(document, { subtree: true, childList: true, characterData: true });
      });
    });
    await page.goto(server.url, { waitUntil: "commit" });
    times.push(await page.evaluate(() => window.firstFigure));
    await context.close();
  }
  report("page load to the first live figure, cold cache", times);
  await client.close();
  await server.stop();
}

/** From a click to the rows, over many tasks. */
async function list(rows) {
  const server = await startServer({ store: `sqlite:${await million(rows)}` });
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${server.url}/queues`);
  await page.locator("tbody tr").first().waitFor();
  const first = [];
  const filtered = [];
  const rare = [];
  for (let round = 0; round < rounds; round++) {
    await page.evaluate(listen);
    await page.getByRole("link", { name: "Tasks", exact: true }).click();
    first.push(await page.evaluate(() => window.shown(50)));
    filtered.push(await search(page, "env=staging", 50));
    await page.getByRole("button", { name: "Clear all" }).click();
    rare.push(await search(page, "wave=7", 50));
    await page.getByRole("link", { name: "Queues", exact: true }).click();
    await page.locator("tbody tr").first().waitFor();
  }
  const of = `${rows.toLocaleString("en")} tasks`;
  report(`first page of ${of}`, first);
  report(`filter by a label that one in ten of ${of} has`, filtered);
  report(`filter by a label that one in 10,000 of ${of} has`, rare);
  await server.stop();
}

async function search(page, words, count) {
  await page.locator("#search").fill(words);
  await page.evaluate(listen);
  await page.locator("#search").press("Enter");
  return page.evaluate((n) => window.shown(n), count);
}

/** In the page: from the next click or key to the moment after which the rows are painted. */
function listen() {
  let began;
  const note = (event) => (began ??= event.timeStamp);
  addEventListener("click", note, { capture: true, once: true });
  addEventListener("keydown", note, { capture: true, once: true });
  const before = document.querySelector("tbody")?.textContent;
  window.shown = (count) =>
    new Promise((resolve) => {
      const look = () => {
        const rows = document.querySelectorAll(".tasks-table tbody tr");
        const isNew = rows.length === count && document.querySelector(".stale") === null && document.querySelector("tbody").textContent !== before;
        if (isNew) requestAnimationFrame(() => resolve(performance.now() - began));
        else requestAnimationFrame(look);
      };
      look();
    });
}

/** A file with so many tasks, one batch of a thousand after the other. */
async function million(rows) {
  const folder = join(process.env.CARGO_TARGET_DIR ?? "target", "console-bench");
  const file = join(folder, `${rows}.db`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const half = join(folder, "unfinished.db");
  for (const end of ["", "-wal", "-shm", "-turn", "-gate", "-wake"]) await rm(half + end, { force: true });
  const client = await connect(`sqlite:${half}`, { durability: "normal" });
  for (let made = 0; made < rows; made += 1000) {
    const tasks = Array.from({ length: Math.min(1000, rows - made) }, (_, i) => {
      const n = made + i;
      const labels = { env: n % 10 === 0 ? "staging" : "prod", ...(n % 10_000 === 0 && { wave: "7" }) };
      return { type: `type-${n % 20}`, queue: `queue-${n % 5}`, payload: { n }, labels };
    });
    await client.submitBatch(tasks);
  }
  await client.close();
  await rename(half, file);
  return file;
}

/** The page of a task that reports 100 times a second. */
async function stream() {
  const server = await startServer();
  const client = await connect(server.url);
  const { taskId } = await client.submitTask({ type: "busy" });
  const { tasks } = await client.lease({ worker: "bench", queues: ["default"], handlers: ["busy"], limit: 1, lease_seconds: 600 });
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage();
  await page.goto(`${server.url}/tasks/${taskId}`);
  await page.getByRole("heading", { name: "busy" }).waitFor();
  await page.evaluate(() => {
    window.frames = [];
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    let last = performance.now();
    const frame = (now) => {
      window.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const of = { task_id: tasks[0].task.task_id, token: tasks[0].token };
  let said = 0;
  const began = performance.now();
  while (performance.now() - began < 15_000) {
    const due = Math.floor((performance.now() - began) / 10) + 1 - said;
    const updates = Array.from({ length: due }, (_, i) => {
      const n = said + i;
      return n % 2 === 0 ? { kind: "progress", progress: (n % 1500) / 15, message: `part ${n}` } : { kind: "log", level: "info", message: `line ${n} of what a handler says` };
    });
    said += due;
    await client.renew([{ ...of, lease_seconds: 600, ...(said === due && { started_seconds_ago: 0 }), updates }]);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await page.locator(".line", { hasText: `line ${said - (said % 2 === 0 ? 1 : 2)} ` }).waitFor();
  const { frames, long } = await page.evaluate(() => ({ frames: window.frames.slice(5), long: window.long }));
  report(`frames while a task reports ${Math.round(said / 15)} times a second for 15 s`, frames);
  console.log(`  over 50 ms: ${frames.filter((frame) => frame > 50).length} of ${frames.length}; long tasks: ${long.length}${long.length > 0 ? `, the longest ${Math.max(...long)} ms` : ""}`);
  await client.close();
  await server.stop();
}

function report(name, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)].toFixed(0);
  console.log(`${name}: median ${at(0.5)} ms, least ${at(0)}, p99 ${at(0.99)}, most ${at(1)}`);
}

// Tasks that run now: workers with handlers that report, log, fail and try again.
import { connect } from "../../bindings-node/dist/esm/index.js";
import { TYPES, chances, task } from "./tasks.mjs";

/** Waits, and ends early when the task is cancelled. */
function rest(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** A report in parts, with a line for each. */
async function reportBuild(payload, ctx) {
  const parts = payload.parts ?? 24;
  ctx.log(`building the ${payload.period ?? "daily"} report of ${parts} parts`);
  for (let part = 1; part <= parts; part++) {
    await rest(payload.pause ?? 0.5, ctx.signal);
    ctx.progress((part / parts) * 100, `part ${part} of ${parts}`);
    if (part % 7 === 0) ctx.log(`part ${part}: 3 rows without a customer were left out`, "warning");
    else ctx.log(`part ${part}: ${1200 + part * 37} rows`, part % 3 === 0 ? "debug" : "info");
  }
  return { rows: parts * 1480, url: "reports/2026-11.parquet", totals: { net: 48211.4, tax: 9160.16 } };
}

/** Captures at the third attempt. */
async function paymentCapture(payload, ctx) {
  ctx.log(`attempt ${ctx.attempt}: capturing order ${payload.order}`);
  await rest(0.35 + ctx.attempt * 0.2, ctx.signal);
  if (ctx.attempt < (payload.succeeds ?? 1)) {
    ctx.log("the bank did not answer", "error");
    throw new ConnectionError(`bank.example.com: connection reset by peer (order ${payload.order})`);
  }
  return { captured: true, reference: `ch_${payload.order}` };
}

class ConnectionError extends Error {
  name = "ConnectionError";
}

function plain(type, chance) {
  const { seconds, fails, error } = TYPES[type];
  return async (_, ctx) => {
    await rest((seconds / 8) * (0.5 + chance()), ctx.signal);
    if (chance() < fails * 4) throw new ConnectionError(error);
    return { ok: true };
  };
}

/** Starts two workers on the server; answers how to end them. */
export async function startWorkers(url, options = {}) {
  const client = await connect(url, options);
  const chance = chances(11);
  const queues = [...new Set(Object.values(TYPES).map(({ queue }) => queue))];
  const handlers = {
    ...Object.fromEntries(Object.keys(TYPES).map((type) => [type, plain(type, chance)])),
    "report.build": reportBuild,
    "payment.capture": paymentCapture,
  };
  const workers = ["demo-a", "demo-b"].map((workerId, i) => client.worker(handlers, { workerId, queues, concurrency: 3 + i * 2 }));
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.stop?.();
    await client.close();
    await running.catch(() => {});
  };
}

/** Submits a steady line of tasks, in waves and with a burst now and then; answers how to stop. */
export async function submitSteadily(url, options = {}) {
  const client = await connect(url, options);
  const chance = chances(5);
  let second = 0;
  const timer = setInterval(() => {
    second++;
    const pace = 3.2 + 2 * Math.sin(second / 140) + (second % 540 > 480 ? 13 : 0);
    const tasks = Array.from({ length: Math.round(pace * (0.6 + chance() * 0.8)) }, () => task(chance));
    const short = tasks.map((one) => (one.type === "report.build" ? { ...one, payload: { parts: 6, pause: 0.4 } } : one));
    if (short.length > 0) void client.submitBatch(short).catch(() => {});
  }, 1_000);
  return async () => {
    clearInterval(timer);
    await client.close();
  };
}

/** Submits some of everything; answers ids of what pictures show. */
export async function submitSome(url, options = {}) {
  const client = await connect(url, options);
  const chance = chances(3);
  try {
    const report = await client.submitTask({
      type: "report.build", queue: "reports", payload: { period: "monthly", parts: 40, pause: 0.6, customers: ["acme", "globex"] },
      labels: { env: "prod", team: "finance" }, idempotencyKey: `report-${Date.now()}`, timeout: 600, metadata: { requestedBy: "ada" },
    });
    const retried = await client.submitTask({
      type: "payment.capture", queue: "billing", payload: { order: 40_112, amount: 129.9, currency: "EUR", card: "4242 4242 4242 4242", succeeds: 4 },
      labels: { env: "prod", region: "eu-west" }, priority: "high", retry: { maxRetries: 5, initialDelay: 0.5, exponentialBase: 2 }, idempotencyKey: `order-40112-${Date.now()}`,
    });
    const failed = await client.submitTask({
      type: "payment.capture", queue: "billing", payload: { order: 40_377, succeeds: 99 },
      labels: { env: "prod", region: "us-east" }, retry: { maxRetries: 2, initialDelay: 0.4 },
    });
    const batch = await client.submitBatch(Array.from({ length: 30 }, () => ({ ...task(chance), type: "mail.send", queue: "mail" })));
    await client.submitBatch(Array.from({ length: 3 }, (_, i) => ({ ...task(chance), delay: 4_000 + i * 1_800 })));
    return { report: report.taskId, retried: retried.taskId, failed: failed.taskId, batch: batch.batchId };
  } finally {
    await client.close();
  }
}

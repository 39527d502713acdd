// A real server, a real browser, and workers by hand.
import { after } from "node:test";
import { accessibilityFaults, launch } from "../../testkit/browser/index.mjs";
import { startServer } from "../demo/server.mjs";

export { accessibilityFaults };

let browser;
const servers = [];
// A hook of the file, not of the test that happens to run.
after(async () => {
  await browser?.close();
  await Promise.all(servers.map((server) => server.stop()));
});

/** A server that ends with the tests of the file. */
export async function start(options) {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

/** A server that ends with the tests of the file, and what can be done with it. */
export async function place(options = {}) {
  const server = await start(options);
  return { server, ...verbs(server.url, options.key) };
}

/** A page of the console in a profile of its own; `faults` gathers what must not happen in it. */
export async function open(url, { theme = "dark", width = 1280, skew = 0, origin = new URL(url).origin, ...options } = {}) {
  browser ??= await launch();
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 740 : 860 }, colorScheme: theme, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // A clock that is wrong by so many milliseconds.
  if (skew !== 0) await page.addInitScript((by) => ((now) => (Date.now = () => now() + by))(Date.now), skew);
  page.setDefaultTimeout(10_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`thrown: ${error.message}`));
  page.on("dialog", (dialog) => (faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== origin && asked.protocol !== "data:") faults.push(`outside request: ${request.url()}`);
  });
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text());
  });
  await page.goto(url);
  return Object.assign(page, { faults, close: () => context.close() });
}

/** What a caller and a worker do, by HTTP. */
export function verbs(url, key) {
  const call = async (path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const told = text === "" ? null : JSON.parse(text);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(told)}`);
    return told;
  };
  const submit = async (task) => (await call("/tasks", task)).task_id;
  const submitAll = async (tasks) => (await call("/tasks/bulk", { tasks })).submissions.map((told) => told.task_id);
  const submitBatch = async (tasks) => (await call("/batches", { tasks })).submissions[0].batch_id;
  /** Leases one task of the type; answers what its worker can say. */
  const lease = async (type, { queue = "default", worker = "hand" } = {}) => {
    const { tasks } = await call("/leases", { worker, queues: [queue], handlers: [type], limit: 1, lease_seconds: 60, wait_seconds: 10 });
    if (tasks.length === 0) throw new Error(`nothing of ${type} to lease`);
    const { task, token } = tasks[0];
    const of = { task_id: task.task_id, token };
    let started = false;
    const renew = (updates) => {
      const record = { ...of, lease_seconds: 60, ...(!started && { started_seconds_ago: 0 }), updates };
      started = true;
      return call("/leases/renew", { renewals: [record] });
    };
    return {
      id: task.task_id,
      start: () => renew([]),
      progress: (progress, message) => renew([{ kind: "progress", progress, message }]),
      log: (message, level = "info") => renew([{ kind: "log", level, message }]),
      say: renew,
      complete: (result = null) => call("/leases/settle", { settles: [{ ...of, started_seconds_ago: 0, outcome: "complete", result }] }),
      fail: (message, more = {}) =>
        call("/leases/settle", {
          settles: [{ ...of, started_seconds_ago: 0, outcome: "fail", error: { code: "handler_error", message, error_type: "ValueError", traceback: "Traceback (most recent call last):\n  File \"app.py\", line 7, in run", retryable: false, ...more } }],
        }),
    };
  };
  return { url, call, submit, submitAll, submitBatch, lease, get: (id) => call(`/tasks/${id}`) };
}

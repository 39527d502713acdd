// A fresh store for one case, and what a step can call on it: records in, records out.
import { join } from "node:path";
import { IdempotencyConflictError, WindlassError, connect } from "windlass";
import { ManualClock, TestServer } from "windlass/testing";
import { runBlock } from "./block.mjs";
import { VectorError } from "./vectors.mjs";

const LEASE = { worker: "w1", queues: ["default"], handlers: ["work"], limit: 10, lease_seconds: 60 };
let number = 0;

const RENAMED = { type: "task_type", timestamp: "at" };
// A queue is shown with its name.
const OF_QUEUES = { ...RENAMED, name: "queue" };
// What belongs to a task's user is not renamed within.
const OPAQUE = new Set(["payload", "result", "metadata", "labels", "counts", "initialState", "state"]);
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A wire record by the names of the client's options. */
function options(record) {
  const name = (key) => (key === "task_type" ? "type" : camel(key.replace(/_seconds$/, "")));
  const named = ([key, value]) => [name(key), key === "retry" && value !== null ? options(value) : value];
  return Object.fromEntries(Object.entries(record).map(named));
}

/** What a batch is told beside its tasks, by the names of the client's options. */
function batchOptions(record) {
  const hook = ([key, value]) => [key, key.startsWith("on") ? options(value) : value];
  return Object.fromEntries(Object.entries(options(record)).map(hook));
}

/** What the client shows, by the names of the wire. */
function wire(shown, renamed = RENAMED) {
  if (Array.isArray(shown)) return shown.map((one) => wire(one, renamed));
  if (shown instanceof Date) return shown.toISOString();
  if (typeof shown !== "object" || shown === null) return shown;
  const named = ([key, value]) => [renamed[key] ?? snake(key), OPAQUE.has(key) ? value : wire(value, renamed)];
  return Object.fromEntries(Object.entries(shown).map(named));
}

export const errorRecord = (error) => ({ code: error.code, fields: error.fields });

// What belongs to a user.
const AS_GIVEN = new Set(["result", "upstream", "state"]);
const QUEUES = new Set(["pause", "resume", "queues"]);

// Verbs that are told one thing, or nothing: the client's method, and what it is told.
const PLAIN = {
  ...{ get: ["getTask", "task_id"], why: ["why", "task_id"], cancel: ["cancelTask", "task_id"], retry: ["retryTask", "task_id"] },
  ...{ batch: ["getBatch", "batch_id"], cancel_batch: ["cancelBatch", "batch_id"], renew: ["renew", "renewals"] },
  ...{ pause: ["pauseQueue", "queue"], resume: ["resumeQueue", "queue"], queues: ["queues"] },
  ...{ counts: ["counts"], sweep: ["sweep"], close: ["close"] },
};
const plain = ([verb, [method, told]]) => [verb, (c, args) => c[method](args[told])];

const stored = ({ batchId, deduplicated, submissions }) => ({ batchId, deduplicated, submissions });

/** A name that is not there is an error for clients, and nothing here. */
function nothing(error) {
  if (error.fields?.field === "upstream") return null;
  throw error;
}

const VERBS = {
  ...Object.fromEntries(Object.entries(PLAIN).map(plain)),
  submit: (c, record) => c.submitTask(options(record)),
  submit_batch: async (c, { tasks }) => (await c.submitBatch(tasks.map(options))).submissions,
  create_batch: async (c, { tasks, ...told }) => stored(await c.submitBatch(tasks.map(options), batchOptions(told))),
  open_batch: async (c, told) => ({ batchId: (await c.openBatch(batchOptions(told))).batchId }),
  extend_batch: async (c, { batch_id, chunk, tasks }) => ({ total: await c.extendBatch(batch_id, chunk, tasks.map(options)) }),
  seal_batch: async (c, { batch_id }) => stored(await c.sealBatch(batch_id)),
  submit_pipeline: async (c, { name, stages, timeout_seconds: timeout, ...told }) => {
    const pipeline = c.createPipeline(name, options(told));
    for (const stage of stages) pipeline.addStage(options(stage));
    await pipeline.execute({ timeout });
    const { pipelineId, deduplicated } = pipeline;
    const { status } = await c.getTask(pipelineId);
    return { pipelineId, deduplicated, status, taskIds: pipeline.stages.map(({ taskId }) => taskId) };
  },
  pipeline: async (c, { pipeline_id }) => (await c.getPipeline(pipeline_id)).status(),
  cancel_pipeline: async (c, { pipeline_id }) => (await c.getPipeline(pipeline_id)).cancel(),
  retry_pipeline: async (c, { pipeline_id, stage }) => (await c.getPipeline(pipeline_id)).retry(stage),
  submit_block: async (c, block) => {
    const { taskId, deduplicated } = await c.submitBlock(block);
    return { taskId, deduplicated };
  },
  block: (c, { task_id }) => c.blockHandle(task_id).status(),
  upstream: (c, { task_id, name }) => c.upstream(task_id, name).catch(nothing),
  upstream_names: (c, { task_id }) => c.upstreamNames(task_id),
  state: (c, { state_key }) => c.getState(state_key),
  get_many: async (c, { task_ids }) => [...(await c.getBatchStatus(task_ids)).values()],
  list: (c, filter) => c.listTasks(options(filter)),
  count: (c, { most, ...filter }) => c.countTasks(options(filter), { most }),
  cancel_matching: (c, { most, cursor, ...filter }) => c.cancelTasks(options(filter), { most, cursor }),
  retry_matching: (c, { most, cursor, ...filter }) => c.retryTasks(options(filter), { most, cursor }),
  updates: async (c, { task_id, after = 0, take }) => {
    const taken = [];
    for await (const update of c.streamTask(task_id, { after })) if (taken.push(update) >= take) break;
    return taken;
  },
  wait: (c, { task_ids, timeout_seconds = 20, fail_fast = false }) =>
    c.waitForBatch(task_ids, { timeout: timeout_seconds * 1000, failFast: fail_fast }),
  result: (c, { task_id, timeout_seconds = 20 }) => c.result(task_id, { timeout: timeout_seconds * 1000 }),
  lease: (c, request) => c.lease({ ...LEASE, ...request }),
  settle: async (c, { outcomes }) =>
    (await c.settle(outcomes)).map((one) => (one instanceof WindlassError ? { error: errorRecord(one) } : one)),
};

/** An empty store with a clock that stands still; a client for each tenant. Behind a server with `rest`. */
export class Site {
  clients = new Map();
  clock = new ManualClock();

  constructor(store, folder, given = {}, rest = false) {
    const name = `vector-${number++}`;
    this.file = store === "sqlite" ? join(folder, `${name}.db`) : undefined;
    this.url = this.file ? `sqlite:${this.file}` : `memory:node-${name}`;
    // What tells a store how to be; nothing is waited for: a full queue answers at once.
    this.options = { clock: this.clock, seedlessJitter: true, ...options(given) };
    this.rest = rest;
  }

  async connect(url, tenantId) {
    if (!this.rest) return connect(url, { tenantId, patience: 0, ...this.options });
    const server = url === this.url && this.server ? this.server : await TestServer.start(url, this.options);
    if (url === this.url) this.server = server;
    return connect(server.url, { tenantId, patience: 0 });
  }

  async reopen() {
    for (const client of this.clients.values()) await client.close();
    this.clients.clear();
    await this.server?.stop();
    this.server = undefined;
  }

  async call(verb, args = {}, tenant = "default") {
    if (!Object.hasOwn(VERBS, verb)) throw new VectorError(`there is no verb ${verb}`);
    if (!this.clients.has(tenant)) this.clients.set(tenant, await this.connect(this.url, tenant));
    const shown = await VERBS[verb](this.clients.get(tenant), args);
    return AS_GIVEN.has(verb) ? shown : wire(shown, QUEUES.has(verb) ? OF_QUEUES : RENAMED);
  }

  /** A function of core, as the client shows it. */
  async pure(name, given) {
    const submit = (record, idempotency_key) => this.call("submit", { ...record, idempotency_key });
    const stored = async (record) => this.call("get", { task_id: (await submit(record)).task_id });
    if (name === "block") return runBlock(given);
    if (name === "priority") return (await stored({ priority: given })).priority;
    if (name === "handler") return (await stored(given)).handler;
    if (name === "same_request") {
      await submit(given.a, "k");
      const different = (error) => (error instanceof IdempotencyConflictError ? false : Promise.reject(error));
      return submit(given.b, "k").then(({ deduplicated }) => deduplicated, different);
    }
    if (name !== "backoff") throw new VectorError(`no client shows the function ${name}`);
    const error = { code: "handler_error", message: "no" };
    const { task_id } = await submit({ task_type: "work", retry: { ...given.retry, max_retries: 1000 } });
    let delay = NaN;
    for (let n = 0; n < given.n; n++) {
      await this.call("sweep");
      const { token } = (await this.call("lease")).tasks[0];
      await this.call("settle", { outcomes: [{ task_id, token, outcome: "fail", error }] });
      delay = (new Date((await this.call("get", { task_id })).run_at) - this.clock.now()) / 1000;
      await this.clock.advance(delay);
    }
    return delay;
  }
}

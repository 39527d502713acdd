// Batches as objects, pipelines, stored blocks, states and results of other stages: in process and by HTTP.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BatchHandle, InvalidArgumentError, Pipeline, connect } from "windlass";
import { RestClient } from "windlass/rest";
import { TestServer } from "windlass/testing";

const handlers = {
  extract: (payload) => ({ rows: payload.rows }),
  sum: async (_, ctx) => {
    const names = (await ctx.upstreamNames()).sort();
    let rows = 0;
    for (const name of names) rows += (await ctx.upstream(name)).rows;
    return { rows, names, stage: ctx.stage, pipelineId: ctx.pipelineId };
  },
  strange: (_, ctx) => ctx.upstream("nothing"),
  fail: () => {
    throw new RangeError("no");
  },
  count: (payload, ctx) => {
    ctx.state ??= { n: 0 };
    ctx.state.n += payload.by ?? 1;
    return ctx.state.n;
  },
  look: (_, ctx) => ctx.state,
  odd: (_, ctx) => {
    ctx.state = { at: undefined };
  },
  keyless: (_, ctx) => {
    ctx.state = 1;
  },
  told: async (_, ctx) => (await ctx.upstream("batch")).counts,
  echo: (payload) => payload,
};

let server;
const clients = {};
let worker, ended;
before(async () => {
  server = await TestServer.start("memory:composition");
  clients["in process"] = server.client;
  clients["by HTTP"] = await connect(server.url);
  worker = clients["by HTTP"].worker(handlers, { concurrency: 4, defaultHandler: handlers.echo });
  ended = worker.run();
});
after(async () => {
  await worker.drain();
  await ended;
  await clients["by HTTP"].close();
  await server.stop();
});

for (const where of ["in process", "by HTTP"]) {
  describe(where, () => {
    let client;
    before(() => (client = clients[where]));

    // BAT-01, BAT-04
    test("a batch has one progress, one stream and a task that runs at its end", async () => {
      const tasks = [1, 2, 3].map((n) => ({ payload: n }));
      const batch = await client.submitBatch(tasks, { type: "echo", name: "three", onSuccess: { type: "told" }, labels: { of: "a batch" } });
      assert.ok(batch instanceof BatchHandle);
      assert.deepEqual(batch.submissions.map(({ taskId }) => taskId), batch.taskIds);
      const members = [];
      for await (const { kind, memberId, status } of batch.stream()) if (kind === "member") members.push([memberId, status]);
      assert.deepEqual(members.sort(), batch.taskIds.map((id) => [id, "completed"]).sort());
      const end = await batch.wait();
      assert.deepEqual([end.status, end.name, end.total, end.progress], ["completed", "three", 3, 100]);
      assert.equal(await batch.progress(), 100);
      assert.deepEqual(await client.result(end.hooks.onSuccess), { completed: 3 });
      assert.deepEqual((await client.waitForBatch(batch.taskIds)).map(({ result }) => result), [1, 2, 3]);
      assert.deepEqual((await client.listTasks({ kind: "batch", labels: { of: "a batch" } })).map(({ taskId }) => taskId).includes(batch.batchId), true);
    });

    test("a long or asynchronous list of tasks goes in chunks", async () => {
      const many = async function* () {
        for (let n = 0; n < 5_300; n++) yield { type: "nobody", payload: n };
      };
      const batch = await client.submitBatch(many(), { name: "many" });
      assert.equal(batch.taskIds.length, 5_300);
      assert.equal(new Set(batch.taskIds).size, 5_300);
      assert.equal((await batch.status()).total, 5_300);
      const last = await client.getTask(batch.taskIds.at(-1));
      assert.deepEqual([last.payload, last.batchId], [5_299, batch.batchId]);
      assert.equal((await batch.cancel()).status, "cancelled");
    });

    test("one key is one batch", async () => {
      const submit = (n) => client.submitBatch([{ type: "echo", payload: n }], { idempotencyKey: `batch ${where}` });
      const first = await submit(1);
      const again = await submit(1);
      assert.deepEqual([again.batchId, again.deduplicated, again.taskIds], [first.batchId, true, first.taskIds]);
      await assert.rejects(submit(2), { code: "idempotency_conflict" });
    });

    test("an open batch is nothing before its seal", async () => {
      const open = await client.openBatch({ type: "echo" });
      await open.add([{ payload: 1 }]);
      await open.add([{ payload: 2 }]);
      assert.equal((await client.getBatch(open.batchId).catch(({ code }) => code)), "batch_not_found");
      const batch = await open.seal();
      assert.equal(batch.batchId, open.batchId);
      assert.equal((await batch.wait()).total, 2);
      assert.equal((await client.batchHandle(batch.batchId).status()).status, "completed");
    });

    // PIP-01, PIP-02, PIP-04, PIP-05
    test("stages wait for others and read what they returned", async () => {
      const pipeline = client.createPipeline("etl", { labels: { where } });
      const left = pipeline.addStage({ name: "left", type: "extract", payload: { rows: 3 } });
      const right = pipeline.addStage({ name: "right", type: "extract", payload: { rows: 4 } });
      const sum = pipeline.addStage({ name: "sum", type: "sum", payload: null, dependsOn: [left, "right"] });
      assert.match(await pipeline.toMermaid(), /^flowchart TD\n {4}s0\["left"\]\n[^]*s1 --> s2\n$/);
      assert.equal(await pipeline.execute({ priority: "high", timeout: 3600 }), pipeline);
      const changes = [];
      for await (const change of pipeline.monitor()) changes.push(change);
      assert.deepEqual(changes.filter(({ isTerminal }) => isTerminal), [changes.at(-1)]);
      assert.deepEqual([changes.at(-1).stage, changes.at(-1).status, changes.at(-1).progress], [null, "completed", 100]);
      const told = changes.filter(({ stage }) => stage === "sum").map(({ status }) => status);
      assert.deepEqual(told, ["pending", "running", "completed"]);
      const ids = new Map([[null, pipeline.pipelineId], ...[left, right, sum].map(({ name, taskId }) => [name, taskId])]);
      for (const change of changes) assert.equal(change.taskId, ids.get(change.stage));
      const { rows, names, stage, pipelineId } = await pipeline.result(sum);
      assert.deepEqual([rows, names, stage, pipelineId], [7, ["left", "right"], "sum", pipeline.pipelineId]);
      assert.deepEqual(Object.keys(await pipeline.results()), ["left", "right", "sum"]);
      assert.deepEqual(await pipeline.result("right"), { rows: 4 });
      const end = await pipeline.wait();
      assert.deepEqual([end.status, end.members.completed, end.timeoutSeconds], ["completed", 3, 3600]);
      assert.match(await pipeline.toMermaid(), /s2\["sum"\]:::completed/);
      assert.equal((await client.getTask(right.taskId)).priority, 2);
      const found = await client.getPipeline(pipeline.pipelineId);
      assert.ok(found instanceof Pipeline);
      assert.deepEqual(found.stages.map(({ name, dependsOn }) => [name, dependsOn]), [["left", []], ["right", []], ["sum", ["left", "right"]]]);
      const [listed] = await client.listPipelines({ labels: { where } });
      assert.deepEqual([listed.pipelineId, listed.name, listed.members.total], [pipeline.pipelineId, "etl", 3]);
      for await (const one of client.listPipelines({ labels: { where } })) assert.equal(one.status, "completed");
    });

    test("a stage that fails takes what depends on it along, and runs again", async () => {
      const pipeline = client.createPipeline("broken");
      const first = pipeline.addStage({ name: "first", type: "fail", payload: 0, maxRetries: 0 });
      pipeline.addStage({ name: "second", type: "echo", payload: 1, dependsOn: first });
      await pipeline.execute();
      const end = await pipeline.wait();
      assert.deepEqual([end.status, end.stages.map(({ status }) => status)], ["failed", ["failed", "cancelled"]]);
      assert.equal(end.stages[1].error.code, "upstream_failed");
      assert.equal((await pipeline.retry(first)).status, "running");
      assert.equal((await pipeline.wait()).status, "failed");
      await pipeline.retry();
      const changes = [];
      for await (const change of pipeline.monitor()) changes.push(change);
      assert.equal(changes.filter(({ isTerminal }) => isTerminal).length, 1);
      assert.equal(changes.at(-1).isTerminal, true);
      // Who goes on behind a change is told what the whole would tell: what a retry undid has not ended.
      assert.ok(changes.some(({ progress }, at) => progress < changes[at - 1]?.progress));
      for (const at of changes.keys()) {
        const rest = [];
        for await (const change of pipeline.monitor({ after: changes[at].seq })) rest.push(change);
        assert.deepEqual(rest, changes.slice(at + 1));
      }
      for (const after of [-1, 1.5, "1"]) {
        const refused = (error) => error instanceof InvalidArgumentError && error.fields.field === "after";
        await assert.rejects(pipeline.monitor({ after }).next(), refused);
      }
      await assert.rejects(pipeline.result("second"), { code: "task_cancelled" });
    });

    test("a cancel ends the whole, and a wait can be given up", async () => {
      const pipeline = client.createPipeline("waits");
      pipeline.addStage({ name: "nobody", type: "nobody", payload: 0 });
      await pipeline.execute();
      const giveUp = new AbortController();
      const waiting = pipeline.wait({ signal: giveUp.signal });
      const change = pipeline.monitor({ signal: giveUp.signal }).next();
      giveUp.abort();
      await assert.rejects(waiting, { name: "AbortError" });
      await assert.rejects(change, { name: "AbortError" });
      await assert.rejects(pipeline.wait({ timeout: 1 }), { code: /task_timeout|worker_not_available/ });
      assert.equal((await pipeline.cancel()).status, "cancelled");
    });

    test("what one waited for, and nothing else", async () => {
      const { taskId } = await client.submitTask({ type: "strange", payload: 0, maxRetries: 0 });
      const { error } = await client.waitForTask(taskId);
      assert.match(error.message, /waited for nothing called "nothing"/);
      assert.deepEqual(await client.upstreamNames(taskId), []);
      await assert.rejects(client.upstream(taskId, "x"), (e) => e instanceof InvalidArgumentError && e.fields.field === "upstream");
    });

    // STA-01, STA-02, STA-03
    test("tasks of one key share a state, one after the other", async () => {
      const stateKey = `session-12345 ${where}`;
      const submit = (type, more = {}) => client.submitTask({ type, payload: {}, stateKey, ...more });
      const first = await submit("count", { initialState: { n: 10 } });
      const others = await Promise.all([submit("count"), submit("count", { payload: { by: 5 } })]);
      const results = await client.waitForBatch([first, ...others].map(({ taskId }) => taskId));
      assert.equal(results[0].result, 11);
      assert.equal(Math.max(...results.map(({ result }) => result)), 17);
      assert.deepEqual(await client.getState(stateKey), { n: 17 });
      assert.deepEqual(await client.result((await submit("look")).taskId), { n: 17 });
      const odd = await client.waitForTask((await submit("odd", { maxRetries: 0 })).taskId);
      assert.deepEqual([odd.status, odd.error.code], ["failed", "invalid_payload"]);
      assert.match(odd.error.message, /state of handler odd/);
      assert.deepEqual(await client.getState(stateKey), { n: 17 });
      assert.equal(await client.getState(`none ${where}`), null);
      const keyless = await client.submitTask({ type: "keyless", payload: {}, maxRetries: 0 });
      assert.match((await client.waitForTask(keyless.taskId)).error.message, /no state key/);
    });

    test("a block that is stored is judged by its strategy", async () => {
      const block = await client.submitBlock({ name: "b", strategy: "all", steps: [1, 2, 3], maxConcurrency: 2 }, { type: "echo" });
      const end = await block.wait();
      assert.deepEqual([end.overallStatus, end.completedTasks, end.blockName], ["completed", 3, "b"]);
      assert.deepEqual(end.results.map(({ result }) => result), [1, 2, 3]);
      const race = await client.submitBlock((async function* () { yield 7; })(), { strategy: "race", type: "echo" });
      assert.equal((await race.result()).results[0].result, 7);
      const none = await client.submitBlock([1], { type: "nobody" });
      assert.equal((await none.status()).overallStatus, "running");
      assert.equal((await none.cancel()).overallStatus, "cancelled");
      await assert.rejects(client.submitBlock([1], { strategy: "custom" }), { code: "invalid_argument" });
      await assert.rejects(client.submitBlock([{ at: undefined }]), (e) => e.code === "invalid_payload" && e.fields.field === "steps[0]");
    });

    for (const [what, field, call] of [
      ["a chunk that is a word", "chunk", (c) => c.extendBatch("x", "one", [])],
      ["a hook that is text", "options", (c) => c.submitBatch([{ payload: 1 }], { onSuccess: "x" })],
      ["a name of a batch that is a number", "name", (c) => c.submitBatch([{ payload: 1 }], { name: 1 })],
      ["a misspelt option of a pipeline", "label", async (c) => c.createPipeline("p", { label: 1 })],
      ["a pipeline without stages", "stages", (c) => c.createPipeline("p").execute()],
      ["a misspelt option of a stage", "stages[0].prio", (c) => (({ p = c.createPipeline("p") }) => (p.addStage({ name: "a", prio: 1 }), p.execute()))({})],
      ["a stage that waits for nobody", "depends_on", (c) => (({ p = c.createPipeline("p") }) => (p.addStage({ name: "a", dependsOn: "b" }), p.execute()))({})],
      ["a stage that waits for a number", "depends_on", async (c) => c.createPipeline("p").addStage({ name: "a", dependsOn: 5 })],
      ["a stage of another pipeline", "depends_on", async (c) => c.createPipeline("p").addStage({ name: "a", dependsOn: [c.createPipeline("q").addStage({ name: "b" })] })],
      ["a pipeline that is not executed", "pipeline", (c) => c.createPipeline("p").wait()],
      ["a key of a state that is a number", "state_key", (c) => c.getState(5)],
      ["steps that are text", "steps", (c) => c.submitBlock("abc")],
      ["a misspelt option of a block", "strat", (c) => c.submitBlock([1], { strat: "all" })],
      ["a kind that there is not", "kind", async (c) => c.listTasks({ kind: "flow" })],
    ]) {
      test(`${what} is refused by name`, async () => {
        const before = await client.counts();
        await assert.rejects(async () => call(client), (error) => error instanceof InvalidArgumentError && error.fields.field === field || assert.fail(`${error}: ${JSON.stringify(error.fields)}`));
        assert.deepEqual(await client.counts(), before);
      });
    }
  });
}

// JSC-03
test("the small client runs a block and waits for it", async () => {
  const rest = new RestClient(server.url);
  const stored = await rest.submitParallelTask({ name: "b", strategy: "all", steps: [{ function: "echo", n: 1 }], max_concurrency: 2, timeout_seconds: 60 });
  const end = await server.client.blockHandle(stored.task_id).wait();
  assert.deepEqual([end.overallStatus, end.results[0].result.n], ["completed", 1]);
  const told = await rest.getTaskStatus(stored.task_id);
  assert.deepEqual([told.task_id, told.status], [stored.task_id, "completed"]);
  assert.equal(told.result.completed_tasks, 1);
});

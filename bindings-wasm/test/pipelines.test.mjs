// A page follows a pipeline: of the engine in the page, and of a real server on another origin.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

let place, server;
before(async () => {
  place = await stage();
  server = await new Server("memory:", place.site.url).start();
});
after(async () => {
  await server?.kill();
  await place?.close();
});

const WHERE = {
  "the engine in the page": { url: () => "memory:", code: "engine_seldom_bg.wasm" },
  "a server": { url: () => server.url, code: "worker_bg.wasm" },
};

for (const [where, { url, code }] of Object.entries(WHERE)) {
  test(`a monitor of ${where} tells every change, the end once, and goes on behind a change`, async () => {
    const page = await place.open();
    await page.evaluate(async (url) => {
      const { connect } = await import("/dist/index.js");
      globalThis.client = await connect(url);
      let runs = 0;
      const worker = client.worker({ good: () => 1, flaky: () => (runs++ ? 2 : Promise.reject(new RangeError("no"))) });
      const ended = worker.run();
      globalThis.pipeline = client.createPipeline("followed");
      const first = pipeline.addStage({ name: "first", type: "good", payload: null });
      pipeline.addStage({ name: "second", type: "flaky", payload: null, maxRetries: 0, dependsOn: first });
      await pipeline.execute();
      await pipeline.wait();
      await pipeline.retry();
      await pipeline.wait();
      await worker.drain();
      await ended;
    }, url());
    const fetched = () => place.site.requests.filter((path) => path.includes("/wasm/"));
    const known = fetched();
    assert.ok(known.some((path) => path.endsWith(code)), String(known));
    const { whole, rests } = await page.evaluate(async () => {
      const after = async (seq) => {
        const told = [];
        for await (const change of pipeline.monitor({ after: seq })) told.push(change);
        return told;
      };
      const whole = await after(0);
      return { whole, rests: await Promise.all(whole.map(({ seq }) => after(seq))) };
    });
    const second = whole.filter(({ stage }) => stage === "second").map(({ status, progress }) => [status, progress]);
    const last = [["pending", 50], ["running", 50], ["completed", 100]];
    assert.deepEqual(second, [["pending", 50], ["running", 50], ["failed", 100], ...last]);
    assert.deepEqual(whole.filter(({ isTerminal }) => isTerminal), [whole.at(-1)]);
    const { stage, status, progress, error } = whole.at(-1);
    assert.deepEqual([stage, status, progress, error], [null, "completed", 100, null]);
    assert.deepEqual(rests, whole.map((_, at) => whole.slice(at + 1)));
    // What composed the pipeline follows it, too.
    assert.deepEqual(fetched(), known);
    const left = await page.evaluate(async () => {
      const waits = client.createPipeline("waits");
      waits.addStage({ name: "nobody", type: "nobody", payload: null });
      await waits.execute();
      const giveUp = new AbortController();
      const reading = (async () => {
        for await (const _ of waits.monitor({ signal: giveUp.signal }));
      })();
      setTimeout(() => giveUp.abort(), 50);
      const name = await reading.catch(({ name }) => name);
      await client.close();
      return name;
    });
    assert.equal(left, "AbortError");
    assert.deepEqual(page.said, []);
    await page.context().close();
  });
}

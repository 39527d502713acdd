// The examples of `docs/browser.md`, each in a page of its own: a line that says what it prints prints it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { stage } from "./page.mjs";
import { Server } from "./server.mjs";

const text = readFileSync(new URL("../../docs/browser.md", import.meta.url), "utf8");
const examples = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code);
const imports = { "windlass-web": "/dist/index.js", "windlass-web/testing": "/dist/testing.js" };
const page = (at) =>
  `<!doctype html><html lang="en"><title>test</title><script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/${at}.js"></script>`;

let place, server;
before(async () => {
  server = await new Server("memory:", "*").start();
  const pages = {};
  for (const [at, code] of examples.entries()) {
    pages[`/${at}`] = page(at);
    pages[`/${at}.js`] = { body: code.replaceAll("https://tasks.example.com", server.url), type: "text/javascript" };
  }
  place = await stage({}, pages);
});
after(async () => {
  await server?.kill();
  await place?.close();
});

test("there are examples", () => assert.ok(examples.length >= 5));

for (const [at, code] of examples.entries()) {
  const prints = Array.from(code.matchAll(/\/\/ prints: (.*)$/gm), ([, line]) => `log: ${line}`);
  test(`example ${at + 1} prints what it says`, async () => {
    assert.ok(prints.length > 0, code);
    // Whoever runs the tasks that the example submits to the server.
    const worker = await place.open();
    await worker.evaluate(async (url) => {
      const { connect } = await import("/dist/index.js");
      const client = await connect(url);
      void client.worker({ thumbnail: async ({ path, width = 320 }, ctx) => (ctx.progress(50), { path, width }) }).run();
    }, server.url);
    const { said } = await place.open(`/${at}`);
    const { promise, resolve } = within();
    const look = setInterval(() => said.length >= prints.length && resolve(), 10);
    await promise.finally(() => clearInterval(look));
    assert.deepEqual(said, prints);
    await worker.context().close();
  });
}

/** A promise that is resolved from outside, or rejects after 20 s. */
function within() {
  let resolve;
  const promise = new Promise((done, fail) => {
    resolve = done;
    setTimeout(() => fail(new Error("nothing more was printed")), 20_000).unref();
  });
  return { promise, resolve };
}

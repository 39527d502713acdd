// Every case of `spec/vectors` that a client can see, in headless Chromium: on the engine in the page, and
// against real servers on both stores, which are another origin for the page.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { load, results } from "../../bindings-node/test/conformance/vectors.mjs";
import { launch, serve } from "../../testkit/browser/index.mjs";
import { host } from "./conformance/node.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-web-vectors-"));
const builtins = ["node:child_process", "node:fs", "node:path", "node:url"];
const imports = Object.fromEntries(builtins.map((name) => [name, "/conformance/builtins.mjs"]));
Object.assign(imports, { windlass: "/dist/index.js", "windlass/testing": "/conformance/testing.mjs" });
const PAGE = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
<script>globalThis.process = { env: {} };</script>`;

let browser, site, node, page;
before(async () => {
  const folders = {
    "/dist/": here("../dist"),
    "/conformance/": here("conformance"),
    "/runner/": here("../../bindings-node/test/conformance"),
  };
  site = await serve(folders, {}, { "/": PAGE });
  node = host(site.url);
  browser = await launch();
  page = await browser.newPage();
  await page.exposeFunction("windlassNode", node.answer);
  await page.goto(site.url);
});
after(async () => {
  await browser?.close();
  await node?.close();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const [runner, store, rest] of [
  ["web-memory", "memory", false],
  ["web-rest-memory", "memory", true],
  ["web-rest-sqlite", "sqlite", true],
]) {
  const { index, cases } = load(store);
  const listed = new Set(index.expected_failures[runner]);
  const ran = { runner, store, vectors: index.digest, passed: {}, expected_failures: [] };
  describe(runner, () => {
    let faults;
    before(async () => {
      rmSync(results(runner), { force: true });
      const given = cases.map(({ file, one }) => ({ name: file.function, one }));
      const run = async (args) => (await import("/conformance/page.mjs")).run(...args);
      faults = await page.evaluate(run, [given, store, folder, rest]);
    });
    for (const [at, { file, one }] of cases.entries()) {
      test(one.id, () => {
        if (listed.has(one.id)) {
          assert.notEqual(faults[at], null, "it passes: take it out of spec/expected-failures.toml");
          return ran.expected_failures.push(one.id);
        }
        assert.equal(faults[at], null);
        const laws = (ran.passed[file.name] ??= {});
        const law = String(one.law ?? file.law);
        laws[law] = (laws[law] ?? 0) + 1;
      });
    }
    // Written only when all of it ran.
    after(() => {
      const passed = Object.values(ran.passed).flatMap(Object.values).reduce((sum, count) => sum + count, 0);
      if (passed + ran.expected_failures.length === cases.length) writeFileSync(results(runner), JSON.stringify(ran, null, 1));
    });
  });
}

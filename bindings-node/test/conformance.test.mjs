// Every case of `spec/vectors` that a client can see, through the TypeScript client: on both stores, in
// process and behind a real server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Site } from "./conformance/place.mjs";
import { runPure, runSteps } from "./conformance/run.mjs";
import { load, results } from "./conformance/vectors.mjs";

const folder = mkdtempSync(join(tmpdir(), "windlass-node-vectors-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const runner of ["node-memory", "node-sqlite", "node-rest-memory", "node-rest-sqlite"]) {
  const [store, rest] = [runner.split("-").at(-1), runner.includes("rest")];
  const { index, cases } = load(store);
  const listed = new Set(index.expected_failures[runner]);
  const ran = { runner, store, vectors: index.digest, passed: {}, expected_failures: [] };
  describe(runner, () => {
    before(() => rmSync(results(runner), { force: true }));
    for (const { file, one } of cases) {
      test(one.id, async () => {
        const site = new Site(store, folder, one.connect, rest);
        const run = () => ("in" in one ? runPure(file.function, one, site) : runSteps(one, site));
        const fails = () => assert.rejects(run, undefined, "it passes: take it out of spec/expected-failures.toml");
        await (listed.has(one.id) ? fails() : run()).finally(() => site.reopen());
        if (listed.has(one.id)) return ran.expected_failures.push(one.id);
        const [laws, law] = [(ran.passed[file.name] ??= {}), String(one.law ?? file.law)];
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

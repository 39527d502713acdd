// The runner of the vectors itself: nothing wrong passes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Site } from "./conformance/place.mjs";
import { runPure, runSteps } from "./conformance/run.mjs";

const SUBMIT = { call: "submit", args: { task_type: "work" }, expect: {} };
const BROKEN = [
  [],
  [{ call: "counts" }],
  [SUBMIT, { call: "submitt" }],
  [SUBMIT, { advnce: 1 }],
  [SUBMIT, { call: "counts", expct: [] }],
  [{ call: "get", args: { task_id: "$a" }, expect: {} }],
  [{ call: "counts", expect: { $what: 1 } }],
  [{ call: "counts", expect: [{}] }],
  [{ call: "counts", expect: null }],
  [{ call: "counts", error: { code: "internal" } }],
  [{ call: "get", args: { task_id: "x" }, error: { code: "lease_lost" } }],
  [SUBMIT, { call: "get", args: { task_id: "x" } }],
  [SUBMIT, { sql: ["SELECT 1"] }],
];

describe("the runner", () => {
  const inMemory = async (run) => {
    const site = new Site("memory");
    await run(site).finally(() => site.reopen());
  };
  for (const steps of BROKEN) {
    test(`refuses ${JSON.stringify(steps)}`, () =>
      inMemory((site) => assert.rejects(runSteps({ steps }, site))));
  }
  for (const one of [{ in: 1 }, { in: 1, out: 1, error: {} }, { in: 1, out: 2 }, { in: 1, error: { code: "internal" } }, { in: 9, out: 9 }]) {
    test(`refuses ${JSON.stringify(one)}`, () => inMemory((site) => assert.rejects(runPure("priority", one, site))));
  }
  test("passes what is right", () =>
    inMemory(async (site) => {
      await runSteps({ steps: [SUBMIT] }, site);
      await runPure("priority", { in: "high", out: 2 }, site);
    }));
});

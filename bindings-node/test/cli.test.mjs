// PKG-04: `npx windlass worker MODULE:NAME` runs handlers of a JavaScript module until it is drained.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "windlass";

const bin = fileURLToPath(new URL("../bin/windlass.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "handlers.mjs"), "export const handlers = { double: async ({ n }) => 2 * n };\nexport const count = 3;\n");
writeFileSync(join(folder, "broken.mjs"), "throw new Error('not today');\n");
const worker = ["worker", "--url", "sqlite:tasks.db"];

test("a worker of a module drains when it is asked to end", { timeout: 60_000 }, async () => {
  const client = await connect(`sqlite:${join(folder, "tasks.db")}`);
  const { taskId } = await client.submitTask({ type: "double", payload: { n: 21 } });
  const args = [bin, ...worker, "handlers.mjs:handlers", "--concurrency", "2", "--queues", "default", "--lease", "5"];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "inherit", "inherit"], timeout: 50_000 });
  const exit = once(child, "exit");
  assert.equal(await client.result(taskId), 42);
  const [info] = await client.workers();
  assert.deepEqual([info.concurrency, info.handlers, info.queues], [2, ["double"], ["default"]]);
  child.kill("SIGTERM");
  assert.deepEqual(await exit, [0, null]);
  await client.close();
});

for (const [what, args, status, told] of [
  ["a module that is not there", [...worker, "nowhere.mjs:handlers"], 2, /nowhere\.mjs cannot be imported/],
  ["a module that throws", [...worker, "broken.mjs:handlers"], 2, /not today/],
  ["an export that is not there", [...worker, "handlers.mjs:handler"], 2, /exports no object of handlers/],
  ["an export that is no object", [...worker, "handlers.mjs:count"], 2, /exports no object of handlers/],
  ["a URL of no store", ["worker", "--url", "ftp://host", "handlers.mjs:handlers"], undefined, /ftp/],
  ["a command that there is not", ["work"], 2, /unrecognized subcommand/],
]) {
  test(`${what} ends it, and says so`, () => {
    const ended = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    assert.match(ended.stderr, told);
    assert.ok(status === undefined ? ended.status > 0 : ended.status === status, `exit ${ended.status}`);
  });
}

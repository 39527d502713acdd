// The types of the hooks and composables, as a strict project sees them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("what the hooks and composables take and give is typed", () => {
  const home = fileURLToPath(new URL("../..", import.meta.url));
  const options = "--noEmit --strict --exactOptionalPropertyTypes --target ES2022 --module ESNext --moduleResolution Bundler";
  const more = "--lib ES2022,ESNext.Disposable,DOM --types react --jsx react-jsx";
  const samples = ["test/react/typing-sample.tsx", "test/vue/typing-sample.ts"];
  const args = ["node_modules/typescript/bin/tsc", ...options.split(" "), ...more.split(" "), ...samples];
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: home, encoding: "utf8" });
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

// PKG-04: what `npm pack` makes works in an empty folder: from ESM, from CommonJS and from strict
// TypeScript, and installs without a script, a compiler or another package.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program to its end in the empty folder; what it printed. It must end by itself. */
function run(program, ...args) {
  const options = { cwd: folder, encoding: "utf8", timeout: 120_000, stdio: ["ignore", "pipe", "pipe"] };
  try {
    return execFileSync(program, args, options);
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${error.stdout}`);
  }
}

function node(name, text) {
  writeFileSync(join(folder, name), text);
  return run(process.execPath, name);
}

const installed = () => JSON.parse(readFileSync(join(folder, "node_modules/windlass/package.json"), "utf8"));

before(() => {
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  run("npm", "pack", home, "--ignore-scripts", "--silent");
  const archive = `windlass-${JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version}.tgz`;
  run("npm", "install", `./${archive}`, "--offline", "--no-audit", "--no-fund", "--silent");
});

test("the package has no install script and needs no other", () => {
  const { scripts = {}, dependencies = {} } = installed();
  assert.deepEqual(Object.keys(scripts).filter((name) => /install|prepare/.test(name)), []);
  assert.deepEqual(dependencies, {});
});

test("every file that package.json names is there", () => {
  const files = [];
  const walk = (value) => (typeof value === "string" ? files.push(value) : Object.values(value).forEach(walk));
  const { exports, main, types, bin = {} } = installed();
  walk([exports, main, types, bin]);
  assert.ok(files.length > 10);
  for (const file of files) assert.ok(existsSync(join(folder, "node_modules/windlass", file)), file);
});

const FLOW = `
const client = await connect("memory:");
const worker = client.worker({ double: async (payload) => 2 * payload.n }, { concurrency: 2 });
const ended = worker.run();
const { taskId } = await client.submitTask({ type: "double", payload: { n: 21 } });
console.log((await client.waitForTask(taskId, { timeout: 30000 })).result);
await worker.drain();
await ended;
await client.close();
`;

test("ESM runs a task and ends by itself", () => {
  assert.equal(node("flow.mjs", `import { connect } from "windlass";\n${FLOW}`), "42\n");
});

test("CommonJS runs a task and ends by itself", () => {
  const text = `const { connect } = require("windlass");\n(async () => {${FLOW}})();`;
  assert.equal(node("flow.cjs", text), "42\n");
});

test("an idle client does not keep the process", () => {
  const text = 'import { connect } from "windlass"; await connect("memory:"); console.log("idle");';
  assert.equal(node("idle.mjs", text), "idle\n");
});

// ERR-36
test("an error of one build is an instance of the other's class", () => {
  const text = `
import { createRequire } from "node:module";
import * as esm from "windlass";
const cjs = createRequire(import.meta.url)("windlass");
for (const [made, caught] of [[esm, cjs], [cjs, esm]]) {
  const client = await made.connect("memory:");
  const error = await client.getTask("none").catch((error) => error);
  console.log(error instanceof caught.TaskNotFoundError, error instanceof caught.RateLimitError, error.taskId);
}`;
  assert.equal(node("both.mjs", text), "true false none\n".repeat(2));
});

for (const [name, type] of [["ESM", "module"], ["CommonJS", "commonjs"]]) {
  // GJS-06
  test(`strict TypeScript compiles what the documents write, as ${name}`, () => {
    const place = join(folder, `typed-${type}`);
    mkdirSync(place);
    writeFileSync(join(place, "package.json"), JSON.stringify({ type }));
    writeFileSync(join(place, "sample.ts"), readFileSync(new URL("typing-sample.ts", import.meta.url)));
    mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
    if (!existsSync(join(folder, "node_modules/@types/node"))) {
      symlinkSync(join(home, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
    }
    const options = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, module: "NodeNext" };
    Object.assign(options, { target: "ES2022", lib: ["ES2022", "ESNext.Disposable"], types: ["node"], noEmit: true });
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["sample.ts"] }));
    assert.equal(run(join(home, "node_modules/.bin/tsc"), "-p", place), "");
  });
}

// PKG-04: what is published works in an empty folder, installed from its archives without a network: from
// ESM, from CommonJS, from strict TypeScript, from vitest and from the command line.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { TARGETS, ownTriple, packageName } from "../build/targets.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const addon = packageName(TARGETS[ownTriple()]);
let archives;

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

/** Makes a development dependency of this package one of the folder's. */
function lend(name) {
  const place = join(folder, "node_modules", name);
  mkdirSync(dirname(place), { recursive: true });
  if (!existsSync(place)) symlinkSync(join(home, "node_modules", name), place);
}

const manifest = (name) => JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));

before(() => {
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  archives = run(process.execPath, join(home, "build/package.mjs"), "--out", "archives").trim().split("\n");
  run("npm", "install", ...archives, "--offline", "--no-audit", "--no-fund", "--silent");
});

test("the package has no install script, no dependency and no addon within", () => {
  const { scripts = {}, dependencies = {}, devDependencies = {}, optionalDependencies, version } = manifest("windlass");
  assert.deepEqual([scripts.install, scripts.preinstall, scripts.postinstall, scripts.prepare], Array(4).fill(undefined));
  assert.deepEqual([dependencies, devDependencies], [{}, {}]);
  const wanted = Object.values(TARGETS).map((target) => [packageName(target), version]);
  assert.deepEqual(optionalDependencies, Object.fromEntries(wanted));
  const files = run("tar", "-tzf", archives[0]).trim().split("\n");
  assert.deepEqual(files.filter((file) => file.endsWith(".node")), []);
  for (const file of ["LICENSE-MIT", "LICENSE-APACHE", "README.md"]) assert.ok(files.includes(`package/${file}`), file);
});

test("the addon's package is for this platform alone", () => {
  const { os, cpu, libc, version, scripts } = manifest(addon);
  const target = TARGETS[ownTriple()];
  assert.deepEqual([os, cpu, libc], [[process.platform], [process.arch], target.libc && [target.libc]]);
  assert.deepEqual([version, scripts], [manifest("windlass").version, undefined]);
});

test("every file that package.json names is there", () => {
  const files = [];
  const walk = (value) => (typeof value === "string" ? files.push(value) : Object.values(value).forEach(walk));
  const { exports, main, types, bin, typesVersions } = manifest("windlass");
  walk([exports, main, types, bin, typesVersions]);
  assert.ok(files.length > 15);
  for (const file of files) assert.ok(existsSync(join(folder, "node_modules/windlass", file)), file);
});

test("publint finds nothing", async () => {
  for (const name of ["windlass", addon]) {
    const { messages } = await publint({ pkgDir: join(folder, "node_modules", name), pack: false, strict: true });
    assert.deepEqual(messages.map((message) => formatMessage(message, manifest(name), { color: false })), []);
  }
});

test("the types are right for every way of resolving", async () => {
  const { problems } = await checkPackage(createPackageFromTarballData(readFileSync(archives[0])));
  // vitest itself is ESM alone: nobody can `require` what extends its `test`.
  const known = ({ kind, entrypoint }) => kind === "CJSResolvesToESM" && entrypoint === "./vitest";
  assert.deepEqual(problems.filter((problem) => !known(problem)), []);
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

test("npx windlass is the command line", () => {
  assert.match(run("npx", "--offline", "windlass", "--help"), /^Durable tasks[^]*\bworker\b[^]*\bdoctor\b/);
  const submit = ["--offline", "windlass", "tasks", "submit", "mail", "--url", "sqlite:new.db"];
  assert.match(run("npx", ...submit), /[0-9a-f]{8}-/);
  assert.throws(() => run("npx", "--offline", "windlass", "no-such-command"), /unrecognized subcommand/);
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

// GJS-06
const ESM = { package: "module", module: "NodeNext" };
for (const [name, { package: type, ...resolved }] of Object.entries({
  "ESM by NodeNext": ESM,
  "CommonJS by NodeNext": { ...ESM, package: "commonjs" },
  "CommonJS by the way of Node 10": { package: "commonjs", module: "CommonJS", moduleResolution: "Node10" },
  "a bundler's module": { package: "module", module: "ESNext", moduleResolution: "Bundler" },
})) {
  test(`strict TypeScript compiles what the documents write, as ${name}`, () => {
    const place = join(folder, `typed-${name.replaceAll(/\W/g, "-")}`);
    mkdirSync(place);
    writeFileSync(join(place, "package.json"), JSON.stringify({ type }));
    writeFileSync(join(place, "sample.ts"), readFileSync(new URL("typing-sample.ts", import.meta.url)));
    lend("@types/node");
    const options = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, ...resolved };
    Object.assign(options, { target: "ES2022", lib: ["ES2022", "ESNext.Disposable"], types: ["node"], noEmit: true });
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["sample.ts"] }));
    assert.equal(run(join(home, "node_modules/.bin/tsc"), "-p", place), "");
  });
}

test("vitest runs tests that are given a client", () => {
  lend("vitest");
  mkdirSync(join(folder, "vitest"));
  cpSync(new URL("package/clients.test.ts", import.meta.url), join(folder, "vitest/clients.test.ts"));
  const told = JSON.parse(run(join(home, "node_modules/.bin/vitest"), "run", "--root", "vitest", "--reporter=json"));
  assert.deepEqual([told.success, told.numPassedTests, told.numTotalTests], [true, 4, 4]);
});

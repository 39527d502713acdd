// PKG-04: the workflow of a release can be read, and what it calls is there. It runs elsewhere.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { TARGETS } from "../build/targets.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, ".github/workflows/release.yml"), "utf8");
const workflow = parse(text, { uniqueKeys: true });
const jobs = Object.entries(workflow.jobs);
const steps = jobs.flatMap(([name, job]) => job.steps.map((step) => ({ name, ...step })));
const commands = steps.filter(({ run }) => run !== undefined);

test("every step runs or uses something, and every job waits for jobs that there are", () => {
  assert.ok(steps.length > 15);
  for (const step of steps) assert.ok((step.run === undefined) !== (step.uses === undefined), JSON.stringify(step));
  for (const [name, { needs = [] }] of jobs) {
    for (const other of [needs].flat()) assert.ok(Object.hasOwn(workflow.jobs, other), `${name} needs ${other}`);
  }
});

test("actions have versions, nobody's secrets are named, and the run may write nothing", () => {
  for (const { uses } of steps.filter((step) => step.uses)) assert.match(uses, /^actions\/[a-z-]+@v\d+\.\d+\.\d+$/);
  assert.doesNotMatch(text, /secrets\.|token|password/i);
  assert.deepEqual(workflow.permissions, { contents: "read" });
  for (const [name, job] of jobs) assert.equal(job.permissions, undefined, name);
});

test("each target is built once, with everything that its steps ask of it", () => {
  const included = jobs.flatMap(([, job]) => job.strategy?.matrix.include ?? []);
  assert.deepEqual(included.map(({ target }) => target).sort(), Object.keys(TARGETS));
  for (const [, job] of jobs) {
    const asked = new Set([...JSON.stringify(job).matchAll(/matrix\.(\w+)/g)].map(([, key]) => key));
    const { include, ...axes } = job.strategy?.matrix ?? {};
    for (const row of include ?? [axes]) for (const key of asked) assert.ok(Object.hasOwn(row, key), key);
  }
  for (const { target, image } of included) {
    const { cpu, libc } = TARGETS[target];
    if (libc === undefined) continue;
    assert.match(image, new RegExp(`^${libc === "musl" ? "musllinux" : "manylinux"}.*_${cpu === "x64" ? "x86_64" : "aarch64"}$`));
  }
});

test("the commands are a shell's, and the files, scripts and crates that they call are there", () => {
  const called = { files: 0, scripts: 0, crates: 0 };
  for (const { run } of commands) {
    const shell = run.replaceAll(/\$\{\{.*?\}\}/g, "x");
    execFileSync("bash", ["-n"], { input: shell });
    for (const [file] of shell.matchAll(/(?<![\w./])(?:scripts|bindings-\w+)\/[\w./-]+/g)) {
      assert.ok(existsSync(join(root, file)), `${file} is not there`);
      called.files += 1;
    }
    for (const [, folder, script] of shell.matchAll(/npm run --prefix (\S+) (\S+)/g)) {
      const { scripts } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
      assert.ok(Object.hasOwn(scripts, script), `${folder} has no script ${script}`);
      called.scripts += 1;
    }
    for (const [, crate] of shell.matchAll(/ -p (windlass[\w-]*)/g)) {
      assert.match(readFileSync(join(root, "Cargo.lock"), "utf8"), new RegExp(`^name = "${crate}"$`, "m"));
      called.crates += 1;
    }
  }
  assert.ok(called.files > 6 && called.scripts > 1 && called.crates > 0, JSON.stringify(called));
  assert.match(readFileSync(join(root, "Cargo.toml"), "utf8"), /^\[profile\.dist\]$/m);
});

test("what a target's native code is built with is a script of bash", () => {
  execFileSync("bash", ["-n", join(root, "scripts/release_native.sh")]);
  const told = spawnSync("bash", [join(root, "scripts/release_native.sh")], { encoding: "utf8" });
  assert.notEqual(told.status, 0);
  assert.match(told.stderr, /the triple of the target/);
});

test("a release has one version everywhere", () => {
  const script = join(root, "scripts/release_version.mjs");
  const { version } = JSON.parse(readFileSync(join(root, "bindings-node/package.json"), "utf8"));
  assert.equal(execFileSync(process.execPath, [script, `v${version}`], { encoding: "utf8" }), `${version}\n`);
  const refused = spawnSync(process.execPath, [script, "v99.0.0"], { encoding: "utf8" });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /the tag v99\.0\.0: 99\.0\.0/);
});

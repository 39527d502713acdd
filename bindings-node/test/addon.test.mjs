// PKG-04: which addon is loaded, and what is said when there is none.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TARGETS, ownTriple, packageName } from "../build/targets.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-node-addon-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
for (const name of ["native.cjs", "package.json"]) copyFileSync(join(home, name), join(folder, name));
const names = Object.values(TARGETS).map(packageName);
const own = packageName(TARGETS[ownTriple()]);

/** Puts a package in place of the addon's; loading it runs `text`. */
function install(name, text) {
  const place = join(folder, "node_modules", name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "index.js"), text);
}

/** What loading says on a machine that `disguise` makes of this one. */
function load(disguise = "") {
  const told = `try { console.log(JSON.stringify({ loaded: require("./native.cjs").from })); }
    catch (error) { console.log(JSON.stringify({ ...error, message: error.message, error: error instanceof Error, cause: error.cause?.code })); }`;
  return JSON.parse(execFileSync(process.execPath, ["-e", `${disguise};${told}`], { cwd: folder, encoding: "utf8" }));
}
const as = (name, value) => `Object.defineProperty(process, ${JSON.stringify(name)}, { value: ${JSON.stringify(value)} })`;
const onLibc = (glibc) => `process.report.getReport = () => ({ header: ${JSON.stringify(glibc ? { glibcVersionRuntime: "2.36" } : {})} })`;

test("without its package the error names it, the bug of npm and the remedy", () => {
  const told = load();
  assert.deepEqual([told.name, told.code, told.reason, told.package], ["AddonError", "addon_unavailable", "not_installed", own]);
  assert.equal(told.error, true);
  assert.equal(told.cause, "MODULE_NOT_FOUND");
  for (const part of [`${own}@${version}`, "https://github.com/npm/cli/issues/4828", "--omit=optional", `npm install ${own}@${version}`]) {
    assert.ok(told.message.includes(part), `${told.message} has no ${part}`);
  }
});

for (const [triple, target] of Object.entries(TARGETS)) {
  test(`${triple} loads the addon of its own package`, () => {
    const disguise = [as("platform", target.os), as("arch", target.cpu), onLibc(target.libc === "glibc")].join(";");
    assert.equal(load(disguise).package, packageName(target));
    install(packageName(target), `module.exports = { version: () => "${version}", from: "${triple}" };`);
    assert.equal(load(disguise).loaded, triple);
  });
}

for (const [os, cpu] of [["freebsd", "x64"], ["linux", "riscv64"]]) {
  test(`${os} on ${cpu} has none, and is told so`, () => {
    const told = load(`${as("platform", os)};${as("arch", cpu)};${onLibc(true)}`);
    assert.deepEqual([told.code, told.reason], ["addon_unavailable", "unsupported_platform"]);
    assert.match(told.message, /windlass\/rest/);
  });
}

test("an addon that cannot be loaded says why", () => {
  install(own, 'throw new Error("GLIBC_2.99 not found");');
  const told = load();
  assert.deepEqual([told.reason, told.package], ["not_loadable", own]);
  assert.match(told.message, /GLIBC_2\.99 not found/);
});

test("an addon of another version is refused", () => {
  install(own, 'module.exports = { version: () => "9.9.9" };');
  const told = load();
  assert.equal(told.reason, "other_version");
  assert.match(told.message, /9\.9\.9/);
});

test("one that was built beside the loader goes first", () => {
  copyFileSync(join(home, "windlass.node"), join(folder, "windlass.node"));
  assert.deepEqual(load(onLibc(false)), {});
  rmSync(join(folder, "windlass.node"));
});

test("the loader, the archives and the release name the same platforms", () => {
  const loader = readFileSync(join(home, "native.cjs"), "utf8");
  const required = [...loader.matchAll(/case "(.+)":\n\s+return require\("(.+)"\);/g)];
  assert.deepEqual(required.map(([, name]) => name).sort(), [...names].sort());
  for (const [, name, asked] of required) assert.equal(name, asked);
  const workflow = readFileSync(join(home, "../.github/workflows/release.yml"), "utf8");
  const built = [...workflow.matchAll(/^\s+- target: (\S+)$/gm)].map(([, triple]) => triple);
  assert.deepEqual(built.sort(), Object.keys(TARGETS));
});

test("archives are made for known targets only, and of what was built", () => {
  const make = (...args) => () => execFileSync(process.execPath, [join(home, "build/package.mjs"), ...args], { stdio: "pipe", encoding: "utf8" });
  assert.throws(make("addon", "--target", "sparc-sun-solaris"), /no package is for sparc-sun-solaris/);
  assert.throws(make("addons"), /there is no part addons/);
  const foreign = Object.keys(TARGETS).find((triple) => TARGETS[triple].os === "win32");
  assert.throws(make("addon", "--target", foreign), /windlass_node\.dll is missing.*--target/);
});

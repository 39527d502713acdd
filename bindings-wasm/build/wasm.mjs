// Builds the WebAssembly modules of the package: dist/wasm/{client,engine,rules,worker}{.js,_bg.wasm}.
//
//     node build/wasm.mjs [client] [engine] [rules] [worker]
//
// Without a name it builds all. Prints each size, and fails when a module is larger than it may be.
// The target directory is `CARGO_TARGET_DIR`, else `target` in the workspace. With
// WINDLASS_KEEP_NAMES=1 the functions keep their names, for a look at what takes the space.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

// The feature of windlass-wasm, and the most that a module may weigh, as it travels: both files in brotli. The
// client's is the aim itself. The others' are a little more than they weigh now: whoever adds much sees it here, and
// whoever takes away lowers it. The aim for the engine, not reached, is 170 KiB.
const MODULES = {
  client: { feature: "rest", limit: 100 * 1024 },
  engine: { feature: "engine", limit: 280 * 1024 },
  rules: { feature: "rules", limit: 34 * 1024 },
  worker: { feature: "worker", limit: 272 * 1024 },
};

const home = fileURLToPath(new URL("..", import.meta.url));
const workspace = join(home, "..");
const target = process.env.CARGO_TARGET_DIR || join(workspace, "target");
const folder = join(home, "dist", "wasm");
const keepsNames = process.env.WINDLASS_KEEP_NAMES === "1";

/**
 * Where this machine keeps things is nobody's business, and would make each machine's file another. And the sum
 * over a task's key is the small one, not the fast one.
 */
function flags() {
  const cargo = process.env.CARGO_HOME || join(homedir(), ".cargo");
  const rustup = process.env.RUSTUP_HOME || join(homedir(), ".rustup");
  const places = [
    [homedir(), "/home"],
    [rustup, "/rustup"],
    [cargo, "/cargo"],
    [workspace.replace(/\/$/, ""), "/windlass"],
  ];
  const remapped = places.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  return [...remapped, "--cfg=sha2_backend_soft=\"compact\""].join("\x1f");
}

function run(program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const ended = spawnSync(program, args, { cwd: workspace, env, stdio: ["ignore", "inherit", "inherit"] });
  if (ended.status !== 0) {
    console.error(`${program} ${args.join(" ")}: ${ended.error?.message ?? `exit ${ended.status}`}`);
    process.exit(1);
  }
}

/** Builds a module; what it weighs. */
function build(name) {
  const { feature } = MODULES[name];
  const wasm = "wasm32-unknown-unknown";
  const names = keepsNames ? { CARGO_PROFILE_WASM_STRIP: "none" } : {};
  run(
    "cargo",
    ["build", "--quiet", "--locked", "--profile", "wasm", "--target", wasm, "-p", "windlass-wasm", "--features", feature],
    { CARGO_ENCODED_RUSTFLAGS: flags(), CARGO_TARGET_DIR: target, ...names },
  );
  const built = join(target, wasm, "wasm", "windlass_wasm.wasm");
  run(join(target, "debug", "windlass-bindgen"), [built, folder, name]);
  // Nobody reads it: the package has types of its own, where the comments are.
  const glue = join(folder, `${name}.js`);
  const text = readFileSync(glue, "utf8").replaceAll(/^ *\/\*\*\n(?: *\*.*\n)+/gm, "").replaceAll(/^ +/gm, "");
  writeFileSync(glue, text);
  const files = [`${name}_bg.wasm`, `${name}.js`].map((file) => readFileSync(join(folder, file)));
  const packed = files.map((bytes) => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    return brotliCompressSync(bytes, { params }).length;
  });
  return { raw: files.map((bytes) => bytes.length), packed };
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in MODULES));
if (unknown.length > 0) {
  console.error(`no such module: ${unknown.join(", ")}; there are ${Object.keys(MODULES).join(", ")}`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
run("cargo", ["build", "--quiet", "--locked", "-p", "windlass-bindgen"], { CARGO_TARGET_DIR: target });
let tooLarge = false;
for (const name of asked.length > 0 ? asked : Object.keys(MODULES)) {
  const { raw, packed } = build(name);
  const total = packed[0] + packed[1];
  const { limit } = MODULES[name];
  console.log(
    `${name}: wasm ${raw[0]} + glue ${raw[1]} bytes; in brotli ${packed[0]} + ${packed[1]} = ${total} of ${limit}`,
  );
  tooLarge ||= total > limit;
}
if (tooLarge && !keepsNames) {
  console.error("a module is larger than it may be");
  process.exit(1);
}

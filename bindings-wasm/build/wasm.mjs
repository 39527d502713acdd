// Builds the WebAssembly modules of the package: dist/wasm/{client,dynamic,engine,rules,worker}{.js,_bg.wasm}, and what
// few pages ask of the engine, dist/wasm/engine_seldom_bg.wasm, which is fetched apart.
//
//     node build/wasm.mjs [client] [dynamic] [engine] [rules] [worker]
//
// Without a name it builds all. Prints each size, and fails when a module is larger than it may be.
// The target directory is `CARGO_TARGET_DIR`, else `target` in the workspace. With
// WINDLASS_KEEP_NAMES=1 the functions keep their names, for a look at what takes the space.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

// The feature of windlass-wasm, and the most that a module may weigh, as it travels: both files in brotli. The client's
// and the engine's are the aims themselves. The others' are a little more than they weigh now: whoever adds much sees
// it here, and whoever takes away lowers it.
const MODULES = {
  client: { feature: "rest", limit: 100 * 1024 },
  dynamic: { feature: "dynamic", limit: 50 * 1024 },
  engine: { feature: "engine", limit: 170 * 1024, parts: ["seldom"], partLimit: 130 * 1024 },
  rules: { feature: "rules", limit: 30 * 1024 },
  worker: { feature: "worker", limit: 256 * 1024 },
};

/** What the first file of a module gives the others, beside its memory and its table: the pointer of the stack. */
const SHARED = "__wasm_split_shared0";

const home = fileURLToPath(new URL("..", import.meta.url));
const workspace = join(home, "..");
const target = process.env.CARGO_TARGET_DIR || join(workspace, "target");
const folder = join(home, "dist", "wasm");
const keepsNames = process.env.WINDLASS_KEEP_NAMES === "1";

/**
 * Where this machine keeps things is nobody's business, and would make each machine's file another. And the sum
 * over a task's key is the small one, not the fast one.
 */
function flags(name) {
  const cargo = process.env.CARGO_HOME || join(homedir(), ".cargo");
  const rustup = process.env.RUSTUP_HOME || join(homedir(), ".rustup");
  const places = [
    [homedir(), "/home"],
    [rustup, "/rustup"],
    [cargo, "/cargo"],
    [workspace.replace(/\/$/, ""), "/windlass"],
  ];
  const remapped = places.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  // Parts are found by the linker's own record of what refers to what, and by names, which are taken away afterwards.
  const parts = (MODULES[name].parts ?? []).length > 0 ? ["-Clink-args=--emit-relocs"] : [];
  return [...remapped, "--cfg=sha2_backend_soft=\"compact\"", ...parts].join("\x1f");
}

function run(program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const ended = spawnSync(program, args, { cwd: workspace, env, stdio: ["ignore", "inherit", "inherit"] });
  if (ended.status !== 0) {
    console.error(`${program} ${args.join(" ")}: ${ended.error?.message ?? `exit ${ended.status}`}`);
    process.exit(1);
  }
}

/** Names that the code and its glue share end with a sum of 16 digits, which no packer makes smaller: a number does. */
function shortener() {
  const numbers = new Map();
  return (text) =>
    text.replaceAll(/(?<=_h?)[0-9a-f]{16}\b/g, (sum) => {
      if (!numbers.has(sum)) numbers.set(sum, numbers.size.toString(36));
      return numbers.get(sum);
    });
}

/** The module with other names of what it imports and exports. */
function renamed(module, short) {
  const parts = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    const id = module[at];
    const [size, start] = leb(module, at + 1);
    const end = start + size;
    // The sections of imports and of exports.
    const body = id === 2 || id === 7 ? entries(module.subarray(start, end), id, short) : module.subarray(start, end);
    parts.push(Buffer.from([id]), Buffer.from(unsigned(body.length)), body);
    at = end;
  }
  return Buffer.concat(parts);
}

function entries(section, id, short) {
  let [count, at] = leb(section, 0);
  const parts = [Buffer.from(unsigned(count))];
  const copy = (until) => parts.push(section.subarray(at, until)) && (at = until);
  const number = () => copy(leb(section, at)[1]);
  const limits = () => {
    const bounded = section[at] & 1;
    number();
    number();
    if (bounded) number();
  };
  const name = () => {
    const [length, start] = leb(section, at);
    const text = Buffer.from(short(section.toString("utf8", start, start + length)));
    parts.push(Buffer.from(unsigned(text.length)), text);
    at = start + length;
  };
  for (; count > 0; count -= 1) {
    name();
    if (id === 2) name();
    const kind = section[at];
    copy(at + 1);
    if (id === 7 || kind === 0) number();
    else if (kind === 1) copy(at + 1) && limits();
    else if (kind === 2) limits();
    else if (kind === 3) copy(at + 2);
    else throw new Error(`an import of kind ${kind}`);
  }
  return Buffer.concat(parts);
}

/** A number at a place of a module, and where it ends. */
function leb(bytes, at) {
  for (let value = 0, shift = 1; ; shift *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * shift;
    if (byte < 128) return [value, at];
  }
}

function unsigned(value) {
  const bytes = [];
  do {
    bytes.push((value % 128) | (value > 127 ? 128 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

/** Builds a module; what each of its files weighs. */
function build(name) {
  const { feature, limit, parts = [], partLimit } = MODULES[name];
  const wasm = "wasm32-unknown-unknown";
  const names = keepsNames || parts.length > 0 ? { CARGO_PROFILE_WASM_STRIP: "none" } : {};
  run(
    "cargo",
    ["build", "--quiet", "--locked", "--profile", "wasm", "--target", wasm, "-p", "windlass-wasm", "--features", feature],
    { CARGO_ENCODED_RUSTFLAGS: flags(name), CARGO_TARGET_DIR: target, ...names },
  );
  const built = join(target, wasm, "wasm", "windlass_wasm.wasm");
  run(join(target, "debug", "windlass-bindgen"), [built, folder, name]);
  const [code, glue] = [`${name}_bg.wasm`, `${name}.js`].map((file) => join(folder, file));
  // Nobody reads it: the package has types of its own, where the comments are.
  const text = readFileSync(glue, "utf8").replaceAll(/^ *\/\*\*\n(?: *\*.*\n)+/gm, "").replaceAll(/^ +/gm, "");
  const short = shortener();
  writeFileSync(glue, short(text));
  writeFileSync(code, renamed(readFileSync(code), short));
  if (parts.length > 0) tie([code, ...parts.map((part) => join(folder, `${name}_${part}_bg.wasm`))]);
  const first = [`${name}_bg.wasm`, `${name}.js`];
  return [
    { file: name, limit, ...weighed(first) },
    ...parts.map((part) => ({ file: `${name}_${part}`, limit: partLimit, ...weighed([`${name}_${part}_bg.wasm`]) })),
  ];
}

/**
 * Files that are one module share a name that no other build has: one of another build does not link, before it has
 * written anything.
 */
function tie(files) {
  const modules = files.map((file) => readFileSync(file));
  if (!modules.every((module) => module.includes(SHARED))) throw new Error(`a file of a module has no ${SHARED}`);
  const sum = createHash("sha256").update(Buffer.concat(modules)).digest("hex").slice(0, 12);
  const own = (text) => (text === SHARED ? `${text}_${sum}` : text);
  files.forEach((file, i) => writeFileSync(file, renamed(modules[i], own)));
}

/** What files weigh as they are, and as they travel. */
function weighed(names) {
  const files = names.map((file) => readFileSync(join(folder, file)));
  const packed = files.map((bytes) => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    return brotliCompressSync(bytes, { params }).length;
  });
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  return { raw: sum(files.map((bytes) => bytes.length)), packed: sum(packed), parts: packed };
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
  for (const { file, limit, raw, packed, parts } of build(name)) {
    console.log(`${file}: ${raw} bytes; in brotli ${parts.join(" + ")} = ${packed} of ${limit}`);
    tooLarge ||= packed > limit;
  }
}
if (tooLarge && !keepsNames) {
  console.error("a module is larger than it may be");
  process.exit(1);
}

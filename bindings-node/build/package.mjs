// Makes the archives that are published.
//
//     node build/package.mjs [main|addon] ... [--target TRIPLE] [--profile NAME] [--out DIR]
//
// main:   `windlass`: what TypeScript compiles to, without any addon, and with the addons' packages
//         as optional dependencies of this very version
// addon:  `@windlass/…` of one target: with `--target` or `--profile` the addon that cargo built, else
//         this machine's, as `build/place-native.mjs` placed it
//
// Both when none is named. Nothing is compiled: `cargo build` and `npm run build` come first. The
// archives go to DIR, else `npm` beside this folder; prints each.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { built } from "./built.mjs";
import { TARGETS, ownTriple, packageName } from "./targets.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));

/** What `windlass` is published with. */
function main(folder) {
  const { devDependencies, overrides, scripts, ...published } = manifest;
  const addons = Object.values(TARGETS).map((target) => [packageName(target), manifest.version]);
  if (!existsSync(join(home, "dist/cjs/package.json"))) throw new Error("dist is missing; build it first: npm run build");
  for (const name of published.files) cpSync(join(home, name), join(folder, name), { recursive: true });
  copyFileSync(join(home, "README.md"), join(folder, "README.md"));
  const files = [...published.files, "LICENSE-*"];
  return { ...published, files, optionalDependencies: Object.fromEntries(addons.sort()) };
}

/** The package of one target's addon. */
function addon(folder, { target: named, profile }) {
  const triple = named ?? ownTriple();
  const target = TARGETS[triple];
  if (target === undefined) throw new Error(`no package is for ${triple}; there are ${Object.keys(TARGETS).join(", ")}`);
  const placed = join(home, "windlass.node");
  const isPlaced = named === undefined && profile === undefined && existsSync(placed);
  copyFileSync(isPlaced ? placed : built({ profile, triple }), join(folder, "windlass.node"));
  const name = packageName(target);
  writeFileSync(join(folder, "README.md"), `# ${name}\n\nThe addon of [windlass](https://www.npmjs.com/package/windlass) for ${triple}. Installed by it.\n`);
  const { version, license, engines } = manifest;
  return {
    name,
    version,
    description: `The addon of windlass for ${triple}`,
    license,
    type: "commonjs",
    engines,
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    main: "windlass.node",
    files: ["windlass.node", "LICENSE-*"],
  };
}

function pack(out, make) {
  const folder = mkdtempSync(join(tmpdir(), "windlass-package-"));
  try {
    const published = make(folder);
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
    for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(join(home, "..", name), join(folder, name));
    // npm is a script with its own extension on Windows.
    const told = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", out], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      shell: process.platform === "win32",
    });
    return join(out, Object.values(JSON.parse(told))[0].filename.replace("@", "").replace("/", "-"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { target: { type: "string" }, profile: { type: "string" }, out: { type: "string" } },
  });
  const known = { main, addon: (folder) => addon(folder, values) };
  const parts = positionals.length > 0 ? positionals : Object.keys(known);
  const unknown = parts.find((part) => !Object.hasOwn(known, part));
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}: main, addon`);
  const out = resolve(values.out ?? join(home, "npm"));
  mkdirSync(out, { recursive: true });
  for (const part of parts) console.log(pack(out, known[part]));
}

try {
  run();
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
}

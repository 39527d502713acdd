// Makes the archive that is published.
//
//     node build/package.mjs [--out DIR]
//
// Nothing is compiled: `node build/wasm.mjs` and `npm run build` come first. The archive goes to DIR, else
// here; prints where it is.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const home = fileURLToPath(new URL("..", import.meta.url));

function pack(out) {
  const { devDependencies, overrides, scripts, ...published } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  for (const built of ["dist/index.js", ...["client", "dynamic", "engine", "engine_seldom", "rules", "worker"].map((part) => `dist/wasm/${part}_bg.wasm`)]) {
    if (!existsSync(join(home, built))) throw new Error(`${built} is missing; build it first: node build/wasm.mjs, npm run build`);
  }
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "windlass-web-pack-"));
  try {
    const files = [...published.files, "LICENSE-*"];
    writeFileSync(join(folder, "package.json"), `${JSON.stringify({ ...published, files }, null, 2)}\n`);
    cpSync(join(home, "dist"), join(folder, "dist"), { recursive: true });
    copyFileSync(join(home, "README.md"), join(folder, "README.md"));
    for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(join(home, "..", name), join(folder, name));
    // npm is a script with its own extension on Windows.
    const told = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", out], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      shell: process.platform === "win32",
    });
    return join(out, Object.values(JSON.parse(told))[0].filename);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const { values } = parseArgs({ options: { out: { type: "string" } } });
  console.log(pack(resolve(values.out ?? ".")));
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
}

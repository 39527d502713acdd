// Copies the addon that cargo built into the package.
//
//     node build/place-native.mjs [--profile release]
//
// Cargo is not called: `cargo build` comes first. Without a profile the one built last is taken.
// The target directory is `CARGO_TARGET_DIR`, else `target` in the workspace. Prints the file.
import { copyFileSync, existsSync, renameSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { built } from "./built.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const at = process.argv.indexOf("--profile");
let newest;
try {
  newest = built({ profile: at < 0 ? process.env.WINDLASS_PROFILE : process.argv[at + 1] });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const placed = join(home, "windlass.node");
const { size, atime, mtime } = statSync(newest);
const seen = existsSync(placed) ? statSync(placed) : undefined;
if (seen?.size !== size || seen.mtimeMs !== mtime.getTime()) {
  // A process may have the old one loaded: replace the file, do not write into it.
  const fresh = `${placed}.${process.pid}`;
  copyFileSync(newest, fresh);
  utimesSync(fresh, atime, mtime);
  renameSync(fresh, placed);
}
console.log(placed);

// Where cargo put the addon.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TARGETS, ownTriple } from "./targets.mjs";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = { dev: "debug" };

/**
 * The addon that cargo built last, of one profile if it is named. With a triple the one that
 * `cargo build --target` made, or for this machine's own triple a plain `cargo build`. The target
 * directory is `CARGO_TARGET_DIR`, else `target` in the workspace.
 */
export function built({ profile, triple } = {}) {
  const target = process.env.CARGO_TARGET_DIR || join(workspace, "target");
  const own = ownTriple();
  // A machine that no package is for can still build for itself.
  const { file } = TARGETS[triple ?? own] ?? { file: "libwindlass_node.so" };
  const roots = triple === undefined ? [target] : [join(target, triple), ...(triple === own ? [target] : [])];
  const folders = profile ? [FOLDERS[profile] ?? profile] : ["debug", "release", "dist"];
  const found = roots
    .flatMap((root) => folders.map((folder) => join(root, folder, file)))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (found.length > 0) return found[0];
  const flags = [profile && profile !== "dev" ? ` --profile ${profile}` : "", triple && triple !== own ? ` --target ${triple}` : ""];
  throw new Error(`${file} is missing in ${roots[0]}; build it first: cargo build -p windlass-node${flags.join("")}`);
}

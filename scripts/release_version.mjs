// Refuses a release whose parts do not have one version.
//
//     node scripts/release_version.mjs [TAG]
//
// The version stands in Cargo.toml, in both packages for npm and in the one for Python. A tag that begins
// with `v` must be that version.
import { readFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const read = (name) => readFileSync(new URL(name, root), "utf8");
const toml = (name, section) => read(name).split(`[${section}]`)[1]?.match(/^version = "(.+)"$/m)?.[1];
const npm = (name) => JSON.parse(read(name)).version;

const found = {
  "Cargo.toml": toml("Cargo.toml", "workspace.package"),
  "bindings-python/pyproject.toml": toml("bindings-python/pyproject.toml", "project"),
  "bindings-node/package.json": npm("bindings-node/package.json"),
  "bindings-wasm/package.json": npm("bindings-wasm/package.json"),
};
const [, , tag = ""] = process.argv;
if (tag.startsWith("v")) found[`the tag ${tag}`] = tag.slice(1);
const versions = new Set(Object.values(found));
if (versions.size !== 1 || versions.has(undefined)) {
  console.error("release: the versions differ");
  for (const [place, version] of Object.entries(found)) console.error(`  ${place}: ${version ?? "none"}`);
  process.exitCode = 1;
} else {
  console.log(...versions);
}

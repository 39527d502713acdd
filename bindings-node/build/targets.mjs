// The platforms that have an addon of their own: one optional package each, and what Rust calls it.
// `native.cjs` and the release workflow name the same ones; test/addon.test.mjs compares them.

const linux = { os: "linux", file: "libwindlass_node.so" };
const darwin = { os: "darwin", file: "libwindlass_node.dylib" };
const win32 = { os: "win32", abi: "msvc", file: "windlass_node.dll" };
const gnu = { ...linux, abi: "gnu", libc: "glibc" };
const musl = { ...linux, abi: "musl", libc: "musl" };

/** By the triple of Rust: `os`, `cpu` and `libc` as npm compares them, and the file that cargo builds. */
export const TARGETS = {
  "aarch64-apple-darwin": { ...darwin, cpu: "arm64" },
  "aarch64-pc-windows-msvc": { ...win32, cpu: "arm64" },
  "aarch64-unknown-linux-gnu": { ...gnu, cpu: "arm64" },
  "aarch64-unknown-linux-musl": { ...musl, cpu: "arm64" },
  "x86_64-apple-darwin": { ...darwin, cpu: "x64" },
  "x86_64-pc-windows-msvc": { ...win32, cpu: "x64" },
  "x86_64-unknown-linux-gnu": { ...gnu, cpu: "x64" },
  "x86_64-unknown-linux-musl": { ...musl, cpu: "x64" },
};

/** The name of a target's package. */
export function packageName({ os, cpu, abi }) {
  return `@windlass/${[os, cpu, abi].filter(Boolean).join("-")}`;
}

/** The triple of the machine that this runs on; of another one nothing is known. */
export function ownTriple() {
  const { platform: os, arch: cpu } = process;
  process.report.excludeNetwork = true;
  const libc = process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
  const fits = ([, one]) => one.os === os && one.cpu === cpu && (one.libc ?? libc) === libc;
  return Object.entries(TARGETS).find(fits)?.[0];
}

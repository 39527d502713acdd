// Loads the addon once for ESM and CJS alike: the one that was built in this folder, else that of the
// optional package for this platform.
"use strict";

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { version } = require("./package.json");

/** There is no addon to work with. `reason` says why, `package` which one it should have been. */
class AddonError extends Error {
  constructor(reason, name, text, cause) {
    super(text, cause === undefined ? undefined : { cause });
    this.name = "AddonError";
    this.code = "addon_unavailable";
    this.reason = reason;
    this.package = name;
  }
}

/** The C library that this process runs on. */
function libc() {
  const { report } = process;
  // Without it every open socket is looked up by name.
  report.excludeNetwork = true;
  return report.getReport().header.glibcVersionRuntime ? "gnu" : "musl";
}

function packageName() {
  const { platform, arch } = process;
  const abi = platform === "linux" ? `-${libc()}` : platform === "win32" ? "-msvc" : "";
  return `@windlass/${platform}-${arch}${abi}`;
}

function load(name) {
  try {
    // Written out, so that bundlers see what may be loaded; within `try` they may leave out what is not there.
    switch (name) {
      case "@windlass/darwin-arm64":
        return require("@windlass/darwin-arm64");
      case "@windlass/darwin-x64":
        return require("@windlass/darwin-x64");
      case "@windlass/linux-arm64-gnu":
        return require("@windlass/linux-arm64-gnu");
      case "@windlass/linux-arm64-musl":
        return require("@windlass/linux-arm64-musl");
      case "@windlass/linux-x64-gnu":
        return require("@windlass/linux-x64-gnu");
      case "@windlass/linux-x64-musl":
        return require("@windlass/linux-x64-musl");
      case "@windlass/win32-arm64-msvc":
        return require("@windlass/win32-arm64-msvc");
      case "@windlass/win32-x64-msvc":
        return require("@windlass/win32-x64-msvc");
    }
  } catch (cause) {
    throw refused(name, cause);
  }
  const text =
    `windlass has no addon for ${name.slice("@windlass/".length)}. It runs on Linux (glibc and musl), macOS and ` +
    "Windows, on x64 and arm64. windlass/rest speaks to a server from everywhere.";
  throw new AddonError("unsupported_platform", name, text);
}

function refused(name, cause) {
  if (cause?.code !== "MODULE_NOT_FOUND") {
    const text = `the addon of windlass for this platform, ${name}, is installed but cannot be loaded: ${cause?.message}`;
    return new AddonError("not_loadable", name, text, cause);
  }
  const text =
    `the addon of windlass for this platform is not installed: ${name}@${version}. It is an optional dependency of ` +
    "windlass, which is left out by --omit=optional, by node_modules that were copied from another platform, and by " +
    "a bug of npm when package-lock.json was made on another one (https://github.com/npm/cli/issues/4828). " +
    `Remedy: remove node_modules and package-lock.json and run npm install again, or npm install ${name}@${version}`;
  return new AddonError("not_installed", name, text, cause);
}

const own = join(__dirname, "windlass.node");
if (existsSync(own)) {
  module.exports = require("./windlass.node");
} else {
  const name = packageName();
  const addon = load(name);
  if (addon.version() !== version) {
    const text = `${name} is of version ${addon.version()}, windlass of ${version}: install both of one version`;
    throw new AddonError("other_version", name, text);
  }
  module.exports = addon;
}

// A real server of its own process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the binary is: WINDLASS_BIN, else what cargo built. */
export const BINARY =
  process.env.WINDLASS_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(homedir(), ".cache/windlass/target"), "debug/windlass");

/** `windlass serve` with these arguments until `stop` or `kill`; port 0 takes a free one. */
export async function startServer({ store = "memory:", port = 0, args = [], env = {} } = {}) {
  const child = spawn(BINARY, ["serve", "--store", store, "--listen", `127.0.0.1:${port}`, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.on("data", (text) => (said = (said + text).slice(-4_000)));
  const url = await new Promise((resolve, reject) => {
    let told = "";
    child.stdout.on("data", (text) => {
      told += text;
      const found = /https?:\/\/[\d.:]+/.exec(told);
      if (found) resolve(found[0]);
    });
    exited.then(() => reject(new Error(`the server ended: ${said}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    log: () => said,
    stop: () => (child.kill("SIGTERM"), exited),
    kill: () => (child.kill("SIGKILL"), exited),
  };
}

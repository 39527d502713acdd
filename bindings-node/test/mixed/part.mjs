// The processes of the mixed tests: producers and workers in both languages, and a real server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("../..", import.meta.url));
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

/** One process. It tells what it does line by line, and lives until it is killed, or this one ends. */
export class Part {
  lines = [];
  #errors = "";
  #news = () => {};

  constructor(program, ...args) {
    this.child = spawn(program, args, { cwd: home, stdio: ["pipe", "pipe", "pipe"] });
    this.ended = once(this.child, "close").then(() => ((this.over = true), this.#news()));
    createInterface({ input: this.child.stdout }).on("line", (line) => (this.lines.push(line), this.#news()));
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.#errors = (this.#errors + text).slice(-4000)));
  }

  /** Until it has told so many lines, or one that `found` finds: that line. */
  async told(found) {
    const search = typeof found === "number" ? () => this.lines[found - 1] : () => this.lines.find(found);
    for (let line; ; ) {
      if ((line = search()) !== undefined) return line;
      if (this.over) throw new Error(`${this.child.spawnargs.join(" ")} ended by itself (${this.child.exitCode}):\n${this.#errors}`);
      await new Promise((resolve) => (this.#news = resolve));
    }
  }

  /** Ends it as a crash would; what it told before is still read. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** A producer or a worker in one of the languages. */
export function part(language, role, url, ...args) {
  const [program, name] = language === "node" ? [process.execPath, `${role}.mjs`] : [process.env.PYTHON || "python3", `${role}.py`];
  return new Part(program, file(name), url, ...args);
}

/** `windlass serve` on the store; `address` is that of the one before it, if there was one. */
export async function serve(store, address = "127.0.0.1:0") {
  for (;;) {
    const server = new Part(process.execPath, file("server.mjs"), "--store", store, "--listen", address);
    try {
      const [, url] = /serves .* at (http:\/\/[\d.:]+)/.exec(await server.told(1));
      return { server, url, address: url.slice("http://".length) };
    } catch (error) {
      // A stranger may hold the port for a moment: it was free while no server ran.
      if (!/in use/.test(error.message)) throw error;
    }
  }
}

// What the tests of the outbox, of React and of Vue stand on: a real server process, a relay before it
// that can fail as networks do, and a real browser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "../../../bindings-node/dist/esm/index.js";
import { launch, serve } from "../../../testkit/browser/index.mjs";

// The command line of the workspace's build, wherever that lies.
const PROGRAM = fileURLToPath(new URL("../../../bindings-node/bin/windlass.mjs", import.meta.url));
// Kills the server when its input ends: it does not outlive a test that is killed itself.
const WATCHED = `exec 3<&0
"$0" "$@" </dev/null 3<&- & server=$!
(cat <&3; kill -9 $server) >/dev/null 2>&1 &
wait $server`;
export const EMPTY = '<!doctype html><html lang="en"><title>outbox</title>';
export const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

let shared;
after(async () => (await shared)?.close());

/** Runs what was left to undo, last first. */
export class Stage {
  #undo = [];

  /** Ends when the test does. */
  constructor(test) {
    test.after(() => this.end());
  }

  later(undo) {
    this.#undo.push(undo);
  }

  async end() {
    for (let undo; (undo = this.#undo.pop()) !== undefined; ) await undo();
  }

  /** A folder that goes when the test does. */
  folder() {
    const folder = mkdtempSync(join(tmpdir(), "windlass-web-"));
    this.later(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** A server process on a file. `again()` starts it at the same place after `kill()`. */
  async server({ key } = {}) {
    const store = `sqlite:${join(this.folder(), "tasks.db")}`;
    let listen = "127.0.0.1:0";
    let process_;
    const server = {
      url: undefined,
      again: async () => {
        const env = { ...process.env, ...(key && { WINDLASS_SERVER_KEY: key }) };
        const args = ["serve", "--listen", listen, "--cors-origin", "*", "--store", store, "--grace", "1s"];
        process_ = spawn("sh", ["-c", WATCHED, process.execPath, PROGRAM, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
        let said = "";
        process_.stderr.on("data", (data) => (said += data));
        let found = null;
        for await (const line of createInterface({ input: process_.stdout })) {
          if ((found = / at (http:\/\/[^\s,]+)/.exec(line)) !== null) break;
        }
        if (found === null) throw new Error(`the server did not start: ${said}`);
        server.url = found[1];
        listen = server.url.slice("http://".length);
        // What it says from here on must not fill the pipe.
        process_.stdout.resume();
        return server;
      },
      kill: async () => {
        if (process_.exitCode !== null || process_.signalCode !== null) return;
        const gone = once(process_, "exit");
        process_.stdin.end();
        await gone;
      },
    };
    this.later(() => server.kill());
    return server.again();
  }

  /** A client of Node's package, and a running worker when there are handlers. */
  client(url, { handlers, worker, ...options } = {}) {
    const client = new Client(url, options);
    this.later(() => client.close());
    if (handlers) void client.worker(handlers, { signals: false, ...worker }).run();
    return client;
  }

  /** What stands between pages and a server. */
  async relay(url) {
    const relay = new Relay(url);
    await relay.open();
    this.later(() => relay.close());
    return relay;
  }

  /** Pages on loopback; `folders` as `serve` of testkit takes them. */
  async pages(folders = {}, documents = { "/": EMPTY }) {
    const pages = await serve({ "/dist/": DIST, ...folders }, { "access-control-allow-origin": "*" }, documents);
    this.later(() => pages.close());
    return pages;
  }

  /** A profile of its own in the browser that the tests of a file share; with options, in one of its own. */
  async context(options) {
    let browser;
    if (options === undefined) browser = await (shared ??= launch());
    else this.later(() => browser.close());
    browser ??= await launch(options);
    const context = await browser.newContext();
    this.later(() => context.close());
    return context;
  }
}

/** A relay that passes requests on, lists them, and fails when it is told to. */
export class Relay {
  /** Requests that came in: `{ method, path, body, headers }`, and `answered` once the server did. */
  requests = [];
  /** Streams and requests that are open now. */
  open_ = new Set();
  /**
   * What becomes of a request: nothing said passes it on; an object `{ status, type, body }` is the
   * answer; `"cut"` ends the connection; `"lose"` passes it on and cuts the connection in place of the
   * answer; `"hold"` passes it on and never answers.
   */
  decide = () => undefined;
  /** A promise that a request's answer waits for, or nothing. */
  delay = () => undefined;
  #target;
  #server;
  #port = 0;
  #watchers = new Set();

  constructor(url) {
    this.#target = new URL(url);
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Paths of the tasks that were submitted. */
  get submits() {
    return this.requests.filter(({ method, path }) => method === "POST" && path === "/api/v1/tasks");
  }

  async open() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
  }

  /** As if it had never been there: nobody answers at its address. */
  async close() {
    if (!this.#server.listening) return;
    const gone = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await gone;
  }

  /** Resolves once `met` holds; it is asked after each request and each end of one. */
  async until(met) {
    while (!met()) await new Promise((resolve) => this.#watchers.add(resolve));
  }

  #told() {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const seen = { method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
    seen.cut = () => request.socket.destroy();
    this.open_.add(seen);
    response.on("close", () => {
      this.open_.delete(seen);
      this.#told();
    });
    // A preflight is the browser's own.
    const decided = seen.method === "OPTIONS" ? undefined : this.decide(seen);
    this.requests.push(seen);
    this.#told();
    if (decided === "cut") return seen.cut();
    if (typeof decided === "object") {
      const { status, type = "text/html", body = "", headers = {} } = decided;
      return response.writeHead(status, { "content-type": type, "access-control-allow-origin": "*", ...headers }).end(body);
    }
    const { host, hostname, port } = this.#target;
    // Servers on loopback answer to their own names only.
    const headers = { ...request.headers, host };
    const passed = ask({ hostname, port, method: seen.method, path: seen.path, headers }, async (answer) => {
      seen.answered = true;
      this.#told();
      if (decided === "lose") return seen.cut();
      if (decided === "hold") return answer.resume();
      if (seen.method !== "OPTIONS") await this.delay(seen);
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    passed.end(seen.body);
  }
}

/** A test that does not wait for ever. */
export const bounded = (name, run) => test(name, { timeout: 60_000 }, run);

/** The page of a tab with the package at `globalThis.windlass`. */
export async function tab(context, url) {
  const page = await context.newPage();
  await visit(page, url);
  return page;
}

/** Goes there, anew if it is there already. */
export async function visit(page, url) {
  await page.goto(url);
  await page.evaluate(async () => void (globalThis.windlass = await import("/dist/index.js")));
}

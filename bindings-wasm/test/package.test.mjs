// PKG-04: the archive that is published works in an empty Vite project: while it is developed, once it is built,
// and in strict TypeScript; and in Node, where pages are rendered and tested.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, createServer } from "vite";
import { launch, serve } from "../../testkit/browser/index.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-web-package-"));
const POLICY = { "Content-Security-Policy": "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };

/** Runs a program to its end in the empty project; what it printed. It must end by itself. */
function run(program, ...args) {
  try {
    return execFileSync(program, args, { cwd: folder, encoding: "utf8", timeout: 120_000, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${error.stdout}`);
  }
}

const FLOW = `
const client = await connect("memory:");
const worker = client.worker({ double: async ({ n }: { n: number }) => 2 * n }, { concurrency: 2 });
const ended = worker.run();
const { taskId } = await client.submitTask({ type: "double", payload: { n: 21 } });
const result: unknown = await client.result(taskId);
await worker.drain();
await ended;
await client.close();
const closed: string = await client.result(taskId).catch(({ name }) => name);
`;

// The same in a worker of the browser. What it imports is fetched in parts, which only modules can.
const THREAD = `
const thread = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
thread.onmessage = ({ data }) => (document.title = \`\${result} \${data} \${closed}\`);
`;
const VITE = { configFile: false, logLevel: "error", worker: { format: "es" } };

let browser;
before(async () => {
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const archive = basename(run(process.execPath, join(home, "build/package.mjs")).trim());
  // Frameworks are peers that nobody has to have.
  run("npm", "install", `./${archive}`, "--offline", "--no-audit", "--no-fund", "--silent");
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "index.html"), '<!doctype html><html lang="en"><title>waits</title><script type="module" src="/src/main.ts"></script>');
  writeFileSync(join(folder, "src/main.ts"), `import { connect } from "windlass-web";\n${FLOW}${THREAD}`);
  writeFileSync(join(folder, "src/thread.ts"), `import { connect } from "windlass-web";\n${FLOW}postMessage(result);\n`);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the page says in the end, and what it fetched. */
async function look(url) {
  const page = await browser.newPage();
  const said = [];
  const asked = [];
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && said.push(line.text()));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  await Promise.race([
    page.waitForFunction(() => document.title !== "waits"),
    page.waitForEvent("pageerror").then((error) => Promise.reject(error)),
  ]);
  const title = await page.title();
  await page.close();
  return { title, said: said.filter((line) => !/404/.test(line)), asked };
}

const installed = () => JSON.parse(readFileSync(join(folder, "node_modules/windlass-web/package.json"), "utf8"));

test("it has no install script, and needs no other package", () => {
  const { scripts = {}, dependencies = {} } = installed();
  assert.deepEqual(Object.keys(scripts).filter((name) => /install|prepare/.test(name)), []);
  assert.deepEqual(dependencies, {});
  assert.deepEqual(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith(".")), ["windlass-web"]);
});

test("every file that package.json names is there", () => {
  // PKG-05
  const files = Object.values(installed().exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  assert.ok(files.length > 10);
  for (const file of files) assert.ok(existsSync(join(folder, "node_modules/windlass-web", file)), file);
});

test("it says what it is, and under which licenses", () => {
  const at = join(folder, "node_modules/windlass-web");
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.equal(readFileSync(join(at, name), "utf8"), readFileSync(join(home, "..", name), "utf8"));
  }
  assert.match(readFileSync(join(at, "README.md"), "utf8"), /^# windlass-web\n/);
});

test("a page that Vite has built runs under a strict policy, and fetches the engine alone", async () => {
  await build({ ...VITE, root: folder, build: { target: "es2022" } });
  const site = await serve(join(folder, "dist"), POLICY, { "/favicon.ico": { body: "", status: 204 } });
  try {
    const { title, said, asked } = await look(site.url);
    // The class that told it is called something shorter here.
    assert.deepEqual([title, said], ["42 42 ClientClosedError", []]);
    assert.deepEqual(asked.filter((url) => url.endsWith(".wasm")).map((url) => /(\w+)_bg-/.exec(url)[1]), ["engine", "engine"]);
  } finally {
    await site.close();
  }
});

test("a page runs while Vite serves it for development", async () => {
  const cacheDir = join(folder, ".vite");
  const server = await createServer({ ...VITE, root: folder, cacheDir, server: { host: "127.0.0.1", port: 0 } });
  try {
    await server.listen();
    const { title, said } = await look(`http://127.0.0.1:${server.httpServer.address().port}/`);
    assert.deepEqual([title, said], ["42 42 ClientClosedError", []]);
  } finally {
    await server.close();
  }
});

test("strict TypeScript compiles what the documents write, with and without a bundler", () => {
  // GJS-06: the sample is Node's, but for its servers.
  const sample = readFileSync(new URL("../../bindings-node/test/typing-sample.ts", import.meta.url), "utf8");
  const web = sample.replace(/"windlass(\/\w+)?"/g, '"windlass-web$1"').replace(", TestServer", "").replace(/^.*TestServer.*$/m, "").replace("server.url", "location.origin");
  writeFileSync(join(folder, "src/sample.ts"), `declare const process: { env: Record<string, string | undefined> };\n${web}`);
  for (const [module, moduleResolution] of [["ESNext", "Bundler"], ["NodeNext", "NodeNext"]]) {
    const options = { strict: true, exactOptionalPropertyTypes: true, module, moduleResolution, target: "ES2022", noEmit: true };
    Object.assign(options, { lib: ["ES2022", "ESNext.Disposable", "DOM"], types: [] });
    const config = join(folder, `tsconfig.${module}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions: options, files: ["src/main.ts", "src/sample.ts"] }));
    assert.equal(run(join(home, "node_modules/.bin/tsc"), "-p", config), "");
  }
});

test("in Node it runs the engine and ends by itself", () => {
  const text = `import { connect } from "windlass-web";\n${FLOW.replace(/: (unknown|string|\{ n: number \})/g, "")}console.log(result);\n`;
  writeFileSync(join(folder, "flow.mjs"), text);
  assert.equal(run(process.execPath, "flow.mjs"), "42\n");
});

test("a page that is rendered in Node imports all of it", () => {
  // PKG-05: the frameworks are those of this clone.
  for (const name of ["react", "vue", "@vue"]) {
    symlinkSync(join(home, "node_modules", name), join(folder, "node_modules", name));
  }
  const names = Object.keys(installed().exports).filter((name) => name !== "./package.json");
  const text = names.map((name) => `await import("windlass-web${name.slice(1)}");`).join("\n");
  writeFileSync(join(folder, "render.mjs"), `${text}\nconsole.log("rendered", typeof window);\n`);
  assert.equal(run(process.execPath, "render.mjs"), "rendered undefined\n");
});

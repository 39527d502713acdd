// Puts the sources of the package together in `build/sources`, where the compiler finds them: those that
// Node has too, from `bindings-node/ts`, and those of the browser alone, from `ts`. A file is written only
// when it differs, so that its time says when it changed.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("..", import.meta.url));
const node = join(home, "../bindings-node/ts");
const own = join(home, "ts");
const sources = join(home, "build/sources");

// What is not here has its own file in `ts`: how native code is loaded, what the platform gives, and what
// the package shows.
const SHARED = [
  "attempt.ts",
  "batch.ts",
  "block.ts",
  "client.ts",
  "clock.ts",
  "compose.ts",
  "composing.ts",
  "context.ts",
  "dynamic-run.ts",
  "dynamic.ts",
  "executor.ts",
  "failure.ts",
  "generated/errors.ts",
  "generated/words.ts",
  "json.ts",
  "listing.ts",
  "options.ts",
  "outcomes.ts",
  "parallel-block.ts",
  "parallel-executor.ts",
  "parallel-memory.ts",
  "parallel-meter.ts",
  "parallel-run.ts",
  "parallel.ts",
  "pipeline.ts",
  "rest.ts",
  "schema.ts",
  "stream.ts",
  "surface.ts",
  "test-client.ts",
  "tuning.ts",
  "upstream.ts",
  "waiting.ts",
  "wire.ts",
  "worker.ts",
];

const files = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => statSync(join(folder, name)).isFile())
    : [];

const wanted = new Map(SHARED.map((name) => [name, join(node, name)]));
// What Node's package shows; the browser's adds to it.
wanted.set("shown.ts", join(node, "index.ts"));
for (const name of files(own)) {
  if (wanted.has(name)) throw new Error(`${name} is shared with Node: one of the two has to go`);
  wanted.set(name, join(own, name));
}
const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const texts = new Map(Array.from(wanted, ([name, from]) => [name, readFileSync(from, "utf8")]));
texts.set("version.ts", `/** Version of the package and of the engine within. */\nexport const version = ${JSON.stringify(version)};\n`);

for (const [name, text] of texts) {
  const place = join(sources, name);
  if (existsSync(place) && readFileSync(place, "utf8") === text) continue;
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}
// What is gone from the sources is gone from what is built of them, too.
for (const name of files(sources)) {
  if (texts.has(name)) continue;
  rmSync(join(sources, name));
  for (const kind of [".js", ".d.ts"]) {
    rmSync(join(home, "dist", relative("", name).replace(/\.tsx?$/, kind)), { force: true });
  }
}

// The console with something to see: node demo/main.mjs [--past]. PORT names the port. Ctrl-C ends it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorkers, submitSome, submitSteadily } from "./present.mjs";
import { writePast } from "./past.mjs";
import { startServer } from "./server.mjs";

const place = await mkdtemp(join(tmpdir(), "windlass-console-"));
const file = join(place, "demo.db");
if (process.argv.includes("--past")) await writePast(file);
const server = await startServer({ store: `sqlite:${file}`, port: Number(process.env.PORT ?? 0) });
const ends = [await startWorkers(server.url), await submitSteadily(server.url)];
console.log(server.url, JSON.stringify(await submitSome(server.url)));
const again = setInterval(() => void submitSome(server.url).catch(() => {}), 240_000);
process.once("SIGINT", async () => {
  clearInterval(again);
  for (const end of ends) await end();
  await server.stop();
  await rm(place, { recursive: true, force: true });
});

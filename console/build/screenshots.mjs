// Pictures of the console for the documents: node build/screenshots.mjs [--minutes 2] [--url http://…]
//
// Starts a server with tasks of an invented shop and lets it work for so many minutes, or takes what runs
// at the URL (node demo/main.mjs). Charts look best after an hour.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { parseArgs } from "node:util";
import { launch } from "../../testkit/browser/index.mjs";
import { writePast } from "../demo/past.mjs";
import { startWorkers, submitSome, submitSteadily } from "../demo/present.mjs";
import { startServer } from "../demo/server.mjs";
import { smaller } from "./png.mjs";

/** Bytes of a picture, at most. */
const MOST = 150 * 1024;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "2" }, url: { type: "string" }, to: { type: "string" } } });
const to = values.to ?? new URL("../../docs/images/", import.meta.url).pathname;
await mkdir(to, { recursive: true });
const ends = [];
const url = values.url ?? (await begin());
const shown = await submitSome(url);
// As long as the retries of the picture take, and a good part of the report.
await rest(14_000);

const browser = await launch();
ends.push(() => browser.close());
await shoot("overview", "/", { wait: "canvas" });
await shoot("tasks", "/tasks?status=running,completed,failed&label.env=prod", {
  wait: "tbody tr",
  act: async (page) => {
    for (const row of [1, 2, 4]) await page.locator("tbody tr").nth(row).getByRole("checkbox").check();
  },
});
await shoot("task", `/tasks/${shown.retried}`, { wait: ".line", theme: "light" });
await shoot("running", `/tasks/${shown.report}`, { wait: ".line" });
await shoot("queues", "/queues", { wait: "tbody tr", theme: "light", height: 420 });
await shoot("narrow", "/tasks?status=failed", { wait: "tbody tr", width: 360, height: 700 });
for (const end of ends.reverse()) await end();

async function begin() {
  const place = await mkdtemp(join(tmpdir(), "windlass-console-"));
  const file = join(place, "demo.db");
  await writePast(file);
  const server = await startServer({ store: `sqlite:${file}` });
  ends.push(() => rm(place, { recursive: true, force: true }), () => server.stop(), await startWorkers(server.url), await submitSteadily(server.url));
  await rest(Number(values.minutes) * 60_000);
  return server.url;
}

async function shoot(name, path, { theme = "dark", width = 1280, height = 800, wait, act }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(url + path);
  await page.locator(wait).first().waitFor();
  await page.waitForFunction(() => document.querySelector(".waiting, .stale") === null);
  await act?.(page);
  await rest(800);
  const file = join(to, `console-${name}.png`);
  const picture = smaller(await page.screenshot());
  await context.close();
  await writeFile(file, picture);
  console.log(`${file}: ${Math.round(picture.length / 1024)} KiB`);
  if (picture.length > MOST) throw new Error(`${file} is larger than ${MOST / 1024} KiB`);
}

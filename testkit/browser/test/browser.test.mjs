// The tools of the browser tests themselves: what they show is there, what they refuse is refused.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessibilityFaults, browserPath, launch, serve } from "../index.mjs";

const folder = mkdtempSync(join(tmpdir(), "windlass-browser-"));
const secret = `${folder}-secret`;
let browser, site;

before(async () => {
  mkdirSync(join(folder, "lib"));
  writeFileSync(secret, "outside");
  writeFileSync(join(folder, "index.html"), '<!doctype html><html lang="en"><title>t</title><main><h1>t</h1></main><script type="module" src="/lib/a.js"></script>');
  writeFileSync(join(folder, "lib/a.js"), "document.querySelector('h1').textContent = 'it runs';");
  site = await serve(folder, { "Content-Security-Policy": "default-src 'none'; script-src 'self'" }, {
    "/bad": '<!doctype html><html lang="en"><title>bad</title><main><h1>bad</h1><img src="x.png"></main>',
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(secret, { force: true });
});

const open = async (path) => {
  const page = await browser.newPage();
  await page.goto(site.url + path);
  return page;
};

test("a page of the folder runs its module, and axe finds nothing in it", async () => {
  const page = await open("/");
  assert.equal(await page.textContent("h1"), "it runs");
  assert.deepEqual(await accessibilityFaults(page), []);
  assert.ok(site.requests.includes("/lib/a.js"));
});

test("axe finds an image that says nothing, under a policy that runs no script", async () => {
  const [fault, ...more] = await accessibilityFaults(await open("/bad"));
  assert.match(fault, /^image-alt \(critical\)/);
  assert.deepEqual(more, []);
});

/** The status for a path as it is, which `fetch` would tidy. */
const status = (path) =>
  new Promise((resolve, reject) => request(site.url, { path }, (response) => resolve(response.resume().statusCode)).on("error", reject).end());

test("nothing outside the folder is served", async () => {
  const name = secret.split("/").at(-1);
  assert.deepEqual(
    await Promise.all(["/index.html", `/../${name}`, `/lib/..%2f..%2f${name}`, "/none", "/%00", "/%"].map(status)),
    [200, 404, 404, 404, 404, 404],
  );
});

test("a Chromium that is missing is told with what to do", () => {
  const given = process.env.CHROMIUM;
  process.env.CHROMIUM = "/nowhere/chromium";
  try {
    assert.throws(browserPath, /CHROMIUM names no program.*apt-get install chromium/);
  } finally {
    if (given === undefined) delete process.env.CHROMIUM;
    else process.env.CHROMIUM = given;
  }
});

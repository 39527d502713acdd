// Pages of tests: one browser, and the package as it was built, served without a bundler.
import { fileURLToPath } from "node:url";
import { launch, serve } from "../../testkit/browser/index.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const EMPTY = '<!doctype html><html lang="en"><title>test</title>';
// A browser asks for it by itself, and complains when there is none.
const ICON = { body: "", status: 204 };

/** Opens pages until `close()`. `headers` and `pages` as in `serve`; `/` is an empty page. */
export async function stage(headers = {}, pages = {}) {
  const site = await serve({ "/dist/": DIST }, headers, { "/": EMPTY, "/favicon.ico": ICON, ...pages });
  const browser = await launch();
  return {
    browser,
    site,
    /** A page of its own context; `said` is what its console and its uncaught errors told. */
    async open(path = "/", prepare = async () => {}) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const said = [];
      page.on("console", (line) => said.push(`${line.type()}: ${line.text()}`));
      page.on("pageerror", (error) => said.push(`uncaught: ${error}`));
      await prepare(page);
      await page.goto(site.url + path);
      return Object.assign(page, { said });
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

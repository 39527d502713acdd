// The console without a mouse.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { open, place } from "./place.mjs";

let at;
before(async () => {
  at = await place();
  await at.submitAll(Array.from({ length: 60 }, (_, i) => ({ task_type: `k${String(i).padStart(2, "0")}` })));
});

test("two keys go to each page, and ? lists all keys", async () => {
  const page = await open(at.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  for (const [key, path, heading] of [["t", "/tasks", "Tasks"], ["p", "/pipelines", "Pipelines"], ["q", "/queues", "Queues"], ["w", "/workers", "Workers"], ["o", "/", "Overview"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    assert.equal(new URL(page.url()).pathname, path);
    // Whoever hears the page hears where it is.
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
  }
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.getByText("search tasks").waitFor();
  assert.equal(await help.locator("dt").count(), 20);
  // Keys below a dialog are dead.
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.close();
});

test("rows are walked, selected, opened and left", async () => {
  const page = await open(at.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("/");
  await page.waitForFunction(() => document.activeElement?.id === "search");
  // Letters that are typed do nothing else.
  await page.keyboard.type("jx?");
  assert.equal(await page.inputValue("#search"), "jx?");
  await page.fill("#search", "");
  await page.keyboard.press("Escape");
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const focused = () => page.evaluate(() => [...document.querySelectorAll("tbody tr")].indexOf(document.activeElement.closest("tr")));
  assert.equal(await focused(), 1);
  await page.keyboard.press("x");
  await page.getByText("1 task selected").waitFor();
  assert.equal(await focused(), 1);
  await page.keyboard.press("a");
  await page.getByText("50 tasks selected").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".bulk").waitFor({ state: "detached" });
  await page.keyboard.press("n");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 10);
  await page.keyboard.press("p");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
  await page.keyboard.press("j");
  const name = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("whatever has the focus shows it, and the first step skips the bar", async () => {
  const page = await open(`${at.url}/tasks`);
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Skip to the page");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press("Tab");
    const bare = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return outlineStyle === "none" || outlineWidth === "0px" ? document.activeElement.outerHTML.slice(0, 120) : null;
    });
    assert.equal(bare, null);
  }
  await page.close();
});

test("what is typed in the same turn as the key of the search goes into it", async () => {
  const page = await open(`${at.url}/tasks`);
  await page.locator("tbody tr").first().waitFor();
  const press = (key) => page.evaluate((key) => {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    return document.activeElement.id;
  }, key);
  assert.equal(await press("/"), "search");
  await page.goto(at.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const soon = await page.evaluate(async () => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
    await new Promise((resolve) => setTimeout(resolve));
    return document.activeElement.id;
  });
  assert.equal(soon, "search");
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.close();
});

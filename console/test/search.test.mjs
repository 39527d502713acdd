// What is typed into the search field: every word of it counts, or is refused. Many tasks may be changed by what is found.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { open, place } from "./place.mjs";

let at;
before(async () => {
  at = await place();
  const ids = await at.submitAll([
    { task_type: "image", labels: { "app:env": "x=y" } },
    { task_type: "image", labels: { "a b": "c d" } },
    { task_type: "image" },
  ]);
  assert.equal(ids.length, 3);
  for (const error of ["image 1 timed out", "timed out", "no such file"]) await (await at.lease("image")).fail(error);
});

/** Types and sends the words; answers what they became in the address. */
async function typed(page, words) {
  await page.goto(`${at.url}/tasks`);
  await page.locator("tbody tr").first().waitFor();
  await page.fill("#search", words);
  await page.press("#search", "Enter");
  return Object.fromEntries(new URL(page.url()).searchParams);
}

test("words beside others are looked for, in quotes and without", async () => {
  const page = await open(at.url);
  for (const [words, becomes] of [
    ["timed out", { error: "timed out" }],
    ['"timed out"', { error: "timed out" }],
    ['"timed out" status:failed', { status: "failed", error: "timed out" }],
    ['status:failed "timed out"', { status: "failed", error: "timed out" }],
    ['1 "timed out"', { error: "1 timed out" }],
    ['error:"timed out" status:Failed,cancelled', { status: "failed,cancelled", error: "timed out" }],
    ['error:"1 timed" out', { error: "1 timed out" }],
    ['say "env=prod"', { error: "say env=prod" }],
    ["kind:batch", { error: "kind:batch" }],
    ['5" disk', { error: '5" disk' }],
    ['type:"mail send" queue:mail since:1h', { task_type: "mail send", queue: "mail", since: "1h" }],
  ])
    assert.deepEqual(await typed(page, words), becomes, words);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a label is found whatever letters its key has", async () => {
  const page = await open(at.url);
  const rows = (count) => page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n && !document.querySelector(".stale"), count);
  for (const [words, becomes] of [
    ["app:env=x=y", { "label.app:env": "x=y" }],
    ["label:app:env=x=y", { "label.app:env": "x=y" }],
    ['"a b"="c d"', { "label.a b": "c d" }],
    ['label:"a b=c d"', { "label.a b": "c d" }],
  ]) {
    assert.deepEqual(await typed(page, words), becomes, words);
    await rows(1);
  }
  await page.close();
});

test("what cannot be meant is told, and nothing is looked for", async () => {
  const page = await open(at.url);
  for (const [words, says] of [
    ["status:failed,bogus", /"bogus" is no status/],
    ["queue:mail queue:images", /queue: was given twice/],
    ["env=prod env=test", /label env was given twice/],
    ["label:env", /written label:KEY=VALUE/],
  ]) {
    assert.deepEqual(await typed(page, words), {}, words);
    assert.match(await page.getByRole("alert").innerText(), says);
    assert.equal(await page.inputValue("#search"), words);
  }
  await page.fill("#search", "status:failed");
  await page.getByRole("alert").waitFor({ state: "detached" });
  // An address that somebody sends is no other search without what it says.
  await page.goto(`${at.url}/tasks?status=bogus`);
  await page.getByRole("alert").waitFor();
  assert.equal(await page.locator("tbody tr").count(), 0);
  await page.close();
});

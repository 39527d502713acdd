// Payloads and results are JSON text from the first to the last step: byte for byte where no language
// parses them, by its own rules where one does.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { connect } from "windlass";
import { TestServer } from "windlass/testing";

const MIB = 1 << 20;
const nested = (levels) => "[".repeat(levels) + "]".repeat(levels);
/** A JSON text of so many bytes, most of them not ASCII. */
const large = (bytes) => `"${"é".repeat((bytes - 2) >> 1)}${"x".repeat(bytes % 2)}"`;

// Text that a language would write in another way, or cannot even hold.
const RAW = {
  "numbers beyond 2^53": '{"n":9007199254740993,"long":123456789012345678901234567890,"minus":-9007199254740993}',
  "numbers with exponents and zeros": "[1E5,1e+2,1.0,1.10,-0,-0.0,0.1e-7,5e-324,1.7976931348623157e308]",
  "keys in an order of their own": '{"z":1,"a":{"y":0,"x":0},"10":2,"9":3,"__proto__":4,"":5}',
  "white space": '{ "a" : [ 1 ,\n\t2 ] ,\r\n  "b":null }',
  "escapes that need none": '"\\u0061\\/\\ud83e\\uddf5\\u00e9\\u2028\\u0000"',
  "characters of every plane": '"\u{1F9F5} é \u2028 \u{10FFFF} \uFFFD"',
  "as many levels as there may be": nested(127),
  "as many bytes as there may be": large(MIB),
};

const folder = mkdtempSync(join(tmpdir(), "windlass-node-payloads-"));
const file = join(folder, "payloads.db");
let server, client, worker, ended;
before(async () => {
  server = await TestServer.start(`sqlite:${file}`);
  client = await connect(server.url);
  worker = client.worker({ "to-node": async (payload) => payload });
  ended = worker.run();
});
after(async () => {
  await worker.drain();
  await ended;
  await client.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A call by HTTP whose texts nothing here reads or writes. */
async function rest(method, path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${server.url}/api/v1${path}`, { method, body, headers });
  return { status: answer.status, text: await answer.text() };
}

async function python(text, ...args) {
  const told = await promisify(execFile)(process.env.PYTHON || "python3", ["-c", text, ...args], { timeout: 120_000, maxBuffer: 8 * MIB });
  return told.stdout;
}

/** What lies in the file: the text of a payload or a result. */
const stored = (taskId, column) =>
  python(
    `import sqlite3, sys
[[text]] = sqlite3.connect(sys.argv[1]).execute("SELECT coalesce(tasks." + sys.argv[2] + ", long.payload) FROM tasks"
    " LEFT JOIN long_payloads AS long USING (num) WHERE hex(id) = ?", [sys.argv[3].replace("-", "").upper()]).fetchall()
sys.stdout.buffer.write(text.encode())`,
    ...[file, column, taskId],
  );

/** Stores a task by REST with the payload's text as it is: its id. */
async function post(type, payload) {
  const { status, text } = await rest("POST", "/tasks", `{"task_type":"${type}","payload":${payload}}`);
  assert.equal(status, 201, text.slice(0, 300));
  return JSON.parse(text).task_id;
}

/** The text must stand in the task's record and in the file, as it was given. */
async function unchanged(taskId, column, text) {
  const record = (await rest("GET", `/tasks/${taskId}`)).text;
  assert.ok(record.includes(`"${column}":${text}`), record.slice(0, 300));
  assert.ok((await stored(taskId, column)) === text, `the file has the ${column}`);
}

for (const [number, [what, text]] of Object.entries(RAW).entries()) {
  test(`${what}: a payload that nobody parses is unchanged`, async () => {
    await unchanged(await post("raw", text), "payload", text);
  });

  test(`${what}: a result that nobody parses is unchanged`, async () => {
    const type = `by-hand-${number}`;
    const taskId = await post(type, text);
    const { tasks } = await client.lease({ worker: "w", queues: ["default"], handlers: [type], limit: 1, lease_seconds: 60 });
    const settle = `{"settles":[{"task_id":"${taskId}","token":"${tasks[0].token}","outcome":"complete","result":${text}}]}`;
    const { status, text: answer } = await rest("POST", "/leases/settle", settle);
    assert.equal(status, 200, answer.slice(0, 300));
    await unchanged(taskId, "result", text);
  });

  test(`${what}: JavaScript reads what JSON.parse reads`, async () => {
    const taskId = await post("to-node", text);
    const task = await client.waitForTask(taskId, { timeout: 120_000 });
    assert.deepEqual(task.payload, JSON.parse(text));
    // The handler gave back what it was given: as JavaScript writes it, which is without a zero's sign.
    const written = JSON.stringify(JSON.parse(text));
    assert.deepEqual(task.result, JSON.parse(written));
    await unchanged(taskId, "result", written);
  });
}

test("JavaScript has the nearest number it can to one beyond 2^53, and nothing else is touched", async () => {
  const text = '{"n":9007199254740993,"text":"9007199254740993","long":123456789012345678901234567890}';
  const taskId = await post("raw", text);
  const { payload } = await client.getTask(taskId);
  assert.deepEqual(payload, { n: 9007199254740992, text: "9007199254740993", long: 1.2345678901234568e29 });
  await unchanged(taskId, "payload", text);
});

// Reads with Python's own parser, and has a worker give it back.
const PYTHON = `
import json, sys, threading, windlass
app = windlass.App(sys.argv[1])
over = threading.Event()
@app.task(name="to-python")
def echo(payload): return payload
@app.task(name="stop-python")
def stop(): over.set()
with app.worker(concurrency=2).background(): over.wait(110)
`;

test("Python has every whole number, and gives back what it writes itself", async () => {
  const running = python(PYTHON, server.url);
  const told = { "numbers beyond 2^53": RAW["numbers beyond 2^53"] };
  told["numbers with exponents and zeros"] = "[100000.0,100.0,1.0,1.1,0,-0.0,1e-08,5e-324,1.7976931348623157e+308]";
  told["keys in an order of their own"] = RAW["keys in an order of their own"];
  told["white space"] = '{"a":[1,2],"b":null}';
  told["characters of every plane"] = RAW["characters of every plane"];
  told["escapes that need none"] = '"a/\u{1F9F5}é\u2028\\u0000"';
  told["as many bytes as there may be"] = RAW["as many bytes as there may be"];
  for (const [what, text] of Object.entries(told)) {
    const taskId = await post("to-python", RAW[what]);
    await client.waitForTask(taskId, { timeout: 120_000 });
    await unchanged(taskId, "result", text);
  }
  await post("stop-python", "{}");
  await running;
});

test("what Python submits lies there as Python wrote it, and what Node submits as JSON.stringify does", async () => {
  const submit = `
import sys, windlass
with windlass.Client(sys.argv[1]) as client:
    payload = {"z": 9007199254740993, "a": [1.0, 1e100, "\\U0001F9F5 \\u2028 é\\0"], "10": None, "9": True}
    print(client.submit_task(payload, "raw").task_id)
`;
  const taskId = (await python(submit, server.url)).trim();
  await unchanged(taskId, "payload", '{"z":9007199254740993,"a":[1.0,1e+100,"\u{1F9F5} \u2028 é\\u0000"],"10":null,"9":true}');
  const payload = { z: Number.MAX_SAFE_INTEGER, a: [1.0, 1e100, 5e-324, -0, "\u{1F9F5} \u2028 é\0"], 10: null, 9: true };
  const submitted = await client.submitTask({ type: "raw", payload });
  await unchanged(submitted.taskId, "payload", JSON.stringify(payload));
});

for (const [what, text, code] of [
  ["one level too many", nested(128), "invalid_payload"],
  ["one byte too many", large(MIB + 1), "payload_too_large"],
  ["half of a pair of escapes", '"\\ud83e"', "invalid_payload"],
  ["a key twice", '{"a":1,"\\u0061":2}', "invalid_payload"],
  ["a number beyond every float", "[1e999]", "invalid_payload"],
  ["no JSON", "[NaN]", "invalid_argument"],
]) {
  test(`${what} is refused, and nothing is stored`, async () => {
    const before = await client.counts();
    const { text: problem } = await rest("POST", "/tasks", `{"task_type":"raw","payload":${text}}`);
    assert.equal(JSON.parse(problem).code, code, problem.slice(0, 300));
    assert.deepEqual(await client.counts(), before);
  });
}

test("Node refuses one level and one byte too many by the same codes, and takes one less of each", async () => {
  for (const [text, code] of [[nested(127)], [nested(128), "invalid_payload"], [large(MIB)], [large(MIB + 1), "payload_too_large"]]) {
    const before = await client.counts();
    const answer = await client.submitTask({ type: "raw", payload: JSON.parse(text) }).catch((error) => error);
    assert.equal(answer.code, code);
    if (code === undefined) await unchanged(answer.taskId, "payload", text);
    else assert.deepEqual(await client.counts(), before);
  }
  // What a string of JavaScript may hold and no text can.
  await assert.rejects(client.submitTask({ type: "raw", payload: "\ud83e" }), { code: "invalid_payload" });
});

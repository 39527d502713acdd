// What the package does before any code is fetched, and where there is no page at all.
import assert from "node:assert/strict";
import { EventEmitter as NodeEmitter } from "node:events";
import { test } from "node:test";
import { Client, InvalidArgumentError, InvalidUrlError, Worker, connect, version } from "windlass-web";
import { ManualClock } from "windlass-web/testing";
import { EventEmitter, defaultUrl, identity, soon } from "../dist/platform.js";

test("importing it touches no window", async () => {
  // PKG-04
  assert.equal(typeof globalThis.window, "undefined");
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(typeof Worker, "function");
  await import("windlass-web/rest");
});

test("a file is no place for a browser", async () => {
  assert.throws(() => new Client("sqlite:tasks.db"), InvalidUrlError);
  await assert.rejects(connect("sqlite:tasks.db"), (error) => error.code === "invalid_url" && error.fields.url === "sqlite:tasks.db");
});

test("without a page somebody has to say where the server is", () => {
  assert.throws(() => new Client(), (error) => error instanceof InvalidArgumentError && error.fields.field === "url");
});

test("the server that the page came from is the default", () => {
  globalThis.location = { origin: "https://tasks.example", hostname: "tasks.example" };
  try {
    assert.equal(defaultUrl(), "https://tasks.example");
    assert.equal(new Client().location, "https://tasks.example");
    assert.match(identity(), /^tasks\.example:[0-9a-f]{8}$/);
  } finally {
    delete globalThis.location;
  }
});

test("a location shows no secret before the code is there", () => {
  for (const [url, shown] of [
    ["https://me:secret@host/x?key=secret#secret", "https://***@host/x"],
    ["http://host:8420/", "http://host:8420"],
    // One place has one name: the outbox goes by it.
    ["https://Host/x/", "https://host/x"],
    ["https://host//api/v1/", "https://host"],
    ["memory:shared", "memory"],
    ["me:secret@host", "***"],
  ]) {
    assert.equal(new Client(url).location, shown);
  }
});

test("a server has one name, before and after the code is there", async () => {
  for (const url of ["http://127.0.0.1:9", "http://127.0.0.1:9/", "http://127.0.0.1:9/api/v1", "http://127.0.0.1:9//x//api/v1//"]) {
    const client = new Client(url);
    const before = client.location;
    await client.ready();
    assert.equal(client.location, before, url);
    await client.close();
  }
});

test("a clock moves before the engine is there", () => {
  const clock = new ManualClock();
  assert.equal(clock.now().toISOString(), "2030-01-01T00:00:00.000Z");
  clock.advance(1.5);
  assert.equal(clock.now().toISOString(), "2030-01-01T00:00:01.500Z");
  // What the engine would refuse later is refused now.
  for (const wrong of [-1, NaN, Infinity, 1e12]) assert.throws(() => clock.advance(wrong), { code: "invalid_argument" });
  assert.equal(new ManualClock(new Date(0)).now().getTime(), 0);
});

test("listeners are called as Node calls them", () => {
  const heard = [NodeEmitter, EventEmitter].map((Emitter) => {
    const emitter = new Emitter();
    const calls = [];
    const twice = (value) => calls.push(["twice", value]);
    const first = (value) => {
      calls.push(["first", value]);
      // Neither changes who hears the event under way.
      emitter.on("x", (value) => calls.push(["late", value]));
      emitter.off("x", twice);
    };
    emitter.once("x", first).on("x", twice).on("x", twice);
    calls.push(emitter.emit("x", 1), emitter.listenerCount("x"), emitter.emit("x", 2), emitter.emit("none"));
    emitter.off("x", () => {}).on("x", () => { throw new RangeError("its own"); });
    assert.throws(() => emitter.emit("x", 3), RangeError);
    return calls;
  });
  assert.deepEqual(heard[1], heard[0]);
});

test("soon is after what is under way, in order", async () => {
  const order = [];
  const done = new Promise((resolve) => soon(() => soon(() => resolve(order.push("later")))));
  soon(() => order.push("second"));
  queueMicrotask(() => order.push("first"));
  await done;
  assert.deepEqual(order, ["first", "second", "later"]);
});

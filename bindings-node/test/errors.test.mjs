// ERR-36: errors are classes by code, whichever build of the package made them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "../dist/esm/generated/errors.js";

const cjs = createRequire(import.meta.url)("../dist/cjs/generated/errors.js");
const table = readFileSync(new URL("../../spec/errors.toml", import.meta.url), "utf8");
// Each error's code with its class.
const listed = [...table.matchAll(/^\[\[error\]\]\ncode = "(\w+)"\nrust = "\w+"\nclass = "(\w+)"/gm)].map(([, code, name]) => ({ code, name }));

test("every code of the table has its class", () => {
  assert.ok(listed.length > 25);
  for (const { code, name } of listed) {
    const error = esm.fromCode(code, "text", {});
    assert.equal(error.constructor.name, name);
    assert.equal(error.name, name);
    assert.equal(error.code, code);
    assert.ok(error instanceof esm[name] && error instanceof esm.WindlassError && error instanceof Error);
  }
});

test("an error is an instance of each of its bases and of nothing else", () => {
  const lost = esm.fromCode("worker_not_available", "", { task_id: "t", task_type: "mail", timeout_seconds: 2 });
  for (const base of ["WorkerNotAvailableError", "DistributedExecutionError", "TaskTimeoutError", "ExecutionError", "APIError", "WindlassError"]) {
    assert.ok(lost instanceof esm[base], base);
    assert.ok(lost instanceof cjs[base], `${base} of the other build`);
  }
  for (const other of ["TaskNotFoundError", "SecurityError", "RateLimitError"]) assert.ok(!(lost instanceof esm[other]), other);
  assert.ok(cjs.fromCode("queue_full") instanceof esm.RateLimitError);
  for (const value of [null, undefined, 1, "x", {}, new Error("x")]) assert.ok(!(value instanceof esm.WindlassError));
});

test("a class that somebody derives has its own instances only", () => {
  class Mine extends esm.TaskNotFoundError {}
  assert.ok(new Mine() instanceof Mine && new Mine() instanceof esm.TaskNotFoundError && new Mine() instanceof esm.ExecutionError);
  assert.ok(!(esm.fromCode("task_not_found") instanceof Mine));
  assert.equal(new Mine().code, "task_not_found");
});

test("fields have names of JavaScript", () => {
  const full = esm.fromCode("queue_full", "full", { queue: "q", limit: 3, retry_after_seconds: 1.5 });
  assert.deepEqual([full.queue, full.limit, full.retryAfter, full.retryAfterSeconds], ["q", 3, 1.5, 1.5]);
  assert.deepEqual([full.statusCode, full.httpStatus, full.retryable], [429, 429, true]);
  const quota = esm.fromCode("quota_exceeded", "", { quota_type: "tasks", current: 2, limit: 1 });
  assert.deepEqual([quota.quotaType, quota.current, quota.limit], ["tasks", 2, 1]);
  const failed = esm.fromCode("task_failed", "", { task_id: "t", error: { code: "handler_error", message: "no", error_type: "E" } });
  assert.deepEqual([failed.taskId, failed.error.code, failed.error.errorType], ["t", "handler_error", "E"]);
  const open = esm.fromCode("circuit_breaker_open", "", { name: "calls", retry_after_seconds: 1 });
  assert.deepEqual([open.name, open.breaker], ["CircuitBreakerOpenError", "calls"]);
  assert.equal(esm.fromCode("api_error", "", { status_code: 418, reason: "tea" }).statusCode, 418);
});

test("a code that is not known gives a plain error that keeps it", () => {
  for (const code of ["brand_new", "constructor", "__proto__"]) {
    const error = esm.fromCode(code, "text", { a: 1 }, "why");
    assert.equal(error.constructor, esm.WindlassError);
    assert.deepEqual([error.code, error.message, error.fields.a, error.cause], [code, "text", 1, "why"]);
  }
});

// A Node producer that tells each task once it is acknowledged: node producer.mjs URL
import "./leash.mjs";
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { WindlassError, connect } from "windlass";

const url = process.argv[2];
const client = await connect(url);
const retry = { maxRetries: 1000, initialDelay: 0.01, maxDelay: 0.05 };

/** A server that is killed leaves calls without an answer; the same request again is one task. */
async function submitted(task) {
  for (;;) {
    try {
      return (await client.submitTask(task)).taskId;
    } catch (error) {
      if (!url.startsWith("http:") || !(error instanceof WindlassError && error.retryable)) throw error;
      await pause(10);
    }
  }
}

for (let number = 0; ; number++) {
  const request = `${process.pid}-${number}`;
  const ends = ["completed", "later", "completed", "failed"][number % 4];
  const id = await submitted({ type: "work", payload: { request, ends }, idempotencyKey: request, retry });
  writeSync(1, `${id} ${request} ${ends}\n`);
  await pause(5);
}

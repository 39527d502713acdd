// An hour that lies behind: tasks that came, ran and went, written with a clock that is moved by hand.
import { connect } from "../../bindings-node/dist/esm/index.js";
import { ManualClock } from "../../bindings-node/dist/esm/testing.js";
import { TYPES, chances, task } from "./tasks.mjs";

/** Seconds of a step. */
const STEP = 5;

/** Writes `minutes` of history into the SQLite file, up to now. */
export async function writePast(file, { minutes = 60, seed = 7 } = {}) {
  const chance = chances(seed);
  const clock = new ManualClock(new Date(Date.now() - minutes * 60_000));
  const client = await connect(`sqlite:${file}`, { clock, durability: "normal" });
  const busy = [];
  try {
    for (let step = 0; step < (minutes * 60) / STEP; step++) {
      const day = step * STEP;
      // A calm line with waves, and a peak after two thirds of the hour.
      const pace = 2.2 + 1.4 * Math.sin(day / 260) + (Math.abs(day / 60 - minutes * 0.64) < 3 ? 4.5 : 0);
      const tasks = Array.from({ length: Math.round(pace * (0.7 + chance() * 0.6)) }, () => task(chance));
      if (tasks.length > 0) await client.submitBatch(tasks);
      await client.sweep();
      const room = 26 - busy.length;
      if (room > 0) busy.push(...(await leased(client, room, chance, day)));
      const ended = busy.filter((job) => job.ends <= day + STEP);
      clock.advance(STEP);
      if (ended.length > 0) await client.settle(ended.map(({ settle }) => settle));
      for (const job of ended) busy.splice(busy.indexOf(job), 1);
    }
    await client.settle(busy.map(({ settle }) => settle));
  } finally {
    await client.close();
  }
}

async function leased(client, limit, chance, day) {
  const queues = [...new Set(Object.values(TYPES).map(({ queue }) => queue))];
  const told = await client.lease({ worker: "demo-1", queues, handlers: Object.keys(TYPES), limit, lease_seconds: 3600 });
  return told.tasks.map(({ task: { task_id, task_type }, token }) => {
    const { seconds, fails, error } = TYPES[task_type];
    const outcome =
      chance() < fails
        ? { outcome: "fail", error: { code: "handler_error", message: error, error_type: "ConnectionError", retryable: chance() < 0.6 } }
        : { outcome: "complete", result: { ok: true } };
    const ran = seconds * (0.4 + chance() * 1.4);
    return { ends: day + ran, settle: { task_id, token, started_seconds_ago: Math.max(ran, STEP), ...outcome } };
  });
}

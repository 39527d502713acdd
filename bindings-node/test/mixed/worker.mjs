// A Node worker that tells each attempt as it begins: node worker.mjs URL [holding]
import "./leash.mjs";
import { writeSync } from "node:fs";
import { Fail, connect } from "windlass";

const tell = (ctx) => writeSync(1, `${ctx.taskId} ${ctx.attempt}\n`);
const client = await connect(process.argv[2]);
const work = async ({ request, ends }, ctx) => {
  tell(ctx);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  if (ends === "failed") throw new Fail("as it was asked for");
  if (ends === "later" && ctx.attempt === 1) throw new Error("not at the first attempt");
  return { request, attempt: ctx.attempt, by: "node" };
};
// One that is started to hold tasks never ends them.
const hold = async (_, ctx) => {
  tell(ctx);
  if (process.argv[3] === "holding") await new Promise(() => {});
  return "node";
};
await client.worker({ work, hold }, { concurrency: 4, lease: 1 }).run();

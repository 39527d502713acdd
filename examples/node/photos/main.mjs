// main.mjs
import { connect } from "windlass";

const client = await connect("sqlite:photos.db");
const { taskId } = await client.submitTask({
  type: "thumbnail",
  payload: { path: "a.jpg" },
  idempotencyKey: "thumb-a",
});
for await (const update of client.streamTask(taskId)) console.log(update.status, update.progress ?? "");
const { result } = await client.waitForTask(taskId);
console.log(result);

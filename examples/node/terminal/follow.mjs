// follow.mjs: submits a task, and shows in the terminal what happens to it.
import { connect } from "windlass";

const client = await connect("sqlite:films.db");
const { taskId } = await client.submitTask({ type: "encode", payload: { file: "film.mov", frames: 4 } });
process.once("SIGINT", () => void client.cancelTask(taskId)); // Ctrl-C: the stream ends once it is cancelled

for await (const { kind, status, progress, message, level, error } of client.streamTask(taskId)) {
  if (kind === "progress") console.log(`${"█".repeat(progress / 10).padEnd(10, "░")} ${progress} % ${message}`);
  else if (kind === "log") console.log(`${level}: ${message}`);
  else console.log(status, error?.message ?? "");
}
console.log(await client.result(taskId)); // throws where the task failed or was cancelled
await client.close();

// app.mjs: a web app that answers at once and leaves the work to a queue.
import Fastify from "fastify";
import { connect, TaskNotFoundError } from "windlass";

const client = await connect(process.env.WINDLASS_URL ?? "sqlite:web.db");
const greet = async ({ name }) => `hello ${name}`;
const worker = client.worker({ greet }, { concurrency: 4, queues: ["greetings"] });
const app = Fastify();

app.post("/greetings", async (request, reply) => {
  const payload = { name: request.query.name ?? "you" };
  const { taskId } = await client.submitTask({ type: "greet", queue: "greetings", payload });
  return reply.code(202).header("location", `/greetings/${taskId}`).send({ taskId });
});

app.get("/greetings/:taskId", async (request, reply) => {
  try {
    const { status, result } = await client.getTaskStatus(request.params.taskId);
    return { status, result };
  } catch (error) {
    if (!(error instanceof TaskNotFoundError)) throw error;
    return reply.code(404).send({ code: error.code });
  }
});

const ended = worker.run();
console.log(await app.listen({ port: Number(process.env.PORT ?? 0) }));
await ended; // until Ctrl-C or SIGTERM: then the worker drains
await app.close();
await client.close();

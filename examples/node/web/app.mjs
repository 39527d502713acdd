// app.mjs: a web app that answers at once and leaves the work to a queue.
import { createServer } from "node:http";
import { connect, TaskNotFoundError } from "windlass";

const client = await connect(process.env.WINDLASS_URL ?? "sqlite:web.db");
const worker = client.worker({ greet: async ({ name }) => `hello ${name}` }, { concurrency: 4 });
const ended = worker.run();

const app = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  try {
    if (request.method === "POST" && pathname === "/greetings") {
      const payload = { name: searchParams.get("name") ?? "you" };
      const { taskId } = await client.submitTask({ type: "greet", payload });
      answer(202, { taskId });
    } else {
      const { status, result } = await client.getTaskStatus(pathname.slice("/greetings/".length));
      answer(200, { status, result });
    }
  } catch (error) {
    answer(error instanceof TaskNotFoundError ? 404 : 500, { code: error.code });
  }
});

app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(app.address().port));
ended.then(() => app.close(() => client.close())); // Ctrl-C drains the worker, then all ends

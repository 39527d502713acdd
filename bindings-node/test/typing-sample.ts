// What the documents write, compiled in strict mode against the packed types. Never run.
import {
  APIError,
  type BlockResult,
  Client,
  ExecutorInterface,
  type ParallelExecutionResult,
  ParallelExecutor,
  ParallelStrategy,
  RateLimitError,
  TaskNotFoundError,
  type SubmitTaskOptions,
  type TaskResult,
  type TaskState,
  type TaskStatus,
  type WorkerInfo,
  connect,
  parallel,
} from "windlass";
import { type ParallelBlock, RestClient, type TaskResult as RestResult } from "windlass/rest";
import { ManualClock, TestClient, TestServer } from "windlass/testing";

export async function documents(): Promise<void> {
  const client = new Client({ endpoint: "http://127.0.0.1:8420", apiKey: process.env.WINDLASS_API_KEY! });
  const options: SubmitTaskOptions = { payload: { data: "test" }, type: "stateless", priority: "high" };
  const result: TaskResult = await client.submitTask(options);
  const status: TaskStatus = await client.getTaskStatus(result.taskId);
  const state: TaskState = status.status;
  const health = await client.clusterHealth();
  const depth: number = health.queue.depth + health.nodes.active;
  const ended = await client.waitForTask(result.taskId, {
    timeout: 300_000,
    pollInterval: 2_000,
    signal: new AbortController().signal,
  });
  if (ended.status === "completed") console.log(ended.result, state, depth);
  const stream = client.streamTask(result.taskId);
  stream.on("update", (update) => console.log(`[${update.timestamp}] ${update.status}`));
  stream.on("completed", (answer) => console.log(answer));
  stream.on("error", (error) => console.error("Error:", error));
  stream.close();
}

export async function design(): Promise<void> {
  const client = await connect("sqlite:tasks.db");
  const worker = client.worker(
    { thumbnail: async (payload, ctx) => ({ ok: true, attempt: ctx.attempt, path: payload.path }) },
    { concurrency: 8 },
  );
  void worker.run();
  const task = await client.submitTask({ type: "thumbnail", payload: { path: "a.jpg" }, idempotencyKey: "thumb-a" });
  for await (const update of client.streamTask(task.taskId)) console.log(update.status, update.progress);
  for await (const found of client.listTasks({ labels: { env: "production" }, limit: 10 })) console.log(found.type);
  await client.close();
}

export async function instants(client: Client): Promise<Date[]> {
  await client.submitTask({ payload: {}, runAt: new Date() });
  await client.submitTask({ payload: {}, runAt: "2030-01-01T00:00:00Z" });
  // @ts-expect-error: milliseconds are no instant.
  await client.submitTask({ payload: {}, runAt: 1_893_456_000_000 });
  const [task] = await client.listTasks({ since: new Date(0) });
  const workers: WorkerInfo[] = await client.workers();
  return [task!.createdAt, task!.finishedAt ?? task!.runAt, ...workers.map((worker) => worker.seenAt)];
}

export async function tests(): Promise<RestResult> {
  await using client = new TestClient<Tasks>({ queueDepthLimit: 10 });
  await client.advance(60);
  const now: Date = client.clock.now();
  await using server = await TestServer.start("memory:", { clock: new ManualClock(now) });
  return new RestClient(server.url).getTaskStatus("0");
}

type Tasks = {
  thumbnail: { payload: { path: string; width?: number }; result: { path: string; width: number } };
};

export async function typed(): Promise<number> {
  const client = await connect<Tasks>("sqlite:photos.db");
  const worker = client.worker({
    thumbnail: async ({ path, width = 320 }) => ({ path, width }),
  });
  void worker.run();
  // @ts-expect-error: a path is a text.
  await client.submitTask({ type: "thumbnail", payload: { path: 1 } });
  // @ts-expect-error: there is no such task.
  await client.submitTask({ type: "thumbnial", payload: { path: "a.jpg" } });
  const { taskId } = await client.submitTask({ type: "thumbnail", payload: { path: "a.jpg" } });
  const { width } = await client.result<"thumbnail">(taskId);
  return width;
}

export function caught(error: unknown): string {
  if (error instanceof RateLimitError) return `${error.retryAfter}`;
  if (error instanceof TaskNotFoundError) return error.taskId;
  if (error instanceof APIError) return `${error.statusCode} ${error.message}`;
  // @ts-expect-error: what is not known has no code.
  return error.code;
}

// @ts-expect-error: there is no such priority.
export const wrong: SubmitTaskOptions = { payload: {}, priority: "urgent" };

export async function steps(signal: AbortSignal): Promise<number> {
  const block: BlockResult<number> = await parallel(["a", "bb"], async (step, context) => {
    // A step keeps its type.
    context.signal.throwIfAborted();
    return step.length + context.index;
  }, { maxConcurrency: 2, timeoutMs: 1000, signal });
  const [first] = block.results;
  // Only what completed has a result.
  const length: number | undefined = first!.status === "completed" ? first!.result : undefined;
  await parallel(new Set([1]), (n) => n, { strategy: "quorum(1)" });
  await parallel([1], (n) => n, { strategy: "custom", custom: ({ last }) => (last.status === "completed" ? "satisfied" : "keep_going") });
  // @ts-expect-error: no such strategy.
  await parallel([1], (n) => n, { strategy: "map_reduce" });
  // @ts-expect-error: a misspelt option.
  await parallel([1], (n) => n, { concurrency: 2 });
  return block.values().reduce((sum, n) => sum + n, length ?? 0);
}

export async function executors(): Promise<void> {
  const executor: ExecutorInterface = new ParallelExecutor({ defaultMaxConcurrency: 10 });
  const own = new ParallelExecutor();
  const block = { name: "data_processing", strategy: ParallelStrategy.ALL, steps: ["item1", "item2"], max_concurrency: 3 };
  const result: ParallelExecutionResult<string> = await own.executeParallelBlock(block, async (item) => `processed_${item}`);
  console.log(result.completedTasks, result.results.map((step) => step.result?.length), await executor.healthCheck());
  // PAR-26: over REST a function cannot travel.
  const remote: ParallelBlock = { name: "remote", strategy: "race", steps: [1], max_concurrency: 1 };
  // @ts-expect-error
  const custom: ParallelBlock = { ...remote, strategy: "custom" };
  await new RestClient("http://127.0.0.1:8420").submitParallelTask(custom);
}

/**
 * What the console reads beside the verbs of the client: what it may do, figures of the last hour, and
 * the events of all tasks as the server sends them.
 *
 * @module
 */

import { type PipelineStatus, type StageStatus, type TaskEvent, type TaskState, WindlassError } from "windlass-web";
import { measure } from "../live/clock.js";
import { type ConsoleInfo, authorization } from "./session.js";

/** Milliseconds that an answer may take, as long as the calls of the client. */
const PATIENCE = 15_000;

/** One step of the last hour. What is not known is `null`. */
export interface Point {
  at: number;
  submitted: number | null;
  completed: number | null;
  failed: number | null;
  cancelled: number | null;
  pending: number | null;
  running: number | null;
  scheduled: number | null;
  blocked: number | null;
  latencyP50: number | null;
  latencyP95: number | null;
  oldestPending: number | null;
}

/** Figures of the last hour, oldest first. */
export interface History {
  stepSeconds: number;
  points: Point[];
}

/** What the server says of its console. */
export async function readInfo(signal: AbortSignal): Promise<ConsoleInfo> {
  const told = await (await ask("/console.json", signal)).json();
  return { version: told.version, readOnly: told.read_only === true, keyRequired: told.key_required === true };
}

/** Figures of the last hour. */
export async function readHistory(minutes = 60): Promise<History> {
  const told = await (await ask(`/api/v1/history?minutes=${minutes}`, AbortSignal.timeout(PATIENCE))).json();
  return {
    stepSeconds: told.step_seconds,
    points: told.points.map((point: Record<string, any>) => ({
      at: Date.parse(point["at"]) / 1000,
      submitted: point["submitted"] ?? null,
      completed: point["completed"] ?? null,
      failed: point["failed"] ?? null,
      cancelled: point["cancelled"] ?? null,
      pending: point["pending"] ?? null,
      running: point["running"] ?? null,
      scheduled: point["scheduled"] ?? null,
      blocked: point["blocked"] ?? null,
      latencyP50: point["latency_p50_seconds"] ?? null,
      latencyP95: point["latency_p95_seconds"] ?? null,
      oldestPending: point["oldest_pending_seconds"] ?? null,
    })),
  };
}

const instant = (at: string | null | undefined) => (at == null ? null : new Date(at));
const failed = (error: Record<string, any> | null | undefined) =>
  error == null ? null : { ...(error as any), errorType: error["error_type"] ?? null };

/**
 * A pipeline as it stands. The client could ask, too, but only with code that is fetched for workers.
 */
export async function readPipeline(id: string): Promise<PipelineStatus> {
  const told = await (await ask(`/api/v1/pipelines/${encodeURIComponent(id)}`, AbortSignal.timeout(PATIENCE))).json();
  return {
    pipelineId: told.pipeline_id,
    name: told.name,
    status: told.status,
    members: told.members,
    createdAt: new Date(told.created_at),
    finishedAt: instant(told.finished_at),
    error: failed(told.error),
    timeoutSeconds: told.timeout_seconds ?? null,
    labels: told.labels ?? {},
    stages: told.stages.map(
      (stage: Record<string, any>): StageStatus => ({
        name: stage["name"],
        taskId: stage["task_id"],
        status: stage["status"],
        dependsOn: stage["depends_on"],
        type: stage["task_type"],
        attempt: stage["attempt"],
        startedAt: instant(stage["started_at"]),
        finishedAt: instant(stage["finished_at"]),
        error: failed(stage["error"]),
        progress: stage["progress"] ?? null,
      }),
    ),
  };
}

/** A durable block and its steps. */
export interface BlockStatus {
  strategy: string;
  /** `running` before the verdict. */
  verdict: string;
  steps: { taskId: string; status: TaskState; error: string | null }[];
}

/** A block as it stands; the client asks only with code that is fetched for workers. */
export async function readBlock(id: string): Promise<BlockStatus> {
  const told = await (await ask(`/api/v1/parallel/${encodeURIComponent(id)}`, AbortSignal.timeout(PATIENCE))).json();
  return {
    strategy: told.strategy,
    verdict: told.overall_status,
    steps: told.results.map((step: Record<string, any>) => ({ taskId: step["task_id"], status: step["status"], error: step["error_message"] ?? null })),
  };
}

/** An event, as far as the console uses it. */
export type Happening = Pick<TaskEvent, "event" | "taskId" | "queue" | "type" | "attempt"> & {
  status: TaskState;
  /** When, in milliseconds. */
  at: number;
  message: string | null;
  worker: string | null;
};

/**
 * What happens to tasks from now on. `heard` is called with every sign of life, an empty list when there
 * is nothing to tell. Resolves when the server ends the stream; rejects when it is cut.
 */
export async function readEvents(heard: (events: Happening[]) => void, signal: AbortSignal): Promise<void> {
  const response = await ask("/api/v1/events", signal);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop()!;
    heard(blocks.flatMap(happening));
  }
}

/** The event of one block of the stream; a comment is none. */
function happening(block: string): Happening[] {
  const data = block.split("\n").find((line) => line.startsWith("data: "));
  if (data === undefined) return [];
  const { event, at, task_id, queue, task_type, status, attempt, message, worker, error } = JSON.parse(data.slice(6));
  const said = message ?? error?.message ?? null;
  return [{ event, at: Date.parse(at), taskId: task_id, queue, type: task_type, status, attempt, message: said, worker: worker ?? null }];
}

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const asked = performance.now();
  const response = await fetch(path, { headers: authorization(), signal, cache: "no-store" });
  measure(response.headers.get("Windlass-Time"), asked, performance.now());
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new WindlassError(told.detail ?? `the server answered ${response.status}`, {
    code: told.code ?? (response.status >= 500 ? "service_unavailable" : "api_error"),
  });
}

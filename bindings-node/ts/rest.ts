/**
 * A small client of a server, by `fetch` alone: no addon, no dependencies. Records are as they stand
 * on the wire.
 *
 * @module
 */

/** Work to run in parallel. */
export interface ParallelBlock {
  name: string;
  strategy: "all" | "any_success" | "race" | "throttled";
  steps: any[];
  max_concurrency?: number;
  timeout_seconds?: number;
}

/** How a task stands. */
export interface TaskResult {
  task_id: string;
  status: "blocked" | "scheduled" | "pending" | "running" | "completed" | "failed" | "cancelled";
  result?: any;
  error?: string;
  /** Seconds of the last attempt. */
  execution_time?: number;
}

/** A client of one server. */
export class RestClient {
  readonly #baseUrl: string;
  readonly #apiKey: string | undefined;

  /** Slashes at the end of `baseUrl` are dropped. Nothing is asked yet. */
  constructor(baseUrl: string, apiKey?: string) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#apiKey = apiKey;
  }

  /** Runs a parallel block. Rejects with `Error("HTTP <status>: <statusText>")`. */
  submitParallelTask(parallelBlock: ParallelBlock): Promise<TaskResult> {
    return this.#ask("/parallel/execute", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(parallelBlock),
    });
  }

  /** How a task stands. Rejects as `submitParallelTask`. */
  getTaskStatus(taskId: string): Promise<TaskResult> {
    return this.#ask(`/tasks/${encodeURIComponent(taskId)}/status`, {});
  }

  async #ask(path: string, init: { method?: string; headers?: Record<string, string>; body?: string }): Promise<TaskResult> {
    const headers = { ...init.headers };
    if (this.#apiKey) headers["Authorization"] = `Bearer ${this.#apiKey}`;
    const response = await fetch(`${this.#baseUrl}/api/v1${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${response.statusText}`);
    return (await response.json()) as TaskResult;
  }
}

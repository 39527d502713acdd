/**
 * How everything stands: what waits and runs, how fast it goes, what failed, who works.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { ClusterHealth, QueueInfo, Task, TaskState, WorkerInfo } from "windlass-web";
import { useKeys } from "../keys.js";
import { useLive } from "../live/load.js";
import { Chart, type Line } from "../parts/chart.js";
import { Card, Depth, Empty, Problem, Time, Waiting, open } from "../parts/small.js";
import { taskPath } from "../router.js";
import { type History, type Point, readHistory } from "../server/side.js";
import { EVERYTHING, searchPath } from "../tasks/search.js";
import { moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count, duration, mark, rate, short } from "../words.js";
import { NoQueues } from "./queues.js";
import { Load, NoWorkers } from "./workers.js";

/** Failures, queues and workers that are shown. */
const FAILURES = 7;
const QUEUES = 8;
const WORKERS = 6;
/** Queues that are named of those in which tasks wait that nobody takes. */
const NAMED = 3;
/** Seconds of which a rate is the mean. */
const LATELY = 60;

/** The page of everything. */
export function OverviewPage() {
  useTitle("Overview");
  useKeys({ j: () => moveRow(1), k: () => moveRow(-1) });
  const queues = useLive((client) => client.queues(), [], { on: () => true, every: 10_000, keep: "queues" });
  const health = useLive((client) => client.clusterHealth(), [], { every: 5_000, keep: "health" });
  const history = useLive(() => readHistory(), [], { every: 10_000, keep: "history" });
  const failed = useLive((client) => client.listTasks({ status: "failed", limit: FAILURES }).page(), [], {
    on: (events) => events.some(({ status, event }) => status === "failed" || event === "task.pending"),
    keep: "failed",
  });
  const workers = useLive((client) => client.workers(), [], { every: 5_000, keep: "live workers" });
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Overview</h1>
        {health.value !== undefined && <Health health={health.value} queues={queues.value} />}
      </div>
      {queues.error !== undefined && queues.value === undefined ? (
        <Problem error={queues.error} again={queues.reload} />
      ) : (
        <Tiles queues={queues.value} history={history.value} />
      )}
      <Card title="The last hour" class="charts-card">
        {history.value !== undefined ? (
          <Charts history={history.value} />
        ) : history.error !== undefined ? (
          <Problem error={history.error} again={history.reload} />
        ) : (
          <Waiting lines={5} />
        )}
      </Card>
      <div class="columns even">
        <Card title="Queues" aside={<a href="/queues">All queues</a>}>
          {queues.value === undefined ? <Waiting /> : queues.value.length === 0 ? <NoQueues /> : <Queues queues={queues.value} />}
        </Card>
        <Card title="Newest that failed" aside={<a href={searchPath({ ...EVERYTHING, status: ["failed"] })}>All failed</a>}>
          {failed.value !== undefined ? (
            <Failures tasks={failed.value.tasks} />
          ) : failed.error !== undefined ? (
            <Problem error={failed.error} again={failed.reload} />
          ) : (
            <Waiting />
          )}
        </Card>
        <Card title="Workers" aside={<a href="/workers">All workers</a>} class="span">
          {workers.value !== undefined ? (
            <Workers workers={workers.value} />
          ) : workers.error !== undefined ? (
            <Problem error={workers.error} again={workers.reload} />
          ) : (
            <Waiting lines={2} />
          )}
        </Card>
      </div>
    </>
  );
}

function Health({ health, queues }: { health: ClusterHealth; queues: readonly QueueInfo[] | undefined }) {
  const paused = queues?.filter((queue) => queue.paused).length ?? 0;
  const says: [kind: string, text: string, to?: string, name?: string][] = [];
  if (!health.healthy) says.push(["bad", "the store does not answer"]);
  if (health.workers.deaf > 0) says.push(["warn", `${health.workers.deaf} deaf ${health.workers.deaf === 1 ? "worker" : "workers"}`, "/workers"]);
  const { untaken, pending } = health.queue;
  const [first] = untaken;
  if (health.nodes.total === 0 && pending > 0) says.push(["warn", "tasks wait, and nobody works", "/workers"]);
  else if (first !== undefined) {
    const to = untaken.length > 1 ? "/queues" : searchPath({ ...EVERYTHING, queue: first, status: ["pending"] });
    says.push(["warn", "no worker takes tasks that wait in", to, someOf(untaken)]);
  }
  if (paused > 0) says.push(["warn", `${paused} paused ${paused === 1 ? "queue" : "queues"}`, "/queues"]);
  if (says.length === 0) says.push(["good", "all well"]);
  return (
    <p class="health">
      {says.map(([kind, text, to, name]) =>
        to === undefined ? (
          <span key={text} class={`tag ${kind}`}>
            {text}
          </span>
        ) : (
          <a key={text} class={`tag ${kind}`} href={to}>
            {text}
            {name !== undefined && <> <b>{name}</b></>}
          </a>
        ),
      )}
    </p>
  );
}

/** The first of these names, and how many there are beside them. */
function someOf(names: readonly string[]): string {
  const first = names.slice(0, NAMED).join(", ");
  return names.length > NAMED ? `${first} and ${names.length - NAMED} more` : first;
}

function Tiles({ queues, history }: { queues: readonly QueueInfo[] | undefined; history: History | undefined }) {
  const sum = (status: TaskState) => queues?.reduce((total, { counts }) => total + (counts[status] ?? 0), 0);
  const oldest = queues?.flatMap(({ oldestPendingAt }) => oldestPendingAt ?? []).sort((a, b) => a.getTime() - b.getTime())[0];
  const done = history && lately(history, "completed");
  const tail = history?.points.findLast(({ latencyP95 }) => latencyP95 !== null)?.latencyP95;
  const at = (status: TaskState) => searchPath({ ...EVERYTHING, status: [status] });
  return (
    <ul class="tiles">
      <Tile name="Pending" status="pending" to={at("pending")} value={sum("pending")}>
        {oldest !== undefined ? (
          <>
            oldest due <Time at={oldest} />
          </>
        ) : (
          "nobody waits"
        )}
      </Tile>
      <Tile name="Running" status="running" to={at("running")} value={sum("running")} />
      <Tile name="Scheduled" status="scheduled" to={at("scheduled")} value={sum("scheduled")}>
        {(sum("blocked") ?? 0) > 0 && <>{short(sum("blocked")!)} blocked</>}
      </Tile>
      <Tile name="Failed" status="failed" to={at("failed")} value={sum("failed")}>
        kept
      </Tile>
      <Tile name="Throughput" value={done === undefined || done === null ? undefined : `${rate(done)}`} unit="/s" known={history !== undefined}>
        completed, 1 min
      </Tile>
      <Tile name="Latency p95" value={tail === null || tail === undefined ? undefined : duration(tail)} known={history !== undefined}>
        submit to end
      </Tile>
    </ul>
  );
}

function Tile(props: {
  name: string;
  value: number | string | undefined;
  unit?: string;
  /** Whether it is known that there is nothing to know. */
  known?: boolean;
  status?: TaskState;
  to?: string;
  children?: ComponentChildren;
}) {
  const { name, value, unit, known, status, to, children } = props;
  const figure = value === undefined ? (known ? "–" : "") : typeof value === "number" ? short(value) : value;
  const body = (
    <>
      <span class={status === undefined ? "tile-name" : `tile-name status status-${status}`}>
        {status !== undefined && <i aria-hidden="true" />}
        {name}
      </span>
      <b class={figure === "" ? "figure coming" : "figure"} title={typeof value === "number" ? count(value) : undefined}>
        {figure}
        {figure !== "" && figure !== "–" && unit !== undefined && <small>{unit}</small>}
      </b>
      <span class="tile-note">{children}</span>
    </>
  );
  return <li class="tile">{to === undefined ? <div>{body}</div> : <a href={to}>{body}</a>}</li>;
}

/** The mean per second of the last minute. */
function lately(history: History, what: "completed"): number | null {
  const steps = Math.max(Math.round(LATELY / history.stepSeconds), 1);
  const known = history.points.slice(-steps).flatMap((point) => point[what] ?? []);
  if (known.length === 0) return null;
  return known.reduce((sum, n) => sum + n, 0) / (known.length * history.stepSeconds);
}

function Charts({ history }: { history: History }) {
  const { times, pace, depth, latency } = useMemo(() => {
    const { points, stepSeconds } = history;
    const of = (pick: (point: Point) => number | null) => points.map(pick);
    const perSecond = (name: "submitted" | "completed" | "failed") => of((point) => (point[name] === null ? null : point[name] / stepSeconds));
    return {
      times: points.map(({ at }) => at),
      pace: [
        { name: "completed", color: "--completed", values: perSecond("completed"), filled: true },
        { name: "submitted", color: "--pending", values: perSecond("submitted") },
        { name: "failed", color: "--failed", values: perSecond("failed") },
      ] satisfies Line[],
      depth: [
        { name: "pending", color: "--pending", values: of((point) => point.pending), filled: true },
        { name: "running", color: "--running", values: of((point) => point.running) },
        { name: "scheduled", color: "--scheduled", values: of((point) => point.scheduled) },
      ] satisfies Line[],
      latency: [
        { name: "p95", color: "--scheduled", values: of((point) => point.latencyP95), filled: true },
        { name: "p50", color: "--running", values: of((point) => point.latencyP50) },
      ] satisfies Line[],
    };
  }, [history]);
  if (times.length === 0) return <Empty title="No figures yet">The first ones come within half a minute.</Empty>;
  return (
    <div class="charts">
      <Chart title="Throughput" unit="per second" times={times} lines={pace} format={rate} />
      <Chart title="Depth" unit="tasks" times={times} lines={depth} format={short} whole />
      <Chart title="Latency" unit="submit to end" times={times} lines={latency} format={duration} mark={mark} />
    </div>
  );
}

function Queues({ queues }: { queues: readonly QueueInfo[] }) {
  const most = Math.max(...queues.map(({ counts }) => open(counts)));
  const deepest = [...queues].sort((a, b) => open(b.counts) - open(a.counts)).slice(0, QUEUES);
  return (
    <ul class="lines">
      {deepest.map((queue) => (
        <li key={queue.name} class="line-queue">
          <a href={searchPath({ ...EVERYTHING, queue: queue.name })}>{queue.name}</a>
          {queue.paused && <span class="tag warn">paused</span>}
          <Depth counts={queue.counts} most={most} label={queue.name} />
          <span class="line-figure" title="not ended">
            {short(open(queue.counts))} <span class="faint">open</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Failures({ tasks }: { tasks: readonly Task[] }) {
  if (tasks.length === 0) return <Empty title="Nothing has failed">A task that has used its attempts is kept here until you retry it.</Empty>;
  const latest = [...tasks].sort((a, b) => (b.finishedAt?.getTime() ?? 0) - (a.finishedAt?.getTime() ?? 0));
  return (
    <ul class="lines">
      {latest.map((task) => (
        <li key={task.taskId} class="line-failure">
          <a href={taskPath(task.taskId)}>{task.type}</a>
          <span class="row-note bad" title={task.error?.message}>
            {task.error?.message}
          </span>
          {task.finishedAt !== null && (
            <span class="line-figure faint">
              <Time at={task.finishedAt} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Workers({ workers }: { workers: readonly WorkerInfo[] }) {
  if (workers.length === 0) return <NoWorkers />;
  return (
    <ul class="lines">
      {workers.slice(0, WORKERS).map((worker) => (
        <li key={worker.workerId} class="line-worker">
          <span class="mono">{worker.workerId}</span>
          {worker.deaf && <span class="tag warn">deaf</span>}
          <Load holds={worker.holds} concurrency={worker.concurrency} />
          <span class="line-figure">
            {worker.holds} <span class="faint">of {worker.concurrency}</span>
          </span>
        </li>
      ))}
      {workers.length > WORKERS && <li class="faint">and {workers.length - WORKERS} more</li>}
    </ul>
  );
}

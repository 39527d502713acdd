/**
 * The workers that are alive: what they take and what they run.
 *
 * @module
 */

import type { Task, WorkerInfo } from "windlass-web";
import { useLive } from "../live/load.js";
import { Empty, Problem, Progress, Time, Waiting } from "../parts/small.js";
import { taskPath } from "../router.js";
import { useTitle } from "../title.js";

/** Tasks that run, as far as they are fetched. */
const RUNNING = 200;
/** Tasks of one worker that are shown. */
const SHOWN = 8;

/** The page of all workers. */
export function WorkersPage() {
  useTitle("Workers");
  const page = useLive(
    async (client) => {
      const [workers, running] = await Promise.all([
        client.workers(),
        client.listTasks({ status: "running", limit: RUNNING }).page(),
      ]);
      return { workers, running: running.tasks, isPart: running.next !== null };
    },
    [],
    { on: () => true, every: 5_000, keep: "workers" },
  );
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Workers</h1>
      </div>
      {page.error !== undefined && <Problem error={page.error} again={page.reload} />}
      {page.value === undefined ? (
        page.error === undefined && <Waiting lines={5} />
      ) : page.value.workers.length === 0 ? (
        <NoWorkers />
      ) : (
        <ul class="workers">
          {page.value.workers.map((worker) => (
            <li key={worker.workerId}>
              <Worker worker={worker} running={page.value!.running.filter((task) => task.lease?.worker === worker.workerId)} isPart={page.value!.isPart} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Nobody works. */
export function NoWorkers() {
  return (
    <Empty title="No worker is alive" command={`windlass worker app:app --url ${location.origin}`}>
      Tasks wait until a worker takes them. This starts one with the handlers of <code>app.py</code>:
    </Empty>
  );
}

function Worker({ worker, running, isPart }: { worker: WorkerInfo; running: readonly Task[]; isPart: boolean }) {
  const handlers = worker.handlers.filter((name) => name !== "");
  return (
    <article class="card worker">
      <header class="worker-head">
        <h2 class="mono">{worker.workerId}</h2>
        {worker.deaf && (
          <span class="tag warn" title="It is heard of, but asks for no work although work waits.">
            deaf
          </span>
        )}
        <span class="faint">
          {worker.host} · heard <Time at={worker.seenAt} />
        </span>
      </header>
      <div class="worker-load">
        <Load holds={worker.holds} concurrency={worker.concurrency} />
        <span>
          <b>{worker.holds}</b> of {worker.concurrency} at once
        </span>
      </div>
      <dl class="worker-takes">
        <div>
          <dt>Queues</dt>
          <dd>{worker.queues.map((name) => <span key={name} class="label">{name}</span>)}</dd>
        </div>
        <div>
          <dt>Handlers</dt>
          <dd>
            {handlers.map((name) => <span key={name} class="label">{name}</span>)}
            {worker.handlers.includes("") && <span class="label">any other type</span>}
          </dd>
        </div>
        {running.length > 0 && (
          <div>
            <dt>Runs</dt>
            <dd>
              {running.slice(0, SHOWN).map((task) => (
                <a key={task.taskId} class="run" href={taskPath(task.taskId)}>
                  {task.type} <span class="faint mono">{task.taskId.slice(-12)}</span>
                  {task.progress !== null && <span class="faint">{Math.round(task.progress)} %</span>}
                </a>
              ))}
              {running.length > SHOWN && <span class="faint">and {running.length - SHOWN}{isPart && " or"} more</span>}
            </dd>
          </div>
        )}
      </dl>
    </article>
  );
}

/** How much of what it can it does. */
export function Load({ holds, concurrency }: { holds: number; concurrency: number }) {
  return <Progress percent={(Math.min(holds, concurrency) / Math.max(concurrency, 1)) * 100} label={`holds ${holds} of ${concurrency}`} />;
}

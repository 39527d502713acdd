/**
 * The queues: what waits in them, and whether it may go on.
 *
 * @module
 */

import type { QueueInfo, TaskState } from "windlass-web";
import { useKeys } from "../keys.js";
import { useLive } from "../live/load.js";
import { Icon } from "../parts/icon.js";
import { act } from "../parts/notice.js";
import { Depth, Empty, Problem, Time, Waiting, open } from "../parts/small.js";
import { readOnly } from "../server/session.js";
import { EVERYTHING, searchPath } from "../tasks/search.js";
import { moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count } from "../words.js";

const COLUMNS: readonly TaskState[] = ["pending", "running", "scheduled", "blocked", "failed"];

/** The page of all queues. */
export function QueuesPage() {
  useTitle("Queues");
  const queues = useLive((client) => client.queues(), [], { on: () => true, every: 10_000, keep: "queues" });
  useKeys({ j: () => moveRow(1), k: () => moveRow(-1), r: queues.reload });
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Queues</h1>
      </div>
      {queues.error !== undefined && <Problem error={queues.error} again={queues.reload} />}
      {queues.value === undefined
        ? queues.error === undefined && <Waiting lines={5} />
        : queues.value.length === 0
          ? <NoQueues />
          : <QueueTable queues={queues.value} />}
    </>
  );
}

/** No queue has a task. */
export function NoQueues() {
  return (
    <Empty title="No queue has tasks" command={`windlass tasks submit hello '{}' --queue mail --url ${location.origin}`}>
      A queue is there as soon as a task is in it. This makes one:
    </Empty>
  );
}

function QueueTable({ queues }: { queues: readonly QueueInfo[] }) {
  const most = Math.max(...queues.map(({ counts }) => open(counts)));
  return (
    <div class="table-box">
      <table class="queues-table">
        <caption class="unseen">Queues by name</caption>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th class="wide-only cell-shares" scope="col">
              <span class="unseen">Depth</span>
            </th>
            {COLUMNS.map((status) => (
              <th key={status} class={status === "pending" || status === "running" ? "cell-number" : "cell-number wide-only"} scope="col">
                {status}
              </th>
            ))}
            <th class="cell-number wide-only" scope="col">Oldest waits</th>
            {!readOnly.value && (
              <th class="cell-action" scope="col">
                <span class="unseen">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <Row key={queue.name} queue={queue} most={most} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ queue, most }: { queue: QueueInfo; most: number }) {
  const at = (status: TaskState) => searchPath({ ...EVERYTHING, queue: queue.name, status: [status] });
  return (
    <tr class={queue.paused ? "paused" : ""}>
      <td class="cell-main">
        <span class="row-line">
          <a class="row-link" href={searchPath({ ...EVERYTHING, queue: queue.name })}>
            {queue.name}
          </a>
          {queue.paused && <span class="tag warn">paused</span>}
        </span>
      </td>
      <td class="wide-only cell-shares">
        <Depth counts={queue.counts} most={most} label={queue.name} />
      </td>
      {COLUMNS.map((status) => {
        const n = queue.counts[status] ?? 0;
        return (
          <td key={status} class={status === "pending" || status === "running" ? "cell-number" : "cell-number wide-only"}>
            {n === 0 ? <span class="faint">0</span> : <a href={at(status)} class={status === "failed" ? "bad" : ""}>{count(n)}</a>}
          </td>
        );
      })}
      <td class="cell-number wide-only">{queue.oldestPendingAt === null ? <span class="faint">–</span> : <Time at={queue.oldestPendingAt} />}</td>
      {!readOnly.value && (
        <td class="cell-action">
          <button
            type="button"
            aria-label={`${queue.paused ? "resume" : "pause"} ${queue.name}`}
            onClick={() => change(queue.name, !queue.paused)}
          >
            <Icon name={queue.paused ? "play" : "pause"} />
            <span class="wide-only">{queue.paused ? "Resume" : "Pause"}</span>
          </button>
        </td>
      )}
    </tr>
  );
}

/** Pauses a queue, or lets it go on; the notice offers the way back. */
function change(name: string, paused: boolean): void {
  void act(
    async (client) => {
      await (paused ? client.pauseQueue(name) : client.resumeQueue(name));
      return <><bdi>{name}</bdi> {paused ? "is paused: what runs goes on, nothing begins" : "goes on"}</>;
    },
    () => change(name, !paused),
  );
}

/**
 * Pipelines, newest first.
 *
 * @module
 */

import { useState } from "preact/hooks";
import type { Task } from "windlass-web";
import { useKeys } from "../keys.js";
import { useLive } from "../live/load.js";
import { Icon } from "../parts/icon.js";
import { Empty, Problem, Status, Time, Waiting } from "../parts/small.js";
import { pipelinePath } from "../router.js";
import { moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count } from "../words.js";

const PAGE = 50;

/** The page of all pipelines. */
export function PipelinesPage() {
  useTitle("Pipelines");
  const [cursors, turn] = useState<(string | null)[]>([null]);
  const cursor = cursors.at(-1)!;
  const page = useLive(
    (client) => client.listTasks({ kind: "pipeline", limit: PAGE }).page(cursor),
    [cursor],
    { on: () => true, every: 10_000, keep: "pipelines" },
  );
  useKeys({ j: () => moveRow(1), k: () => moveRow(-1), r: page.reload });
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Pipelines</h1>
      </div>
      {page.error !== undefined && <Problem error={page.error} again={page.reload} />}
      {page.value === undefined ? (
        page.error === undefined && <Waiting lines={6} />
      ) : page.value.tasks.length === 0 ? (
        <Empty title="No pipeline is stored">Stages that wait for each other are submitted together: they appear here.</Empty>
      ) : (
        <div class={`table-box ${page.stale ? "stale" : ""}`}>
          <table>
            <caption class="unseen">Pipelines</caption>
            <thead>
              <tr>
                <th class="cell-status" scope="col">Status</th>
                <th scope="col">Pipeline</th>
                <th class="cell-number" scope="col">Stages ended</th>
                <th class="cell-number wide-only" scope="col">Created</th>
              </tr>
            </thead>
            <tbody>
              {page.value.tasks.map((task) => (
                <Row key={task.taskId} task={task} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page.value !== undefined && (cursors.length > 1 || page.value.next !== null) && (
        <nav class="turn" aria-label="Pages of pipelines">
          <button type="button" disabled={cursors.length === 1} onClick={() => turn(cursors.slice(0, -1))}>
            <Icon name="back" /> Back
          </button>
          <button type="button" disabled={page.value.next === null} onClick={() => turn([...cursors, page.value!.next])}>
            On <Icon name="next" />
          </button>
        </nav>
      )}
    </>
  );
}

/** The row of the task that stands for a pipeline. */
function Row({ task }: { task: Task }) {
  const { total, completed, failed, cancelled } = task.members ?? { total: 0, completed: 0, failed: 0, cancelled: 0 };
  return (
    <tr>
      <td class="cell-status">
        <Status status={task.status} />
      </td>
      <td class="cell-main">
        <span class="row-line">
          <a class="row-link" href={pipelinePath(task.taskId)}>
            {task.type}
          </a>
          <span class="row-id faint mono" title={task.taskId}>
            {task.taskId.slice(-12)}
          </span>
        </span>
        <span class="row-sub" aria-hidden="true">
          {task.status}
        </span>
        {task.error !== null && (
          <span class="row-note bad" title={task.error.message}>
            {task.error.message}
          </span>
        )}
      </td>
      <td class="cell-number">
        {count(completed + failed + cancelled)} of {count(total)}
      </td>
      <td class="cell-number wide-only">
        <Time at={task.createdAt} />
      </td>
    </tr>
  );
}

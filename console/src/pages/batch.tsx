/**
 * Tasks that were submitted together: counted, listed, cancelled together.
 *
 * @module
 */

import { useRef, useState } from "preact/hooks";
import { FINAL_STATES, TASK_STATES, type TaskState } from "windlass-web";
import { useKeys } from "../keys.js";
import { isMissing } from "../live/failure.js";
import { useLive } from "../live/load.js";
import { Icon } from "../parts/icon.js";
import { Dialog, act } from "../parts/notice.js";
import { Copy, Empty, Problem, Shares, Status, Waiting } from "../parts/small.js";
import { readOnly } from "../server/session.js";
import { useRows } from "../tasks/rows.js";
import { EVERYTHING, commandOf, searchPath } from "../tasks/search.js";
import { TaskTable, moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count, tasks as tasksOf } from "../words.js";

const PAGE = 50;

/** The page of a batch. */
export function BatchPage({ id }: { id: string }) {
  // Events do not tell the batch: whatever happens while it is open may be of it.
  const open = useRef(true);
  const batch = useLive((client) => client.getBatch(id), [id], { on: () => open.current, every: 10_000 });
  const [cursors, turn] = useState<(string | null)[]>([null]);
  const cursor = cursors.at(-1)!;
  const page = useLive((client) => client.listTasks({ batchId: id, limit: PAGE }).page(cursor), [id, cursor]);
  const { tasks } = useRows(page.value?.tasks, null);
  const [asking, ask] = useState(false);
  const state = batch.value;
  if (state) open.current = !FINAL_STATES.includes(state.status);
  useTitle(state ? `Batch · ${state.status}` : "Batch");
  useKeys({ j: () => moveRow(1), k: () => moveRow(-1), r: page.reload, c: () => waiting > 0 && !readOnly.value && ask(true) });

  if (state === undefined) {
    if (isMissing(batch.error)) {
      return (
        <>
          <h1 tabIndex={-1}>No such batch</h1>
          <Empty title="No batch has this id" command={commandOf("batches get", id)}>
            Its tasks may have been pruned. <a href="/tasks">All tasks</a>
          </Empty>
        </>
      );
    }
    return batch.error === undefined ? <Waiting lines={6} /> : <Problem error={batch.error} again={batch.reload} />;
  }
  const ended = FINAL_STATES.reduce((sum, one) => sum + (state.counts[one] ?? 0), 0);
  const waiting = state.total - ended;
  const at = (status: TaskState) => searchPath({ ...EVERYTHING, batch: id, status: [status] });
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/tasks">Tasks</a>
      </nav>
      <div class="page-head task-head">
        <div class="task-name">
          <h1 tabIndex={-1}>Batch</h1>
          <Status status={state.status} />
        </div>
        <p class="task-id mono">
          {id} <Copy text={id} what="id" />
        </p>
        <div class="actions">
          {waiting > 0 && !readOnly.value && (
            <button type="button" class="danger" onClick={() => ask(true)}>
              Cancel …
            </button>
          )}
        </div>
      </div>
      <section class="card batch-progress" aria-label="Progress">
        <p>
          <b class="figure">{state.total === 0 ? "100" : Math.floor((ended / state.total) * 100)} %</b>
          <span class="faint">
            {count(ended)} of {tasksOf(state.total)} ended
          </span>
        </p>
        <Shares counts={state.counts} label="Tasks" />
        <ul class="batch-counts">
          {TASK_STATES.filter((status) => state.counts[status]).map((status) => (
            <li key={status}>
              <a href={at(status)}>
                <Status status={status} /> <b>{count(state.counts[status]!)}</b>
              </a>
            </li>
          ))}
        </ul>
      </section>
      {page.error !== undefined && <Problem error={page.error} again={page.reload} />}
      {page.value === undefined ? page.error === undefined && <Waiting lines={6} /> : <TaskTable title="Tasks of the batch" tasks={tasks} stale={page.stale} />}
      {page.value !== undefined && (cursors.length > 1 || page.value.next !== null) && (
        <nav class="turn" aria-label="Pages of tasks">
          <button type="button" disabled={cursors.length === 1} onClick={() => turn(cursors.slice(0, -1))}>
            <Icon name="back" /> Back
          </button>
          <button type="button" disabled={page.value.next === null} onClick={() => turn([...cursors, page.value!.next])}>
            On <Icon name="next" />
          </button>
        </nav>
      )}
      {asking && (
        <Dialog title={`Cancel ${tasksOf(waiting)} of this batch?`} close={() => ask(false)}>
          <p>Those that wait end at once; those that run are told to stop. What has ended stays as it is.</p>
          <div class="dialog-actions">
            <button type="button" onClick={() => ask(false)}>
              Keep them
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                ask(false);
                void act(async (client) => {
                  const after = await client.cancelBatch(id);
                  const running = after.counts.running ?? 0;
                  return running === 0 ? "The batch is cancelled" : `The batch is cancelled; ${tasksOf(running)} still stop`;
                });
              }}
            >
              Cancel the batch
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

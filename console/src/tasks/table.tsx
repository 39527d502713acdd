/**
 * Tasks as a table: the same rows wherever tasks are listed.
 *
 * @module
 */

import { FINAL_STATES, type Task } from "windlass-web";
import { now } from "../live/clock.js";
import { Label, Status, Time } from "../parts/small.js";
import { taskPath } from "../router.js";
import { duration } from "../words.js";

/** Which rows are selected, and how that changes. */
export interface Selection {
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  /** Whether every row, some or none is selected. */
  page: "all" | "some" | "none";
  togglePage: () => void;
}

/** Labels that a row has room for. */
const LABELS = 3;

/** The rows; without a selection there is nothing to select with. */
export function TaskTable(props: { tasks: readonly Task[]; selection?: Selection | undefined; stale?: boolean; title: string }) {
  const { tasks, selection, stale, title } = props;
  return (
    <div class={stale ? "table-box stale" : "table-box"}>
      <table class="tasks-table">
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            {selection !== undefined && (
              <th class="cell-select" scope="col">
                <input
                  type="checkbox"
                  aria-label="select all on this page"
                  checked={selection.page === "all"}
                  ref={(box) => {
                    if (box) box.indeterminate = selection.page === "some";
                  }}
                  onChange={selection.togglePage}
                />
              </th>
            )}
            <th class="cell-status" scope="col">Status</th>
            <th scope="col">Task</th>
            <th class="wide-only" scope="col">Queue</th>
            <th class="cell-number wide-only" scope="col">Attempt</th>
            <th class="cell-number wide-only" scope="col">Ran</th>
            <th class="cell-number" scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row key={task.taskId} task={task} selection={selection} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ task, selection }: { task: Task; selection: Selection | undefined }) {
  const id = task.taskId;
  const selected = selection?.has(id) ?? false;
  const note = task.status === "failed" || task.error !== null ? task.error?.message : task.message;
  const labels = Object.entries(task.labels);
  return (
    <tr class={selected ? "selected" : ""} data-id={id}>
      {selection !== undefined && (
        <td class="cell-select">
          <input type="checkbox" aria-label={`select ${task.type} ${id}`} checked={selected} onChange={() => selection.toggle(id)} />
        </td>
      )}
      <td class="cell-status">
        <Status status={task.status} asked={task.cancelRequested} />
      </td>
      <td class="cell-main">
        <span class="row-line">
          <a class="row-link" href={taskPath(id)}>
            {task.type}
          </a>
          <span class="row-id faint mono" title={id}>
            {id.slice(-12)}
          </span>
          {labels.slice(0, LABELS).map(([key, value]) => (
            <Label key={key} name={key} value={value} />
          ))}
          {labels.length > LABELS && <span class="faint">+{labels.length - LABELS}</span>}
        </span>
        <span class="row-sub" aria-hidden="true">
          {task.status} · {task.queue}
        </span>
        {note !== null && note !== undefined && note !== "" && (
          <span class={task.error !== null ? "row-note bad" : "row-note"} title={note}>
            {note}
          </span>
        )}
      </td>
      <td class="cell-queue wide-only" title={task.queue}>
        {task.queue}
      </td>
      <td class="cell-number wide-only">{task.attempt === 0 ? <span class="faint">–</span> : task.attempt}</td>
      <td class="cell-number wide-only">
        <Ran task={task} />
      </td>
      <td class="cell-number">
        <Time at={task.createdAt} />
      </td>
    </tr>
  );
}

/** How long the last attempt ran, or runs. */
function Ran({ task }: { task: Task }) {
  const from = task.attemptStartedAt;
  if (from === null) return <span class="faint">–</span>;
  if (task.status === "running") return <>{duration((now.value - from.getTime()) / 1000)}</>;
  if (!FINAL_STATES.includes(task.status) || task.finishedAt === null) return <span class="faint">–</span>;
  return <>{duration((task.finishedAt.getTime() - from.getTime()) / 1000)}</>;
}

/** Moves to the row `by` rows away from the one that has the focus, in a table or a short list. */
export function moveRow(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>(".row-link, .lines li > a:first-child")];
  const row = document.activeElement?.closest("tr, .lines li") ?? null;
  const at = links.findIndex((link) => link.closest("tr, .lines li") === row);
  const next = at === -1 ? (by === 1 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
  links[next]?.focus();
  links[next]?.scrollIntoView({ block: "nearest" });
}

/** The id of the row that has the focus. */
export function focusedRow(): string | undefined {
  return document.activeElement?.closest<HTMLElement>("tr[data-id]")?.dataset["id"];
}

/**
 * All tasks: searched, filtered, selected, changed in bulk.
 *
 * @module
 */

import { useEffect, useState } from "preact/hooks";
import type { Client, ListOptions, Task, TaskPage, TaskState } from "windlass-web";
import { useKeys } from "../keys.js";
import { exactNow } from "../live/clock.js";
import { useLive } from "../live/load.js";
import { Icon } from "../parts/icon.js";
import { Empty, Problem, Waiting } from "../parts/small.js";
import { go, place } from "../router.js";
import { readOnly } from "../server/session.js";
import { BulkDialog, type Target, type Verb } from "../tasks/bulk.js";
import { Filters } from "../tasks/filters.js";
import { MANY, useRows } from "../tasks/rows.js";
import { type Search, filterOf, readSearch, searchPath } from "../tasks/search.js";
import { type Selection, TaskTable, focusedRow, moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count, tasks as tasksOf } from "../words.js";

/** Rows of a page. */
const PAGE = 50;
/** Milliseconds after which a page is shown with what was found. */
const PATIENCE = 1_500;

/** The cursor of the page before, as far as somebody came from there. */
const before = new Map<string, string | undefined>();

/** Types that were seen: the filter offers them. */
const types = new Set<string>();

/**
 * One page. The store ends a page early that would look at very many tasks: it is gone on with for a while.
 */
async function filled(client: Client, filter: ListOptions, cursor: string | null): Promise<TaskPage> {
  const began = performance.now();
  const page = await client.listTasks({ ...filter, limit: PAGE }).page(cursor);
  while (page.tasks.length < PAGE && page.next !== null && performance.now() - began < PATIENCE) {
    const more = await client.listTasks({ ...filter, limit: PAGE - page.tasks.length }).page(page.next);
    page.tasks.push(...more.tasks);
    page.next = more.next;
  }
  return page;
}

/** The list of tasks. */
export function TasksPage() {
  const { query } = place.value;
  const search = readSearch(query);
  const cursor = query.get("cursor") ?? undefined;
  const page = useLive(
    (client) => filled(client, filterOf(search, exactNow()), cursor ?? null),
    [searchPath(search, cursor)],
    { keep: "tasks" },
  );
  const queues = useLive((client) => client.queues(), [], { on: () => true, every: 15_000, keep: "queues" });
  const { tasks, fresh } = useRows(page.value?.tasks, cursor === undefined ? search : null);
  const chosen = useSelection(tasks, searchPath(search));
  const [bulk, ask] = useState<{ verb: Verb; target: Target } | undefined>();
  useTitle(search.status.length === 1 ? `${capital(search.status[0]!)} tasks` : "Tasks");
  for (const task of tasks) types.add(task.type);

  const next = page.value?.next ?? undefined;
  const turn = (to: string | undefined) => {
    go(searchPath(search, to));
    scrollTo(0, 0);
  };
  const forward = () => {
    if (next === undefined || page.stale) return;
    before.set(next, cursor);
    turn(next);
  };
  const back = () => {
    if (cursor !== undefined) turn(before.get(cursor));
  };
  useKeys({
    j: () => moveRow(1),
    k: () => moveRow(-1),
    x: () => {
      const id = focusedRow();
      if (id !== undefined && !readOnly.value) chosen.selection.toggle(id);
    },
    a: () => !readOnly.value && chosen.selection.togglePage(),
    Escape: chosen.clear,
    n: forward,
    p: back,
    r: page.reload,
  });

  const offers = {
    queues: queues.value?.map(({ name }) => name) ?? [],
    types: [...types].sort(),
    counts: queues.value && summed(queues.value.filter(({ name }) => search.queue === undefined || name === search.queue)),
  };
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Tasks</h1>
        {fresh > 0 && (
          <button type="button" class="fresh" onClick={page.reload}>
            {fresh >= MANY ? "Many" : count(fresh)} new · show
          </button>
        )}
      </div>
      <Filters search={search} offers={offers} />
      {page.error !== undefined && <Problem error={page.error} again={page.reload} />}
      {page.value === undefined && page.error === undefined && <Waiting lines={10} />}
      {page.value !== undefined &&
        (tasks.length === 0 ? (
          <Nothing search={search} more={next !== undefined} />
        ) : (
          <TaskTable
            title="Tasks, newest first"
            tasks={tasks}
            stale={page.stale}
            selection={readOnly.value ? undefined : chosen.selection}
          />
        ))}
      {(cursor !== undefined || next !== undefined) && (
        <nav class="turn" aria-label="Pages of tasks">
          <button type="button" disabled={cursor === undefined} onClick={back}>
            <Icon name="back" /> {cursor !== undefined && !before.has(cursor) ? "First page" : "Newer"}
          </button>
          <button type="button" disabled={next === undefined} onClick={forward}>
            Older <Icon name="next" />
          </button>
        </nav>
      )}
      {!readOnly.value && chosen.size > 0 && (
        <div class="bulk" role="region" aria-label="Selected tasks">
          <p>
            {chosen.all ? "All that match" : `${tasksOf(chosen.size)} selected`}
            {!chosen.all && chosen.selection.page === "all" && (next !== undefined || cursor !== undefined) && (
              <button type="button" class="quiet" onClick={chosen.selectAll}>
                Select all that match
              </button>
            )}
          </p>
          {(["retry", "cancel"] as const).map((verb) => (
            <button
              key={verb}
              type="button"
              class={verb === "cancel" ? "danger" : ""}
              onClick={() => ask({ verb, target: chosen.all ? { search } : { rows: chosen.rows } })}
            >
              {capital(verb)} …
            </button>
          ))}
          <button type="button" class="quiet" onClick={chosen.clear}>
            Select none
          </button>
        </div>
      )}
      {bulk !== undefined && (
        <BulkDialog
          {...bulk}
          close={(done) => {
            ask(undefined);
            if (done) chosen.clear();
          }}
        />
      )}
    </>
  );
}

function Nothing({ search, more }: { search: Search; more: boolean }) {
  if (more) return <Empty title="Nothing on this page">There may be older ones: look at the next page.</Empty>;
  if (searchPath(search) !== "/tasks") {
    return (
      <Empty title="No task matches">
        Leave out a filter, or <a href="/tasks">look at all of them</a>.
      </Empty>
    );
  }
  return (
    <Empty title="There are no tasks yet" command={`windlass tasks submit hello '{"name": "Ada"}' --url ${location.origin}`}>
      Tasks are shown here as soon as they are submitted. This submits one:
    </Empty>
  );
}

/** Rows that are selected, by id; another search begins anew, another page does not. */
function useSelection(tasks: readonly Task[], of: string) {
  const [rows, select] = useState<ReadonlyMap<string, Task>>(new Map());
  const [all, selectAll] = useState(false);
  const clear = () => {
    select(new Map());
    selectAll(false);
  };
  useEffect(clear, [of]);
  const marked = tasks.filter((task) => rows.has(task.taskId)).length;
  const whole = tasks.length > 0 && marked === tasks.length;
  const change = (ids: readonly Task[], on: boolean) => {
    // Of all that match only this page is known, row by row: what is taken from all leaves the rest of it.
    const changed = all ? new Map(tasks.map((task) => [task.taskId, task])) : new Map(rows);
    for (const task of ids) on ? changed.set(task.taskId, task) : changed.delete(task.taskId);
    select(changed);
    selectAll(false);
  };
  const selection: Selection = {
    has: (id) => all || rows.has(id),
    toggle: (id) => change(tasks.filter((task) => task.taskId === id), !(all || rows.has(id))),
    page: all || whole ? "all" : marked > 0 ? "some" : "none",
    togglePage: () => change(tasks, !(all || whole)),
  };
  // As they stand now, where they are shown.
  const current = new Map(tasks.map((task) => [task.taskId, task]));
  return {
    selection,
    all,
    size: rows.size,
    rows: [...rows.values()].map((task) => current.get(task.taskId) ?? task),
    selectAll: () => selectAll(true),
    clear,
  };
}

function summed(queues: readonly { counts: Partial<Record<TaskState, number>> }[]): Partial<Record<TaskState, number>> {
  const sum: Partial<Record<TaskState, number>> = {};
  for (const { counts } of queues) {
    for (const [state, n] of Object.entries(counts) as [TaskState, number][]) sum[state] = (sum[state] ?? 0) + n;
  }
  return sum;
}

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

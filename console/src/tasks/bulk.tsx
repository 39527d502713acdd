/**
 * Cancel and retry of many tasks: counted first, then asked, then done.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Changed, Client, ListOptions, Task, TaskState } from "windlass-web";
import { exactNow } from "../live/clock.js";
import { explain, isMissing, isRefused } from "../live/failure.js";
import { Dialog, notify } from "../parts/notice.js";
import { Label, Progress } from "../parts/small.js";
import { client, epoch, refuseKey } from "../server/session.js";
import { count, tasks as tasksOf } from "../words.js";
import { type Search, filterOf, parts } from "./search.js";

/** What is done. */
export type Verb = "cancel" | "retry";

/** Statuses that a verb changes. */
const CHANGES: Record<Verb, readonly TaskState[]> = {
  cancel: ["blocked", "scheduled", "pending", "running"],
  retry: ["failed", "cancelled"],
};

/** What of it is done to: rows, or everything that a search finds. */
export type Target = { rows: readonly Task[] } | { search: Search };

/** Calls under way at once when tasks are changed one by one. */
const AT_ONCE = 6;

/** Tasks that are counted, and changed, at most; and by one call, so that there is something to see. */
const MOST = 1_000_000;
const CALL = 2_000;

const SAYS: Record<Verb, { title: string; done: string; what: string; others: string }> = {
  cancel: {
    title: "Cancel",
    done: "cancelled",
    what: "Those that wait end at once; those that run are told to stop.",
    others: "ended already and stay as they are",
  },
  retry: {
    title: "Retry",
    done: "to be run again",
    what: "They wait for a worker again, with a full set of attempts.",
    others: "neither failed nor were cancelled and stay as they are",
  },
};

/** Asks, and then does it. */
export function BulkDialog({ verb, target, close }: { verb: Verb; target: Target; close: (done: boolean) => void }) {
  const says = SAYS[verb];
  const [job] = useState(() => ("rows" in target ? jobOfRows(verb, target.rows) : jobOfSearch(verb, target.search)));
  const [counted, tell] = useState<Counted | undefined>();
  const [done, progress] = useState<number | undefined>();
  const [error, fail] = useState<unknown>();
  const stopped = useRef(false);

  useEffect(() => {
    let ended = false;
    void (async () => {
      try {
        const found = await job.count(await client());
        if (!ended) tell(found);
      } catch (thrown) {
        if (isRefused(thrown)) refuseKey();
        if (!ended) fail(thrown);
      }
    })();
    return () => {
      ended = true;
      stopped.current = true;
    };
  }, []);

  const run = async () => {
    let sum = 0;
    progress(0);
    fail(undefined);
    try {
      await job.run(await client(), (more) => progress((sum += more)), () => stopped.current);
      notify(`${tasksOf(sum)} ${says.done}${stopped.current ? ", then stopped" : ""}`);
      close(true);
    } catch (thrown) {
      if (isRefused(thrown)) refuseKey();
      fail(thrown);
      progress(undefined);
      if (sum > 0) notify(`${tasksOf(sum)} ${says.done} before it failed`, "failed");
    }
    epoch.value++;
  };

  const about = counted === undefined ? "" : `${counted.exact ? "" : "more than "}${tasksOf(counted.count)}`;
  const busy = done !== undefined;
  return (
    <Dialog
      title={counted === undefined ? `${says.title} tasks` : counted.count === 0 ? `Nothing to ${verb}` : `${says.title} ${about}?`}
      close={() => (busy ? (stopped.current = true) : close(false))}
    >
      {"search" in target && <Conditions search={{ ...target.search, status: changed(verb, target.search) }} />}
      {counted === undefined && error === undefined && <p aria-busy="true">Counting…</p>}
      {counted !== undefined && (
        <>
          {counted.count > 0 && <p>{says.what}</p>}
          {counted.others > 0 && (
            <p class="faint">
              {count(counted.others)} of the selected {says.others}.
            </p>
          )}
        </>
      )}
      {error !== undefined && (
        <p class="bad" role="alert">
          {explain(error).title}: {explain(error).advice}
        </p>
      )}
      {busy && counted !== undefined && (
        <p>
          <Progress percent={(done / Math.max(counted.count, 1)) * 100} label={`${says.title} tasks`} />
          {count(done)} of {about}
        </p>
      )}
      <div class="dialog-actions">
        {busy ? (
          <button type="button" onClick={() => (stopped.current = true)}>
            Stop
          </button>
        ) : (
          <>
            <button type="button" onClick={() => close(false)}>
              {counted?.count === 0 ? "Close" : "Keep them as they are"}
            </button>
            {counted !== undefined && counted.count > 0 && (
              <button type="button" class={verb === "cancel" ? "danger" : "primary"} onClick={run}>
                {says.title} {about}
              </button>
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}

function Conditions({ search }: { search: Search }) {
  const words = parts(search);
  return (
    <p class="conditions">
      {search.status.length > 0 && <span class="label">{search.status.join(" or ")}</span>}
      {words.map(({ name, value }) => (
        <Label key={name} name={name} value={value} />
      ))}
    </p>
  );
}

interface Counted {
  count: number;
  exact: boolean;
  /** Selected ones that the verb does not change. */
  others: number;
}

interface Job {
  count: (client: Client) => Promise<Counted>;
  run: (client: Client, tell: (n: number) => void, stopped: () => boolean) => Promise<void>;
}

function jobOfRows(verb: Verb, rows: readonly Task[]): Job {
  const ids = rows.filter((task) => CHANGES[verb].includes(task.status)).map((task) => task.taskId);
  return {
    count: async () => ({ count: ids.length, exact: true, others: rows.length - ids.length }),
    run: async (client, tell, stopped) => {
      const left = [...ids];
      const one = async () => {
        for (let id = left.shift(); id !== undefined && !stopped(); id = left.shift()) {
          if (await change(client, verb, id)) tell(1);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    },
  };
}

/** Whether it changed: it may have ended, or may be gone, meanwhile. */
async function change(client: Client, verb: Verb, id: string): Promise<boolean> {
  try {
    const task = await (verb === "retry" ? client.retryTask(id) : client.cancelTask(id));
    return verb === "retry" || task.status === "cancelled" || task.cancelRequested;
  } catch (error) {
    if (isMissing(error) || (error as { code?: string }).code === "invalid_transition") return false;
    throw error;
  }
}

/** Statuses of a search that the verb changes. */
function changed(verb: Verb, search: Search): TaskState[] {
  return CHANGES[verb].filter((state) => search.status.length === 0 || search.status.includes(state));
}

function jobOfSearch(verb: Verb, search: Search): Job {
  const status = changed(verb, search);
  const now = exactNow();
  const filter: ListOptions = { ...filterOf(search, now), status };
  // What is submitted after the count was not meant, whatever the filter says of times to come.
  if (filter.until === undefined || new Date(filter.until).getTime() > now) filter.until = new Date(now);
  let left = 0;
  return {
    count: async (client) => {
      if (status.length === 0) return { count: 0, exact: true, others: 0 };
      const found = await client.countTasks(filter, { most: MOST });
      left = found.count;
      return { ...found, others: 0 };
    },
    run: async (client, tell, stopped) => {
      // Each goes on where the one before stopped: what is run again may fail again meanwhile, and match once more.
      let cursor: string | null = null;
      while (left > 0 && !stopped()) {
        const stretch = { most: Math.min(left, CALL), cursor };
        const told: Changed = await (verb === "cancel" ? client.cancelTasks(filter, stretch) : client.retryTasks(filter, stretch));
        left -= told.changed;
        tell(told.changed);
        cursor = told.next;
        if (cursor === null) return;
      }
    },
  };
}

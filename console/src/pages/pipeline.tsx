/**
 * One pipeline: its graph with the states of its stages as they change, and what can be done with it.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { FINAL_STATES, type PipelineStatus, type StageStatus } from "windlass-web";
import { useKeys } from "../keys.js";
import { isMissing } from "../live/failure.js";
import { listen } from "../live/feed.js";
import { useLive } from "../live/load.js";
import { Dialog, act } from "../parts/notice.js";
import { Copy, Empty, Problem, Progress, Status, Time, Waiting } from "../parts/small.js";
import { DRAWN, Graph } from "../pipelines/graph.js";
import { taskPath } from "../router.js";
import { readOnly } from "../server/session.js";
import { type Happening, readPipeline } from "../server/side.js";
import { commandOf } from "../tasks/search.js";
import { moveRow } from "../tasks/table.js";
import { useTitle } from "../title.js";
import { count } from "../words.js";

/** The page of a pipeline. */
export function PipelinePage({ id }: { id: string }) {
  const members = useRef(new Set([id]));
  const isOf = (events: readonly Happening[]) => events.some(({ taskId }) => members.current.has(taskId));
  const page = useLive(() => readPipeline(id), [id], { on: isOf, every: 10_000 });
  const stages = useStages(page.value);
  if (page.value !== undefined) members.current = new Set([id, ...page.value.stages.map(({ taskId }) => taskId)]);
  const [asking, ask] = useState(false);
  const open = page.value !== undefined && !FINAL_STATES.includes(page.value.status);
  const again = page.value !== undefined && (page.value.status === "failed" || page.value.status === "cancelled");
  const retry = () => void act(async (client) => (await client.retryTask(id), "The pipeline runs again")).then(page.reload);
  useTitle(page.value === undefined ? "Pipeline" : `${page.value.name} · ${page.value.status}`);
  useKeys({
    j: () => moveRow(1),
    k: () => moveRow(-1),
    r: page.reload,
    c: () => open && !readOnly.value && ask(true),
  });

  if (page.value === undefined) {
    if (isMissing(page.error)) {
      return (
        <>
          <h1 tabIndex={-1}>No such pipeline</h1>
          <Empty title="No pipeline has this id" command={commandOf("pipelines show", id)}>
            It may have been pruned. <a href="/pipelines">All pipelines</a>
          </Empty>
        </>
      );
    }
    return page.error === undefined ? <Waiting lines={6} /> : <Problem error={page.error} again={page.reload} />;
  }
  const { name, status, members: ended, createdAt, finishedAt, error } = page.value;
  const done = ended.completed + ended.failed + ended.cancelled;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/pipelines">Pipelines</a>
      </nav>
      <div class="page-head task-head">
        <div class="task-name">
          <h1 tabIndex={-1}>{name}</h1>
          <Status status={status} />
        </div>
        <p class="task-id mono">
          {id} <Copy text={id} what="id" />
        </p>
        <div class="actions">
          {again && !readOnly.value && (
            <button type="button" onClick={retry}>
              Retry
            </button>
          )}
          {open && !readOnly.value && (
            <button type="button" class="danger" onClick={() => ask(true)}>
              Cancel …
            </button>
          )}
        </div>
      </div>
      {page.error !== undefined && <Problem error={page.error} again={page.reload} />}
      {error !== null && (
        <section class="failure" aria-label="Why it failed">
          <p class="failure-text">{error.message}</p>
        </section>
      )}
      <section class="card batch-progress" aria-label="Progress">
        <p>
          <b class="figure">{ended.total === 0 ? "100" : Math.floor((done / ended.total) * 100)} %</b>
          <span class="faint">
            {count(done)} of {count(ended.total)} stages ended · created <Time at={createdAt} />
            {finishedAt !== null && (
              <>
                {" "}· ended <Time at={finishedAt} />
              </>
            )}
          </span>
        </p>
        <Progress percent={ended.total === 0 ? 100 : (done / ended.total) * 100} label="Stages that ended" />
      </section>
      {stages.length <= DRAWN && <Graph stages={stages} />}
      <Stages stages={stages} />
      {asking && (
        <Dialog title="Cancel this pipeline?" close={() => ask(false)}>
          <p>Stages that wait end at once; those that run are told to stop. What has ended stays as it is.</p>
          <div class="dialog-actions">
            <button type="button" onClick={() => ask(false)}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                ask(false);
                void act(async (client) => (await client.cancelTask(id), "The pipeline is cancelled")).then(page.reload);
              }}
            >
              Cancel the pipeline
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** The stages as they were told last, and as events have changed them since. */
function useStages(told: PipelineStatus | undefined): readonly StageStatus[] {
  const [, draw] = useState(0);
  const changes = useRef(new Map<string, Pick<StageStatus, "status" | "attempt">>());
  const of = useRef(told);
  if (of.current !== told) {
    of.current = told;
    changes.current.clear();
  }
  useEffect(
    () =>
      listen((events) => {
        const before = changes.current.size;
        let changed = false;
        for (const { taskId, status, attempt } of events) {
          if (!of.current?.stages.some((stage) => stage.taskId === taskId)) continue;
          changes.current.set(taskId, { status, attempt });
          changed = true;
        }
        if (changed || changes.current.size !== before) draw((n) => n + 1);
      }),
    [],
  );
  return (told?.stages ?? []).map((stage) => ({ ...stage, ...changes.current.get(stage.taskId) }));
}

function Stages({ stages }: { stages: readonly StageStatus[] }) {
  return (
    <div class="table-box">
      <table>
        <caption class="unseen">Stages</caption>
        <thead>
          <tr>
            <th class="cell-status" scope="col">Status</th>
            <th scope="col">Stage</th>
            <th class="wide-only" scope="col">Waits for</th>
            <th class="cell-number wide-only" scope="col">Attempt</th>
            <th class="cell-number" scope="col">Ended</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => (
            <tr key={stage.name} data-id={stage.taskId}>
              <td class="cell-status">
                <Status status={stage.status} />
              </td>
              <td class="cell-main">
                <span class="row-line">
                  <a class="row-link" href={taskPath(stage.taskId)} title={stage.name}>
                    {stage.name}
                  </a>
                  <span class="faint">{stage.type}</span>
                </span>
                <span class="row-sub" aria-hidden="true">
                  {stage.status}
                </span>
                {stage.error !== null && (
                  <span class="row-note bad" title={stage.error.message}>
                    {stage.error.message}
                  </span>
                )}
              </td>
              <td class="cell-waits wide-only">{stage.dependsOn.length === 0 ? <span class="faint">–</span> : stage.dependsOn.join(", ")}</td>
              <td class="cell-number wide-only">{stage.attempt === 0 ? <span class="faint">–</span> : stage.attempt}</td>
              <td class="cell-number">{stage.finishedAt === null ? <span class="faint">–</span> : <Time at={stage.finishedAt} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

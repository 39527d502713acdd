/**
 * One task: how it stands and why, its life as a picture, what it said, what it was given.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { FINAL_STATES, type Task, type Why } from "windlass-web";
import { useKeys } from "../keys.js";
import { isMissing } from "../live/failure.js";
import { useLive } from "../live/load.js";
import { Icon } from "../parts/icon.js";
import { Dialog, act } from "../parts/notice.js";
import { Card, Copy, Empty, Label, Problem, Progress, Status, Time, Waiting } from "../parts/small.js";
import { batchPath, go, pipelinePath, taskPath } from "../router.js";
import { readOnly } from "../server/session.js";
import { Block } from "../task/block.js";
import { useHistory, type History } from "../task/history.js";
import { Logs } from "../task/logs.js";
import { Timeline } from "../task/timeline.js";
import { Value } from "../task/value.js";
import { EVERYTHING, commandOf, searchPath } from "../tasks/search.js";
import { useTitle } from "../title.js";
import { duration, priority } from "../words.js";

/** The page of a task. */
export function TaskPage({ id }: { id: string }) {
  const row = useLive(
    async (client) => {
      const task = await client.getTask(id);
      return { task, why: FINAL_STATES.includes(task.status) ? null : await client.why(id) };
    },
    [id],
    // Why it waits changes with the others.
    { on: (events) => events.some((event) => event.taskId === id) },
  );
  const history = useHistory(id, row.reload);
  const task = row.value?.task;
  useTitle(task === undefined ? "Task" : `${task.type} · ${task.status}`);

  if (task === undefined) {
    if (isMissing(row.error)) {
      return (
        <>
          <h1 tabIndex={-1}>No such task</h1>
          <Empty title="No task has this id" command={commandOf("tasks get", id)}>
            It may have been pruned: finished tasks are kept for a week unless the server is told otherwise.{" "}
            <a href="/tasks">All tasks</a>
          </Empty>
        </>
      );
    }
    return row.error === undefined ? <Waiting lines={8} /> : <Problem error={row.error} again={row.reload} />;
  }
  const page = task.kind === "batch" ? batchPath(id) : task.kind === "pipeline" ? pipelinePath(id) : undefined;
  if (page !== undefined) return <Elsewhere to={page} />;
  return <Shown task={task} why={row.value!.why} history={history} />;
}

/** A batch and a pipeline are tasks with pages of their own, whatever address somebody came by. */
function Elsewhere({ to }: { to: string }) {
  useEffect(() => go(to, { replace: true }), [to]);
  return <Waiting lines={8} />;
}

function Shown({ task, why, history }: { task: Task; why: Why | null; history: History }) {
  const [asking, ask] = useState(false);
  const open = !FINAL_STATES.includes(task.status);
  const may = { cancel: open && !task.cancelRequested && !readOnly.value, retry: !open && task.status !== "completed" && !readOnly.value };
  const name = <bdi>{task.type}</bdi>;
  const retry = () => act(async (client) => (await client.retryTask(task.taskId), <>{name} is to be run again</>));
  useKeys({
    c: () => may.cancel && ask(true),
    u: () => may.retry && void retry(),
    y: () => void navigator.clipboard?.writeText(task.taskId).catch(() => {}),
  });
  const progress = history.report?.progress ?? task.progress;
  const message = history.report?.message ?? task.message;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/tasks">Tasks</a>
      </nav>
      <div class="page-head task-head">
        <div class="task-name">
          <h1 tabIndex={-1}>{task.type}</h1>
          <Status status={task.status} asked={task.cancelRequested} />
        </div>
        <p class="task-id mono">
          {task.taskId} <Copy text={task.taskId} what="id" />
        </p>
        <div class="actions">
          {may.retry && (
            <button type="button" class="primary" onClick={retry}>
              <Icon name="retry" /> Retry
            </button>
          )}
          {may.cancel && (
            <button type="button" class="danger" onClick={() => ask(true)}>
              Cancel …
            </button>
          )}
        </div>
      </div>
      {why !== null && task.status !== "running" && <Reason why={why} />}
      {task.status === "running" && (
        <div class="running">
          <Progress percent={progress ?? 0} label="Progress" />
          <p>
            <b>{progress === null ? "running" : `${Math.round(progress * 10) / 10} %`}</b>
            {message !== null && <span>{message}</span>}
            {task.lease !== null && (
              <span class="faint">
                on <span class="mono">{task.lease.worker}</span>
              </span>
            )}
          </p>
        </div>
      )}
      {task.error !== null && task.status !== "completed" && <Failure task={task} />}
      <Card title="Timeline" class="timeline-card" aside={history.isCut ? <span class="tag">early history was pruned</span> : undefined}>
        <Timeline task={task} history={history} />
      </Card>
      {task.kind === "block" && <Block id={task.taskId} open={open} />}
      <div class="columns">
        <Facts task={task} />
        <div class="stack">
          <Value title="Payload" value={task.payload} />
          {task.status === "completed" && <Value title="Result" value={task.result} />}
          {task.metadata !== null && <Value title="Metadata" value={task.metadata} />}
        </div>
      </div>
      {task.kind !== "block" && <Logs history={history} open={open} />}
      {asking && (
        <Dialog title={`Cancel ${task.type}?`} heading={<>Cancel {name}?</>} close={() => ask(false)}>
          <p>{task.status === "running" ? "Its handler is told to stop. If it finishes all the same, the task is completed." : "It ends at once and does not run."}</p>
          <div class="dialog-actions">
            <button type="button" onClick={() => ask(false)}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                ask(false);
                void act(async (client) => {
                  const after = await client.cancelTask(task.taskId);
                  if (after.status === "cancelled") return <>{name} is cancelled</>;
                  return <>{name} {after.cancelRequested ? "is told to stop" : "had ended already"}</>;
                });
              }}
            >
              Cancel the task
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Reason({ why }: { why: Why }) {
  return (
    <aside class="reason" aria-label="Why it does not run">
      <b>{why.reason.replaceAll("_", " ")}</b>
      <p>
        {why.text}
        {why.until !== null && (
          <>
            {" "}
            <Time at={why.until} />
          </>
        )}
      </p>
    </aside>
  );
}

function Failure({ task }: { task: Task }) {
  const error = task.error!;
  return (
    <section class="failure" aria-label="Error">
      <header>
        <h2 class="mono">{error.errorType ?? error.code}</h2>
        {error.errorType !== null && <span class="tag">{error.code}</span>}
        {!error.retryable && <span class="tag">not retried</span>}
        {error.at !== null && (
          <span class="faint">
            <Time at={error.at} />
          </span>
        )}
      </header>
      <p class="failure-text">{error.message}</p>
      {error.traceback !== null && (
        <details open>
          <summary>Traceback</summary>
          <pre class="code" tabIndex={0} aria-label="Traceback">
            {error.traceback}
          </pre>
        </details>
      )}
    </section>
  );
}

function Facts({ task }: { task: Task }) {
  const ran = task.attemptStartedAt === null || task.finishedAt === null ? null : (task.finishedAt.getTime() - task.attemptStartedAt.getTime()) / 1000;
  const labels = Object.entries(task.labels);
  return (
    <Card title="Facts">
      <dl class="facts">
        <Fact name="Queue">
          <a href={searchPath({ ...EVERYTHING, queue: task.queue })}>{task.queue}</a>
        </Fact>
        <Fact name="Priority">{priority(task.priority)}</Fact>
        <Fact name="Attempts">
          <span>
            {task.attempt}
            {task.retry.maxRetries !== null && <span class="faint"> of {task.retry.maxRetries + 1}</span>}
          </span>
        </Fact>
        <Fact name="Created">
          <Time at={task.createdAt} />
        </Fact>
        {task.status === "scheduled" && (
          <Fact name="Runs">
            <Time at={task.runAt} />
          </Fact>
        )}
        {task.startedAt !== null && (
          <Fact name="First start">
            <Time at={task.startedAt} />
          </Fact>
        )}
        {task.finishedAt !== null && (
          <Fact name="Ended">
            <Time at={task.finishedAt} />
          </Fact>
        )}
        {ran !== null && <Fact name="Last attempt">{duration(ran)}</Fact>}
        {task.timeoutSeconds !== null && <Fact name="Timeout">{duration(task.timeoutSeconds)}</Fact>}
        {task.handler !== "" && task.handler !== task.type && <Fact name="Handler">{task.handler}</Fact>}
        {task.executedOn !== null && (
          <Fact name="Worker">
            <span class="mono">{task.executedOn}</span>
          </Fact>
        )}
        {task.batchId !== null && (
          <Fact name="Batch">
            <a class="mono" href={batchPath(task.batchId)}>
              {task.batchId}
            </a>
          </Fact>
        )}
        {task.pipelineId !== null && (
          <Fact name="Pipeline">
            <a class="mono" href={pipelinePath(task.pipelineId)}>
              {task.pipelineId}
            </a>
          </Fact>
        )}
        {task.stage !== null && <Fact name="Stage">{task.stage}</Fact>}
        {task.blockId !== null && (
          <Fact name="Step of">
            <a class="mono" href={taskPath(task.blockId)}>
              {task.blockId}
            </a>
          </Fact>
        )}
        {task.idempotencyKey !== null && (
          <Fact name="Idempotency key">
            <span class="mono">{task.idempotencyKey}</span> <Copy text={task.idempotencyKey} what="key" />
          </Fact>
        )}
        {task.stateKey !== null && <Fact name="State key">{task.stateKey}</Fact>}
        {task.traceparent !== null && (
          <Fact name="Trace">
            <span class="mono">{task.traceparent}</span>
          </Fact>
        )}
        {task.suspect && <Fact name="Suspect">its worker was lost once: it is leased alone</Fact>}
        {labels.length > 0 && (
          <Fact name="Labels" wide>
            {labels.map(([key, value]) => (
              <Label key={key} name={key} value={value} href={searchPath({ ...EVERYTHING, labels: { [key]: value } })} />
            ))}
          </Fact>
        )}
      </dl>
    </Card>
  );
}

function Fact({ name, wide = false, children }: { name: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <div class={wide ? "fact-wide" : ""}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

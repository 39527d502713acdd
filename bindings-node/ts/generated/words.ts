// Generated from spec/words.toml by spec/generate.py: do not edit.
/**
 * The records that callers see, and the words in them.
 *
 * A reader makes a record of the wire into the one that is shown; payloads are never touched.
 * Instants are `Date`s, to the millisecond.
 */

/** A JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** A record as it stands on the wire. */
export type WireRecord = Record<string, any>;

/** Priority by number, lower first, or by name. */
export type Priority = 1 | 2 | 3 | 4 | 5 | PriorityName;

/** Tasks by status; zeros are left out. */
export type Counts = Partial<Record<TaskState, number>>;

function byKey<T>(
  records: Record<string, WireRecord>,
  read: (record: WireRecord) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(records).map(([key, record]) => [key, read(record)]));
}

/** Every `TaskState`. */
export const TASK_STATES = ["blocked", "scheduled", "pending", "running", "completed", "failed", "cancelled"] as const;

/** Status of a task. The last three are final. */
export type TaskState = (typeof TASK_STATES)[number];

/** Every `PriorityName`. */
export const PRIORITY_NAMES = ["critical", "high", "normal", "low", "background"] as const;

/** Priority by name, most urgent first: 1 to 5. */
export type PriorityName = (typeof PRIORITY_NAMES)[number];

/** Every `LogLevel`. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** How grave a log line is. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every `UpdateKind`. */
export const UPDATE_KINDS = ["status", "progress", "log", "member", "resync"] as const;

/** What an entry of a task's history tells; `resync` where history was pruned. */
export type UpdateKind = (typeof UPDATE_KINDS)[number];

/** Every `TaskKind`. */
export const TASK_KINDS = ["task", "batch", "block", "pipeline"] as const;

/** What a task is made of: a handler runs a `task`, the others stand for their members. */
export type TaskKind = (typeof TASK_KINDS)[number];

/** Every `Waiting`. */
export const WAITINGS = ["finished", "running", "cancelling", "lease_expired", "delayed", "backing_off", "blocked", "no_worker", "paused", "suspect", "behind", "next"] as const;

/** Why a task does not run now, in one word for programs. */
export type Waiting = (typeof WAITINGS)[number];

/** Every `TaskEventKind`. */
export const TASK_EVENT_KINDS = ["task.submitted", "task.scheduled", "task.pending", "task.started", "task.completed", "task.failed", "task.cancelled"] as const;

/** What happened to a task: one name for each change of its status. */
export type TaskEventKind = (typeof TASK_EVENT_KINDS)[number];

/** Statuses of a task that has ended. */
export const FINAL_STATES: readonly TaskState[] = ["completed", "failed", "cancelled"];

/** Why an attempt, or a task, failed. */
export interface Failure {
  /** Stable code: `handler_error` for what a handler threw. */
  code: string;
  /** Text for people. */
  message: string;
  /** Class of the error in the handler's language. */
  errorType: string | null;
  /** Stack trace of the handler. */
  traceback: string | null;
  /** Whether another attempt may help. */
  retryable: boolean;
  /** When it happened. */
  at: Date | null;
}

/** The Failure that a record of the wire tells. */
export function readFailure(r: WireRecord): Failure {
  return {
    code: r.code,
    message: r.message,
    errorType: r.error_type ?? null,
    traceback: r.traceback ?? null,
    retryable: r.retryable ?? false,
    at: r.at == null ? null : new Date(r.at),
  };
}

/** Who holds a task, and until when. */
export interface Lease {
  /** Id of the worker. */
  worker: string;
  /** When it is taken away unless renewed. */
  expiresAt: Date;
  /** Whether the attempt counts already. */
  counted: boolean;
}

/** The Lease that a record of the wire tells. */
export function readLease(r: WireRecord): Lease {
  return {
    worker: r.worker,
    expiresAt: new Date(r.expires_at),
    counted: r.counted ?? false,
  };
}

/** How failed attempts are repeated, as given at submit. */
export interface RetryPolicy {
  /** Retries after the first attempt. */
  maxRetries: number | null;
  /** Delay before the first retry, in seconds. */
  initialDelaySeconds: number | null;
  /** Factor from one delay to the next. */
  exponentialBase: number | null;
  /** Longest delay, in seconds, before jitter. */
  maxDelaySeconds: number | null;
  /** Fraction of the delay by which it varies either way. */
  jitter: number | null;
  /** Whether an attempt that timed out is retried. */
  retryOnTimeout: boolean | null;
}

/** The RetryPolicy that a record of the wire tells. */
export function readRetryPolicy(r: WireRecord): RetryPolicy {
  return {
    maxRetries: r.max_retries ?? null,
    initialDelaySeconds: r.initial_delay_seconds ?? null,
    exponentialBase: r.exponential_base ?? null,
    maxDelaySeconds: r.max_delay_seconds ?? null,
    jitter: r.jitter ?? null,
    retryOnTimeout: r.retry_on_timeout ?? null,
  };
}

/** One task that is stored: durable when it is returned. */
export interface Submission {
  /** The task's id. */
  taskId: string;
  /** Its status when it was stored, or as it stands when deduplicated. */
  status: TaskState;
  /** Whether its idempotency key was known, so that nothing new was stored. */
  deduplicated: boolean;
  /** The batch it was stored with. */
  batchId: string | null;
}

/** The Submission that a record of the wire tells. */
export function readSubmission(r: WireRecord): Submission {
  return {
    taskId: r.task_id,
    status: r.status,
    deduplicated: r.deduplicated ?? false,
    batchId: r.batch_id ?? null,
  };
}

/** How a task stands. */
export interface TaskStatus {
  /** The task's id. */
  taskId: string;
  /** Where it stands. */
  status: TaskState;
  /** Percent, as last reported; 100 once completed. */
  progress: number | null;
  /** Text beside the progress. */
  message: string | null;
  /** The handler's answer, once completed. */
  result: any;
  /** The last failed attempt's error. */
  error: Failure | null;
  /** When it ended. */
  finishedAt: Date | null;
}

/** The TaskStatus that a record of the wire tells. */
export function readTaskStatus(r: WireRecord): TaskStatus {
  return {
    taskId: r.task_id,
    status: r.status,
    progress: r.progress ?? null,
    message: r.message ?? null,
    result: r.result ?? null,
    error: r.error == null ? null : readFailure(r.error),
    finishedAt: r.finished_at == null ? null : new Date(r.finished_at),
  };
}

/** A task with everything that is stored of it. */
export interface Task {
  /** The task's id. */
  taskId: string;
  /** Whose task it is. */
  tenant: string;
  /** The line of tasks it stands in. */
  queue: string;
  /** Selects the handler. */
  type: string;
  /** The handler that runs it; empty for a worker's default handler. */
  handler: string;
  /** What the handler is given. */
  payload: any;
  /** 1 to 5, lower first. */
  priority: number;
  /** Where it stands. */
  status: TaskState;
  /** Earliest start. */
  runAt: Date;
  /** When it was stored. */
  createdAt: Date;
  /** Start of the first attempt. */
  startedAt: Date | null;
  /** When it ended. */
  finishedAt: Date | null;
  /** Start of the attempt that runs or ran last. */
  attemptStartedAt: Date | null;
  /** Longest one attempt may run, in seconds. */
  timeoutSeconds: number | null;
  /** Retry options as given at submit. */
  retry: RetryPolicy;
  /** Attempts that counted so far. */
  attempt: number;
  /** Its key. */
  idempotencyKey: string | null;
  /** Its labels. */
  labels: Record<string, string>;
  /** A JSON object that travels with it. */
  metadata: any;
  /** W3C trace context. */
  traceparent: string | null;
  /** Tasks with one key run one at a time, in the order of their submission, and share a state. */
  stateKey: string | null;
  /** The state when there is none under the key yet. */
  initialState: any;
  /** What it is made of. */
  kind: TaskKind;
  /** The batch it was submitted with. */
  batchId: string | null;
  /** The block it is a step of. */
  blockId: string | null;
  /** The pipeline it is a stage of. */
  pipelineId: string | null;
  /** Its name in its pipeline. */
  stage: string | null;
  /** How many tasks it still waits for; null for none. */
  waits: number | null;
  /** How its members ended so far; of a batch, block or pipeline. */
  members: MemberCounts | null;
  /** Its worker was lost once: leased alone from then on. */
  suspect: boolean;
  /** A cancel was asked for while it ran. */
  cancelRequested: boolean;
  /** Who holds it, while running. */
  lease: Lease | null;
  /** The worker that has it or had it last. */
  executedOn: string | null;
  /** The handler's answer, once completed. */
  result: any;
  /** The last failed attempt's error. */
  error: Failure | null;
  /** Percent, as last reported; 100 once completed. */
  progress: number | null;
  /** Text beside the progress. */
  message: string | null;
  /** Highest `seq` of its updates. */
  lastSeq: number;
  /** `seq` of the first start. */
  startSeq: number | null;
  /** Lowest `seq` still kept. */
  firstSeq: number;
  /** Writes to it so far. */
  version: number;
}

/** The Task that a record of the wire tells. */
export function readTask(r: WireRecord): Task {
  return {
    taskId: r.task_id,
    tenant: r.tenant,
    queue: r.queue,
    type: r.task_type,
    handler: r.handler,
    payload: r.payload,
    priority: r.priority,
    status: r.status,
    runAt: new Date(r.run_at),
    createdAt: new Date(r.created_at),
    startedAt: r.started_at == null ? null : new Date(r.started_at),
    finishedAt: r.finished_at == null ? null : new Date(r.finished_at),
    attemptStartedAt: r.attempt_started_at == null ? null : new Date(r.attempt_started_at),
    timeoutSeconds: r.timeout_seconds ?? null,
    retry: readRetryPolicy(r.retry ?? {}),
    attempt: r.attempt,
    idempotencyKey: r.idempotency_key ?? null,
    labels: r.labels ?? {},
    metadata: r.metadata ?? null,
    traceparent: r.traceparent ?? null,
    stateKey: r.state_key ?? null,
    initialState: r.initial_state ?? null,
    kind: r.kind ?? "task",
    batchId: r.batch_id ?? null,
    blockId: r.block_id ?? null,
    pipelineId: r.pipeline_id ?? null,
    stage: r.stage ?? null,
    waits: r.waits ?? null,
    members: r.members == null ? null : readMemberCounts(r.members),
    suspect: r.suspect ?? false,
    cancelRequested: r.cancel_requested ?? false,
    lease: r.lease == null ? null : readLease(r.lease),
    executedOn: r.executed_on ?? null,
    result: r.result ?? null,
    error: r.error == null ? null : readFailure(r.error),
    progress: r.progress ?? null,
    message: r.message ?? null,
    lastSeq: r.last_seq,
    startSeq: r.start_seq ?? null,
    firstSeq: r.first_seq,
    version: r.version,
  };
}

/** One entry of a task's history. What its kind does not tell is null. */
export interface TaskUpdate {
  /** The task's id. */
  taskId: string;
  /** From 1, without gaps. */
  seq: number;
  /** When. */
  timestamp: Date;
  /** What it tells. */
  kind: UpdateKind;
  /** The task's status with this entry; only a running task reports progress and logs. */
  status: TaskState;
  /** Attempts counted so far, with `status`. */
  attempt: number | null;
  /** Percent, with `progress`. */
  progress: number | null;
  /** How grave, with `log`. */
  level: LogLevel | null;
  /** Text beside the progress; the line, with `log`; why, with `status`. */
  message: string | null;
  /** The failed attempt's error. */
  error: Failure | null;
  /** The handler's answer, with `completed`. */
  result: any;
  /** The member that changed, with `member`; `status`, `attempt` and `error` are its own. */
  memberId: string | null;
  /** Its name in a pipeline, with `member`. */
  stage: string | null;
}

/** The TaskUpdate that a record of the wire tells. */
export function readTaskUpdate(r: WireRecord): TaskUpdate {
  return {
    taskId: r.task_id,
    seq: r.seq,
    timestamp: new Date(r.at),
    kind: r.kind,
    status: r.status ?? "running",
    attempt: r.attempt ?? null,
    progress: r.progress ?? null,
    level: r.level ?? null,
    message: r.message ?? null,
    error: r.error == null ? null : readFailure(r.error),
    result: r.result ?? null,
    memberId: r.member_id ?? null,
    stage: r.stage ?? null,
  };
}

/** One change in the life of a task. */
export interface TaskEvent {
  /** What happened. */
  event: TaskEventKind;
  /** The task's id. */
  taskId: string;
  /** Number of the entry in the task's history. */
  seq: number;
  /** When. */
  timestamp: Date;
  /** The task's queue. */
  queue: string;
  /** The task's type. */
  type: string;
  /** The status that it then had. */
  status: TaskState;
  /** Attempts counted by then. */
  attempt: number;
  /** Why, where there is something to say. */
  message: string | null;
  /** The failed attempt's error. */
  error: Failure | null;
  /** The worker of the attempt. */
  worker: string | null;
}

/** The TaskEvent that a record of the wire tells. */
export function readTaskEvent(r: WireRecord): TaskEvent {
  return {
    event: r.event,
    taskId: r.task_id,
    seq: r.seq,
    timestamp: new Date(r.at),
    queue: r.queue,
    type: r.task_type,
    status: r.status,
    attempt: r.attempt,
    message: r.message ?? null,
    error: r.error == null ? null : readFailure(r.error),
    worker: r.worker ?? null,
  };
}

/** Why a task does not run now. */
export interface Why {
  /** The task's id. */
  taskId: string;
  /** Its status. */
  status: TaskState;
  /** The reason, for programs. */
  reason: Waiting;
  /** The reason and what to do, for people. */
  text: string;
  /** Tasks that its workers take before it; counted up to 1000. */
  ahead: number | null;
  /** When it becomes due, or its lease ends. */
  until: Date | null;
  /** Who has it. */
  worker: string | null;
}

/** The Why that a record of the wire tells. */
export function readWhy(r: WireRecord): Why {
  return {
    taskId: r.task_id,
    status: r.status,
    reason: r.reason,
    text: r.text,
    ahead: r.ahead ?? null,
    until: r.until == null ? null : new Date(r.until),
    worker: r.worker ?? null,
  };
}

/** How many tasks of a queue have a status. */
export interface Count {
  /** The queue. */
  queue: string;
  /** The status. */
  status: TaskState;
  /** How many; never 0. */
  count: number;
}

/** The Count that a record of the wire tells. */
export function readCount(r: WireRecord): Count {
  return {
    queue: r.queue,
    status: r.status,
    count: r.count,
  };
}

/** How many tasks match. */
export interface Tally {
  /** So many. */
  count: number;
  /** Whether these are all; else counting stopped there. */
  exact: boolean;
}

/** The Tally that a record of the wire tells. */
export function readTally(r: WireRecord): Tally {
  return {
    count: r.count,
    exact: r.exact ?? false,
  };
}

/** What a verb over all tasks that match did. */
export interface Changed {
  /** Tasks that were changed. */
  changed: number;
  /** Whether it stopped at its bound, so that more may match. */
  more: boolean;
  /** Where to go on, when it did: the `cursor` of the next call. */
  next: string | null;
}

/** The Changed that a record of the wire tells. */
export function readChanged(r: WireRecord): Changed {
  return {
    changed: r.changed,
    more: r.more ?? false,
    next: r.next ?? null,
  };
}

/** How one queue stands. */
export interface QueueInfo {
  /** Its name. */
  name: string;
  /** Whether workers are given nothing from it. Tasks are still accepted, and what runs goes on. */
  paused: boolean;
  /** Tasks by status; zeros are left out. */
  counts: Counts;
  /** Tasks that wait: blocked, scheduled and pending. */
  depth: number;
  /** Since when the pending task that has waited longest could run. */
  oldestPendingAt: Date | null;
}

/** The QueueInfo that a record of the wire tells. */
export function readQueueInfo(r: WireRecord): QueueInfo {
  return {
    name: r.queue,
    paused: r.paused ?? false,
    counts: r.counts,
    depth: r.depth,
    oldestPendingAt: r.oldest_pending_at == null ? null : new Date(r.oldest_pending_at),
  };
}

/** A worker of any process, as the store knows it: gone after 15 s of silence. */
export interface WorkerInfo {
  /** Its id. */
  workerId: string;
  /** Queues it takes from. */
  queues: string[];
  /** Handlers it has; the empty name is its default handler. */
  handlers: string[];
  /** Tasks it runs at once. */
  concurrency: number;
  /** Host name and process id. */
  host: string;
  /** When it was last heard of, by the store's clock. */
  seenAt: Date;
  /** Tasks that it holds, as it last said. */
  holds: number;
  /** Whether it is heard of, but asks for no work although it has room and work waits. Judged by the server that it speaks to; always false without one. */
  deaf: boolean;
  /** Retry options that its handlers declare, by handler: used when the worker is lost. */
  declared: Record<string, RetryPolicy>;
  /** The JSON object that it was started with. */
  metadata: any;
}

/** The WorkerInfo that a record of the wire tells. */
export function readWorkerInfo(r: WireRecord): WorkerInfo {
  return {
    workerId: r.worker_id,
    queues: r.queues,
    handlers: r.handlers,
    concurrency: r.concurrency,
    host: r.host,
    seenAt: new Date(r.seen_at),
    holds: r.holds,
    deaf: r.deaf ?? false,
    declared: byKey(r.declared ?? {}, readRetryPolicy),
    metadata: r.metadata ?? null,
  };
}

/** Tasks that were submitted together, counted. */
export interface Batch {
  /** Its id. */
  batchId: string;
  /** `pending` while nothing has begun, `running` while something is open; then `failed` when a task failed, else `cancelled` when one was cancelled, else `completed`. */
  status: TaskState;
  /** How many tasks it has. */
  total: number;
  /** Tasks by status; zeros are left out. */
  counts: Counts;
  /** How many of its tasks have ended, in percent. */
  progress: number;
  /** For people. */
  name: string | null;
  /** When it was stored. */
  createdAt: Date | null;
  /** When its last task ended. */
  finishedAt: Date | null;
  /** The tasks that run when it has ended. */
  hooks: BatchHooks;
}

/** The Batch that a record of the wire tells. */
export function readBatch(r: WireRecord): Batch {
  return {
    batchId: r.batch_id,
    status: r.status,
    total: r.total,
    counts: r.counts,
    progress: r.progress,
    name: r.name ?? null,
    createdAt: r.created_at == null ? null : new Date(r.created_at),
    finishedAt: r.finished_at == null ? null : new Date(r.finished_at),
    hooks: readBatchHooks(r.hooks ?? {}),
  };
}

/** The tasks that run when a batch has ended, by their ids. */
export interface BatchHooks {
  /** Runs however it ended. */
  onComplete: string | null;
  /** Runs when every task completed. */
  onSuccess: string | null;
  /** Runs when a task failed or was cancelled. */
  onFailure: string | null;
}

/** The BatchHooks that a record of the wire tells. */
export function readBatchHooks(r: WireRecord): BatchHooks {
  return {
    onComplete: r.on_complete ?? null,
    onSuccess: r.on_success ?? null,
    onFailure: r.on_failure ?? null,
  };
}

/** How the members of a batch, block or pipeline ended so far. */
export interface MemberCounts {
  /** Members. */
  total: number;
  /** Those that completed. */
  completed: number;
  /** Those that failed for good. */
  failed: number;
  /** Those that were cancelled. */
  cancelled: number;
  /** Whether the member that ended first completed. */
  first: boolean | null;
}

/** The MemberCounts that a record of the wire tells. */
export function readMemberCounts(r: WireRecord): MemberCounts {
  return {
    total: r.total,
    completed: r.completed,
    failed: r.failed,
    cancelled: r.cancelled,
    first: r.first ?? null,
  };
}

/** A stage of a pipeline as it stands. */
export interface StageStatus {
  /** Its name. */
  name: string;
  /** Its task. */
  taskId: string;
  /** Where it stands. */
  status: TaskState;
  /** The stages that must complete first. */
  dependsOn: string[];
  /** Selects the handler. */
  type: string;
  /** Attempts that counted so far. */
  attempt: number;
  /** Start of the first attempt. */
  startedAt: Date | null;
  /** When it ended. */
  finishedAt: Date | null;
  /** The last failed attempt's error, or why it was cancelled. */
  error: Failure | null;
  /** Percent, as last reported. */
  progress: number | null;
}

/** The StageStatus that a record of the wire tells. */
export function readStageStatus(r: WireRecord): StageStatus {
  return {
    name: r.name,
    taskId: r.task_id,
    status: r.status,
    dependsOn: r.depends_on,
    type: r.task_type,
    attempt: r.attempt,
    startedAt: r.started_at == null ? null : new Date(r.started_at),
    finishedAt: r.finished_at == null ? null : new Date(r.finished_at),
    error: r.error == null ? null : readFailure(r.error),
    progress: r.progress ?? null,
  };
}

/** A pipeline as it stands. */
export interface PipelineStatus {
  /** Its id. */
  pipelineId: string;
  /** Its name. */
  name: string;
  /** `running` while a stage is open; then `completed`, `failed` or `cancelled`. */
  status: TaskState;
  /** Its stages, in the order in which they were given. */
  stages: StageStatus[];
  /** How its stages ended so far. */
  members: MemberCounts;
  /** When it was stored. */
  createdAt: Date;
  /** When it ended. */
  finishedAt: Date | null;
  /** Why it failed. */
  error: Failure | null;
  /** How long the whole may take. */
  timeoutSeconds: number | null;
  /** Its own labels. */
  labels: Record<string, string>;
}

/** The PipelineStatus that a record of the wire tells. */
export function readPipelineStatus(r: WireRecord): PipelineStatus {
  return {
    pipelineId: r.pipeline_id,
    name: r.name,
    status: r.status,
    stages: r.stages.map(readStageStatus),
    members: readMemberCounts(r.members ?? {}),
    createdAt: new Date(r.created_at),
    finishedAt: r.finished_at == null ? null : new Date(r.finished_at),
    error: r.error == null ? null : readFailure(r.error),
    timeoutSeconds: r.timeout_seconds ?? null,
    labels: r.labels ?? {},
  };
}

/** What a step of a durable block came to. */
export interface StepOutcome {
  /** Its task. */
  taskId: string;
  /** `completed`, `failed` or `cancelled`; while the block runs also `pending` and `running`. */
  status: string;
  /** What it returned. */
  result: any;
  /** Why it failed. */
  errorMessage: string | null;
  /** Seconds that its last attempt ran. */
  executionTime: number;
  /** A JSON object. */
  metadata: any;
}

/** The StepOutcome that a record of the wire tells. */
export function readStepOutcome(r: WireRecord): StepOutcome {
  return {
    taskId: r.task_id,
    status: r.status,
    result: r.result ?? null,
    errorMessage: r.error_message ?? null,
    executionTime: r.execution_time,
    metadata: r.metadata,
  };
}

/** What a durable block came to. */
export interface BlockOutcome {
  /** Its name. */
  blockName: string;
  /** Its strategy. */
  strategy: string;
  /** Steps. */
  totalTasks: number;
  /** Steps that completed. */
  completedTasks: number;
  /** Steps that failed. */
  failedTasks: number;
  /** Steps that were cancelled. */
  cancelledTasks: number;
  /** `completed`, `partial`, `failed`, `timeout` or `cancelled`; `running` before the verdict. */
  overallStatus: string;
  /** Seconds from its submission to its verdict, or until now. */
  executionTime: number;
  /** Its steps, in their order. */
  results: StepOutcome[];
  /** A JSON object. */
  metadata: any;
}

/** The BlockOutcome that a record of the wire tells. */
export function readBlockOutcome(r: WireRecord): BlockOutcome {
  return {
    blockName: r.block_name,
    strategy: r.strategy,
    totalTasks: r.total_tasks,
    completedTasks: r.completed_tasks,
    failedTasks: r.failed_tasks,
    cancelledTasks: r.cancelled_tasks,
    overallStatus: r.overall_status,
    executionTime: r.execution_time,
    results: r.results.map(readStepOutcome),
    metadata: r.metadata,
  };
}

/** Live workers, counted. */
export interface NodeHealth {
  /** Those that ask for work when they have room. */
  active: number;
  /** All of them. */
  total: number;
}

/** The NodeHealth that a record of the wire tells. */
export function readNodeHealth(r: WireRecord): NodeHealth {
  return {
    active: r.active,
    total: r.total,
  };
}

/** Tasks of all queues, counted. */
export interface QueueHealth {
  /** Tasks that wait: blocked, scheduled and pending. */
  depth: number;
  /** Tasks that a worker may take now. */
  pending: number;
  /** Tasks that a worker has. */
  running: number;
  /** How long the pending task that is due longest has been due; 0 when none is. */
  oldestAgeSeconds: number;
  /** Queues, not paused, with a task that has been due for 15 s and that no live worker takes. */
  untaken: string[];
}

/** The QueueHealth that a record of the wire tells. */
export function readQueueHealth(r: WireRecord): QueueHealth {
  return {
    depth: r.depth,
    pending: r.pending,
    running: r.running,
    oldestAgeSeconds: r.oldest_age_seconds,
    untaken: r.untaken ?? [],
  };
}

/** Live workers by how they behave. */
export interface WorkerHealth {
  /** Those that are not deaf. */
  live: number;
  /** Those that are heard of, but ask for no work although work waits. */
  deaf: number;
}

/** The WorkerHealth that a record of the wire tells. */
export function readWorkerHealth(r: WireRecord): WorkerHealth {
  return {
    live: r.live,
    deaf: r.deaf,
  };
}

/** How the store, its queues and its workers are. */
export interface ClusterHealth {
  /** Whether the store answers. */
  healthy: boolean;
  /** `ok`, or `degraded` when a worker is deaf or a queue is untaken. */
  status: string;
  /** Live workers. */
  nodes: NodeHealth;
  /** All queues together. */
  queue: QueueHealth;
  /** Live workers, by how they behave. */
  workers: WorkerHealth;
}

/** The ClusterHealth that a record of the wire tells. */
export function readClusterHealth(r: WireRecord): ClusterHealth {
  return {
    healthy: r.healthy ?? false,
    status: r.status,
    nodes: readNodeHealth(r.nodes ?? {}),
    queue: readQueueHealth(r.queue ?? {}),
    workers: readWorkerHealth(r.workers ?? {}),
  };
}

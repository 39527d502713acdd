// Generated from spec/errors.toml by spec/generate.py: do not edit.
/**
 * Every error that Windlass throws: one class for one stable code.
 *
 * Catch by class, or compare `code`; never read the message text.
 */

import { type Failure, type TaskState, readFailure } from "./words.js";

// The codes of the classes that an error is one of. Every copy of this file has the same symbol, so
// that `instanceof` holds between the ESM and the CJS build.
const KINDS = Symbol.for("windlass.error.kinds");

/** What an error is made of beside its text. */
export interface ErrorInit {
  /** Stable code; the class's own when it is left out. */
  code?: string;
  /** The error's values by their wire names. */
  fields?: Record<string, unknown>;
  /** What led to it. */
  cause?: unknown;
}

/** Base of every error that Windlass raises. */
export class WindlassError extends Error {
  // Of each class by itself: a bundler may call the class something else.
  static override readonly name: string = "WindlassError";
  static readonly code: string = "windlass_error";
  static readonly httpStatus: number = 500;
  static readonly retryable: boolean = false;
  /** Codes of the groups that the class belongs to beside those it extends. */
  static readonly groups: readonly string[] = [];

  /** Stable code, the same in every language and on the wire. */
  readonly code: string;
  /** The error's values by their wire names. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(message = "", init: ErrorInit = {}) {
    super(message, "cause" in init ? { cause: init.cause } : undefined);
    const kind = new.target;
    this.code = init.code ?? kind.code;
    this.fields = { ...init.fields };
    Object.defineProperty(this, "name", { value: kind.name, configurable: true, writable: true });
    Object.defineProperty(this, KINDS, { value: kindsOf(kind) });
  }

  /** The HTTP status that carries this error. */
  get httpStatus(): number {
    return (this.constructor as typeof WindlassError).httpStatus;
  }

  /** Whether the same call may succeed later without any change by the caller. */
  get retryable(): boolean {
    return (this.constructor as typeof WindlassError).retryable;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that somebody derived is none of ours: its own instances only.
    if (!isOurs(this)) return Function.prototype[Symbol.hasInstance].call(this, value);
    const kinds = (value as { [KINDS]?: readonly string[] } | null | undefined)?.[KINDS];
    return kinds !== undefined && kinds.includes(this.code);
  }
}

function isOurs(kind: typeof WindlassError): boolean {
  return Object.hasOwn(CLASSES, kind.code) && CLASSES[kind.code] === kind;
}

function kindsOf(kind: typeof WindlassError): readonly string[] {
  const codes: string[] = [];
  for (let at = kind; at.code !== undefined; at = Object.getPrototypeOf(at)) {
    if (isOurs(at)) codes.push(at.code, ...at.groups);
  }
  return codes;
}

/** Somebody may not do what was asked, or could not prove who they are. */
export class SecurityError extends WindlassError {
  static override readonly name: string = "SecurityError";
  static override readonly code: string = "security_error";
}

/** Work could not be executed, or has ended without an answer. */
export class ExecutionError extends WindlassError {
  static override readonly name: string = "ExecutionError";
  static override readonly code: string = "execution_error";
}

/** A parallel block could not be executed. */
export class ParallelExecutionError extends ExecutionError {
  static override readonly name: string = "ParallelExecutionError";
  static override readonly code: string = "parallel_execution_error";
}

/** Work that belongs to workers elsewhere could not be executed. */
export class DistributedExecutionError extends ExecutionError {
  static override readonly name: string = "DistributedExecutionError";
  static override readonly code: string = "distributed_execution_error";
}

/**
 * The service refused the request itself, or gave no Windlass answer. As a class also the base of every error that a service answers with a code: `status_code` and `message` are on all of them, in process and remote.
 *
 * Check the URL: does a Windlass server of this version answer there? `reason` says what came back.
 */
export class APIError extends WindlassError {
  static override readonly name: string = "APIError";
  static override readonly code: string = "api_error";
  static override readonly httpStatus: number = 500;
  static override readonly retryable: boolean = false;

  /** The HTTP status. */
  get statusCode(): number {
    return (this.fields.status_code as number | undefined) ?? this.httpStatus;
  }

  /** What it said, or what is wrong with the answer. */
  get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * The service did not accept who asks: no key, or a wrong one. Nothing was done.
 *
 * Give the key as `api_key` or in `WINDLASS_API_KEY`.
 */
export class AuthenticationError extends APIError {
  static override readonly name: string = "AuthenticationError";
  static override readonly code: string = "authentication_failed";
  static override readonly httpStatus: number = 401;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["security_error"];

  /** What was missing or wrong; never the key itself. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * Too many calls in too short a time. Nothing was done.
 *
 * Try again after `retry_after_seconds`. Clients over HTTP have done so already, up to their `max_retries`.
 */
export class RateLimitError extends APIError {
  static override readonly name: string = "RateLimitError";
  static override readonly code: string = "rate_limited";
  static override readonly httpStatus: number = 429;
  static override readonly retryable: boolean = true;

  /** When to try again, in seconds. */
  get retryAfterSeconds(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }

  /** When to try again, in seconds. */
  get retryAfter(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }
}

/**
 * What was bought or allotted is used up. Nothing was done.
 *
 * Use less, or raise the quota that `quota_type` names.
 */
export class QuotaExceededError extends APIError {
  static override readonly name: string = "QuotaExceededError";
  static override readonly code: string = "quota_exceeded";
  static override readonly httpStatus: number = 429;
  static override readonly retryable: boolean = false;

  /** What is limited. */
  get quotaType(): string {
    return (this.fields.quota_type as string | undefined) ?? "";
  }

  /** How much is used. */
  get current(): number {
    return (this.fields.current as number | undefined) ?? 0;
  }

  /** How much is allowed. */
  get limit(): number {
    return (this.fields.limit as number | undefined) ?? 0;
  }
}

/**
 * A circuit breaker keeps calls away from what failed before. Nothing was called.
 *
 * Wait `retry_after_seconds`; then one call goes through as a probe. Look for why the calls before failed.
 */
export class CircuitBreakerOpenError extends APIError {
  static override readonly name: string = "CircuitBreakerOpenError";
  static override readonly code: string = "circuit_breaker_open";
  static override readonly httpStatus: number = 503;
  static override readonly retryable: boolean = true;

  /** The breaker. */
  get breaker(): string {
    return (this.fields.name as string | undefined) ?? "";
  }

  /** When it lets a probe through, in seconds. */
  get retryAfterSeconds(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }

  /** When it lets a probe through, in seconds. */
  get retryAfter(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }
}

/**
 * The service is there but takes no more for now. It has too many connections or streams, or is going down. Nothing was done.
 *
 * Try again after `retry_after_seconds`; when it stays so, raise the server's limits or start another.
 */
export class ServiceUnavailableError extends APIError {
  static override readonly name: string = "ServiceUnavailableError";
  static override readonly code: string = "service_unavailable";
  static override readonly httpStatus: number = 503;
  static override readonly retryable: boolean = true;

  /** What is exhausted. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }

  /** When to try again, in seconds. */
  get retryAfterSeconds(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }

  /** When to try again, in seconds. */
  get retryAfter(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }
}

/**
 * An argument or option is outside what is allowed. Nothing was changed.
 *
 * Correct the argument that `field` names; `reason` says what is allowed.
 */
export class InvalidArgumentError extends APIError {
  static override readonly name: string = "InvalidArgumentError";
  static override readonly code: string = "invalid_argument";
  static override readonly httpStatus: number = 400;
  static override readonly retryable: boolean = false;

  /** Name of the argument, as on the wire. */
  get field(): string {
    return (this.fields.field as string | undefined) ?? "";
  }

  /** What is allowed, and what was given. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * A payload, result or state is not JSON text as Windlass takes it. That is: NaN, a duplicate key, more than 127 levels, no JSON at all, or arguments that do not fit the handler. Nothing was changed.
 *
 * Send one JSON value with each key once; write NaN and infinities as null or text.
 */
export class InvalidPayloadError extends APIError {
  static override readonly name: string = "InvalidPayloadError";
  static override readonly code: string = "invalid_payload";
  static override readonly httpStatus: number = 400;
  static override readonly retryable: boolean = false;

  /** `payload`, `result`, `initial_state` or `metadata`. */
  get field(): string {
    return (this.fields.field as string | undefined) ?? "";
  }

  /** What is wrong, with its place. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * A value is over its size limit. Nothing was changed.
 *
 * Store the data elsewhere and send its address, or split the work into more tasks.
 */
export class PayloadTooLargeError extends APIError {
  static override readonly name: string = "PayloadTooLargeError";
  static override readonly code: string = "payload_too_large";
  static override readonly httpStatus: number = 413;
  static override readonly retryable: boolean = false;

  /** Name of the value, as on the wire. */
  get field(): string {
    return (this.fields.field as string | undefined) ?? "";
  }

  /** Size given, in bytes. */
  get sizeBytes(): number {
    return (this.fields.size_bytes as number | undefined) ?? 0;
  }

  /** Most that is taken, in bytes. */
  get limitBytes(): number {
    return (this.fields.limit_bytes as number | undefined) ?? 0;
  }
}

/**
 * No task of this tenant has this id, or it was pruned. An id that is none, or that belongs to another tenant, gets the same answer.
 *
 * Check the id and the tenant; a finished task is kept for the retention time, 7 days by default.
 */
export class TaskNotFoundError extends APIError {
  static override readonly name: string = "TaskNotFoundError";
  static override readonly code: string = "task_not_found";
  static override readonly httpStatus: number = 404;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The id as given; it may be no id at all. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }
}

/**
 * No batch of this tenant has this id, or all its tasks were pruned. An id that is none, or that belongs to another tenant, gets the same answer.
 *
 * Check the id and the tenant; finished tasks are kept for the retention time, 7 days by default.
 */
export class BatchNotFoundError extends APIError {
  static override readonly name: string = "BatchNotFoundError";
  static override readonly code: string = "batch_not_found";
  static override readonly httpStatus: number = 404;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The id as given; it may be no id at all. */
  get batchId(): string {
    return (this.fields.batch_id as string | undefined) ?? "";
  }
}

/**
 * No pipeline of this tenant has this id, or it was pruned. An id that is none, or that belongs to another tenant, gets the same answer.
 *
 * Check the id and the tenant; a finished pipeline is kept for the retention time, 7 days by default.
 */
export class PipelineNotFoundError extends APIError {
  static override readonly name: string = "PipelineNotFoundError";
  static override readonly code: string = "pipeline_not_found";
  static override readonly httpStatus: number = 404;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The id as given; it may be no id at all. */
  get pipelineId(): string {
    return (this.fields.pipeline_id as string | undefined) ?? "";
  }
}

/**
 * The idempotency key was used before for another request. Its task type, queue or payload differs. Nothing was stored, the other tasks of the same call included.
 *
 * Use one key for one request: derive it from what makes the request unique.
 */
export class IdempotencyConflictError extends APIError {
  static override readonly name: string = "IdempotencyConflictError";
  static override readonly code: string = "idempotency_conflict";
  static override readonly httpStatus: number = 422;
  static override readonly retryable: boolean = false;

  /** The key. */
  get key(): string {
    return (this.fields.key as string | undefined) ?? "";
  }

  /** The task that holds it. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }
}

/**
 * The queue is at its depth limit. Nothing was stored.
 *
 * Try again after `retry_after_seconds`, add workers, or raise the limit.
 */
export class QueueFullError extends RateLimitError {
  static override readonly name: string = "QueueFullError";
  static override readonly code: string = "queue_full";
  static override readonly httpStatus: number = 429;
  static override readonly retryable: boolean = true;

  /** The queue. */
  get queue(): string {
    return (this.fields.queue as string | undefined) ?? "";
  }

  /** Its depth limit, in tasks. */
  get limit(): number {
    return (this.fields.limit as number | undefined) ?? 0;
  }

  /** When to try again, in seconds. */
  override get retryAfterSeconds(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }

  /** When to try again, in seconds. */
  override get retryAfter(): number {
    return (this.fields.retry_after_seconds as number | undefined) ?? 0;
  }
}

/**
 * The lease is gone: it expired and was taken away, or was settled already. What was reported was not recorded.
 *
 * Drop the result: the task is run again or has ended another way. If it happens often, raise `lease_seconds`, or look for code that stops the whole process for long.
 */
export class LeaseLostError extends APIError {
  static override readonly name: string = "LeaseLostError";
  static override readonly code: string = "lease_lost";
  static override readonly httpStatus: number = 409;
  static override readonly retryable: boolean = false;

  /** The task. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }
}

/**
 * The task's status does not allow the verb. Nothing was changed.
 *
 * Read the task's status first; `needs` says which statuses allow the verb.
 */
export class InvalidTransitionError extends APIError {
  static override readonly name: string = "InvalidTransitionError";
  static override readonly code: string = "invalid_transition";
  static override readonly httpStatus: number = 409;
  static override readonly retryable: boolean = false;

  /** The task. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }

  /** Its status. */
  get status(): TaskState {
    return (this.fields.status as TaskState | undefined) ?? "pending";
  }

  /** What was asked. */
  get verb(): string {
    return (this.fields.verb as string | undefined) ?? "";
  }

  /** The statuses that allow it. */
  get needs(): string {
    return (this.fields.needs as string | undefined) ?? "";
  }
}

/**
 * An attempt ran, or a wait lasted, longer than its timeout. A wait never touches the task: it goes on.
 *
 * Wait again, or longer; for an attempt, raise the task's `timeout_seconds` or make the handler faster.
 */
export class TaskTimeoutError extends APIError {
  static override readonly name: string = "TaskTimeoutError";
  static override readonly code: string = "task_timeout";
  static override readonly httpStatus: number = 504;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The task. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }

  /** The timeout that passed, in seconds. */
  get timeoutSeconds(): number {
    return (this.fields.timeout_seconds as number | undefined) ?? 0;
  }

  /** The timeout that passed, in seconds. */
  get timeout(): number {
    return (this.fields.timeout_seconds as number | undefined) ?? 0;
  }
}

/**
 * The task failed for good; asked for its result, this is the answer.
 *
 * Read `error`, the last attempt's; mend the cause, then retry the task.
 */
export class TaskFailedError extends APIError {
  static override readonly name: string = "TaskFailedError";
  static override readonly code: string = "task_failed";
  static override readonly httpStatus: number = 422;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The task. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }

  /** The last attempt's error. */
  get error(): Failure | null {
    return this.fields.error == null ? null : readFailure(this.fields.error as Record<string, any>);
  }
}

/**
 * The task was cancelled; asked for its result, this is the answer.
 *
 * Submit it again, or retry it, if it is wanted after all.
 */
export class TaskCancelledError extends APIError {
  static override readonly name: string = "TaskCancelledError";
  static override readonly code: string = "task_cancelled";
  static override readonly httpStatus: number = 409;
  static override readonly retryable: boolean = false;
  static override readonly groups: readonly string[] = ["execution_error"];

  /** The task. */
  get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }
}

/**
 * A wait ended, and no live worker handles the task's type. The task waits on.
 *
 * Start a worker that has the handler and takes the queue: `windlass worker MODULE:APP --queues QUEUE`.
 */
export class WorkerNotAvailableError extends TaskTimeoutError {
  static override readonly name: string = "WorkerNotAvailableError";
  static override readonly code: string = "worker_not_available";
  static override readonly httpStatus: number = 503;
  static override readonly retryable: boolean = true;
  static override readonly groups: readonly string[] = ["distributed_execution_error", "execution_error"];

  /** The task. */
  override get taskId(): string {
    return (this.fields.task_id as string | undefined) ?? "";
  }

  /** Its type. */
  get taskType(): string {
    return (this.fields.task_type as string | undefined) ?? "";
  }

  /** The wait's timeout that passed, in seconds. */
  override get timeoutSeconds(): number {
    return (this.fields.timeout_seconds as number | undefined) ?? 0;
  }

  /** The wait's timeout that passed, in seconds. */
  override get timeout(): number {
    return (this.fields.timeout_seconds as number | undefined) ?? 0;
  }
}

/**
 * The worker has no handler for the type. The task was not harmed.
 *
 * Register the handler, or start a worker that has it.
 */
export class HandlerNotFoundError extends APIError {
  static override readonly name: string = "HandlerNotFoundError";
  static override readonly code: string = "handler_not_found";
  static override readonly httpStatus: number = 404;
  static override readonly retryable: boolean = false;

  /** The type. */
  get taskType(): string {
    return (this.fields.task_type as string | undefined) ?? "";
  }
}

/**
 * The client was closed. Nothing was done.
 *
 * Connect anew, or close later.
 */
export class ClientClosedError extends APIError {
  static override readonly name: string = "ClientClosedError";
  static override readonly code: string = "client_closed";
  static override readonly httpStatus: number = 503;
  static override readonly retryable: boolean = false;
}

/**
 * The URL names no store that this build knows.
 *
 * Use `sqlite:PATH`, `memory:` or `memory:NAME`.
 */
export class InvalidUrlError extends APIError {
  static override readonly name: string = "InvalidUrlError";
  static override readonly code: string = "invalid_url";
  static override readonly httpStatus: number = 400;
  static override readonly retryable: boolean = false;

  /** The URL, without its password. */
  get url(): string {
    return (this.fields.url as string | undefined) ?? "";
  }

  /** What is allowed. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * The store did not answer. Nothing is known about the write: it may have happened.
 *
 * Try again, with an idempotency key when it is a submit; `windlass doctor` says what is wrong with a file.
 */
export class StoreUnavailableError extends APIError {
  static override readonly name: string = "StoreUnavailableError";
  static override readonly code: string = "store_unavailable";
  static override readonly httpStatus: number = 503;
  static override readonly retryable: boolean = true;

  /** What was being done. */
  get operation(): string {
    return (this.fields.operation as string | undefined) ?? "";
  }

  /** What the store or system said. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * The disk is full. Nothing of this write was stored; what was stored before is safe.
 *
 * Make room on the disk, then try again.
 */
export class StoreFullError extends APIError {
  static override readonly name: string = "StoreFullError";
  static override readonly code: string = "store_full";
  static override readonly httpStatus: number = 507;
  static override readonly retryable: boolean = true;

  /** The file or database. */
  get location(): string {
    return (this.fields.location as string | undefined) ?? "";
  }
}

/**
 * The store cannot be written: a read-only file or folder.
 *
 * Give this user the right to write the file and its folder, or name another place.
 */
export class StoreReadOnlyError extends APIError {
  static override readonly name: string = "StoreReadOnlyError";
  static override readonly code: string = "store_read_only";
  static override readonly httpStatus: number = 500;
  static override readonly retryable: boolean = false;

  /** The file or folder. */
  get location(): string {
    return (this.fields.location as string | undefined) ?? "";
  }
}

/**
 * What is there is no Windlass store: another format, or damaged. It was not touched.
 *
 * Check the path. If the file should be a store, keep a copy and restore a backup.
 */
export class InvalidStoreError extends APIError {
  static override readonly name: string = "InvalidStoreError";
  static override readonly code: string = "invalid_store";
  static override readonly httpStatus: number = 500;
  static override readonly retryable: boolean = false;

  /** The file or database. */
  get location(): string {
    return (this.fields.location as string | undefined) ?? "";
  }

  /** What was found. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}

/**
 * The store was written by a version that this one cannot work beside. It was not touched.
 *
 * Install the version of Windlass that wrote it, or a newer one.
 */
export class SchemaIncompatibleError extends APIError {
  static override readonly name: string = "SchemaIncompatibleError";
  static override readonly code: string = "schema_incompatible";
  static override readonly httpStatus: number = 500;
  static override readonly retryable: boolean = false;

  /** The file or database. */
  get location(): string {
    return (this.fields.location as string | undefined) ?? "";
  }

  /** The schema version found, or the least one it demands. */
  get found(): number {
    return (this.fields.found as number | undefined) ?? 0;
  }

  /** The schema version of this build. */
  get supported(): number {
    return (this.fields.supported as number | undefined) ?? 0;
  }
}

/**
 * This argument or verb belongs to a part that is not built yet. Nothing was done.
 *
 * Leave the argument out; the CHANGELOG says when it lands.
 */
export class NotImplementedYetError extends APIError {
  static override readonly name: string = "NotImplementedYetError";
  static override readonly code: string = "not_implemented";
  static override readonly httpStatus: number = 501;
  static override readonly retryable: boolean = false;

  /** The argument or verb. */
  get feature(): string {
    return (this.fields.feature as string | undefined) ?? "";
  }
}

/**
 * A bug in Windlass.
 *
 * Please report it, with the text and what led to it.
 */
export class InternalError extends APIError {
  static override readonly name: string = "InternalError";
  static override readonly code: string = "internal";
  static override readonly httpStatus: number = 500;
  static override readonly retryable: boolean = false;

  /** What was found broken. */
  override get reason(): string {
    return (this.fields.reason as string | undefined) ?? "";
  }
}


const CLASSES: Readonly<Record<string, typeof WindlassError>> = {
  windlass_error: WindlassError,
  security_error: SecurityError,
  execution_error: ExecutionError,
  parallel_execution_error: ParallelExecutionError,
  distributed_execution_error: DistributedExecutionError,
  api_error: APIError,
  authentication_failed: AuthenticationError,
  rate_limited: RateLimitError,
  quota_exceeded: QuotaExceededError,
  circuit_breaker_open: CircuitBreakerOpenError,
  service_unavailable: ServiceUnavailableError,
  invalid_argument: InvalidArgumentError,
  invalid_payload: InvalidPayloadError,
  payload_too_large: PayloadTooLargeError,
  task_not_found: TaskNotFoundError,
  batch_not_found: BatchNotFoundError,
  pipeline_not_found: PipelineNotFoundError,
  idempotency_conflict: IdempotencyConflictError,
  queue_full: QueueFullError,
  lease_lost: LeaseLostError,
  invalid_transition: InvalidTransitionError,
  task_timeout: TaskTimeoutError,
  task_failed: TaskFailedError,
  task_cancelled: TaskCancelledError,
  worker_not_available: WorkerNotAvailableError,
  handler_not_found: HandlerNotFoundError,
  client_closed: ClientClosedError,
  invalid_url: InvalidUrlError,
  store_unavailable: StoreUnavailableError,
  store_full: StoreFullError,
  store_read_only: StoreReadOnlyError,
  invalid_store: InvalidStoreError,
  schema_incompatible: SchemaIncompatibleError,
  not_implemented: NotImplementedYetError,
  internal: InternalError,
};

/** The error with this code; an unknown one gives a plain `WindlassError`. */
export function fromCode(
  code: string,
  message = "",
  fields: Record<string, unknown> = {},
  cause?: unknown,
): WindlassError {
  const kind = Object.hasOwn(CLASSES, code) ? CLASSES[code]! : WindlassError;
  return new kind(message, cause === undefined ? { code, fields } : { code, fields, cause });
}

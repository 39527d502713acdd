# Generated from spec/errors.toml by spec/generate.py: do not edit.
"""Every error that Windlass raises: one class for one stable code.

Catch by class, or compare `code`; never read the message text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

__all__ = [
    "APIError",
    "AuthenticationError",
    "BatchNotFoundError",
    "CircuitBreakerOpenError",
    "ClientClosedError",
    "DistributedExecutionError",
    "ExecutionError",
    "HandlerNotFoundError",
    "IdempotencyConflictError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidPayloadError",
    "InvalidStoreError",
    "InvalidTransitionError",
    "InvalidUrlError",
    "LeaseLostError",
    "NotImplementedYetError",
    "ParallelExecutionError",
    "PayloadTooLargeError",
    "PipelineNotFoundError",
    "QueueFullError",
    "QuotaExceededError",
    "RateLimitError",
    "SchemaIncompatibleError",
    "SecurityError",
    "ServiceUnavailableError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnavailableError",
    "TaskCancelledError",
    "TaskErrorRecord",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskTimeoutError",
    "WindlassError",
    "WorkerNotAvailableError",
    "from_code",
]


class TaskErrorRecord(TypedDict, total=False):
    """The error of a failed attempt."""

    code: str
    message: str
    error_type: str | None
    traceback: str | None
    retryable: bool
    at: str | None


class WindlassError(Exception):
    """Base of every error that Windlass raises."""

    #: Stable code, the same in every language and on the wire.
    code: str = "windlass_error"
    #: The HTTP status that carries this error.
    http_status: ClassVar[int] = 500
    #: Whether the same call may succeed later without any change by the caller.
    retryable: ClassVar[bool] = False
    #: The error's values by their wire names.
    fields: dict[str, Any]

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), self.message, self.code, self.fields))


class SecurityError(WindlassError):
    """Somebody may not do what was asked, or could not prove who they are."""

    code = "security_error"


class ExecutionError(WindlassError):
    """Work could not be executed, or has ended without an answer."""

    code = "execution_error"


class ParallelExecutionError(ExecutionError):
    """A parallel block could not be executed."""

    code = "parallel_execution_error"


class DistributedExecutionError(ExecutionError):
    """Work that belongs to workers elsewhere could not be executed."""

    code = "distributed_execution_error"


class APIError(WindlassError):
    """The service refused the request itself, or gave no Windlass answer.

    As a class also the base of every error that a service answers with a code:
    `status_code` and `message` are on all of them, in process and remote.

    Check the URL: does a Windlass server of this version answer there? `reason` says
    what came back.
    """

    code = "api_error"

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        value: int = self.fields.get("status_code", self.http_status)
        return value

    @property
    def reason(self) -> str:
        """What it said, or what is wrong with the answer."""
        value: str = self.fields.get("reason", "")
        return value


class AuthenticationError(SecurityError, APIError):
    """The service did not accept who asks: no key, or a wrong one.

    Nothing was done.

    Give the key as `api_key` or in `WINDLASS_API_KEY`.
    """

    code = "authentication_failed"
    http_status = 401

    @property
    def reason(self) -> str:
        """What was missing or wrong; never the key itself."""
        value: str = self.fields.get("reason", "")
        return value


class RateLimitError(APIError):
    """Too many calls in too short a time.

    Nothing was done.

    Try again after `retry_after_seconds`. Clients over HTTP have done so already, up
    to their `max_retries`.
    """

    code = "rate_limited"
    http_status = 429
    retryable = True

    @property
    def retry_after_seconds(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value

    @property
    def retry_after(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value


class QuotaExceededError(APIError):
    """What was bought or allotted is used up.

    Nothing was done.

    Use less, or raise the quota that `quota_type` names.
    """

    code = "quota_exceeded"
    http_status = 429

    @property
    def quota_type(self) -> str:
        """What is limited."""
        value: str = self.fields.get("quota_type", "")
        return value

    @property
    def current(self) -> int:
        """How much is used."""
        value: int = self.fields.get("current", 0)
        return value

    @property
    def limit(self) -> int:
        """How much is allowed."""
        value: int = self.fields.get("limit", 0)
        return value


class CircuitBreakerOpenError(APIError, ConnectionError):
    """A circuit breaker keeps calls away from what failed before.

    Nothing was called.

    Wait `retry_after_seconds`; then one call goes through as a probe. Look for why
    the calls before failed.
    """

    code = "circuit_breaker_open"
    http_status = 503
    retryable = True

    @property
    def name(self) -> str:
        """The breaker."""
        value: str = self.fields.get("name", "")
        return value

    @property
    def retry_after_seconds(self) -> float:
        """When it lets a probe through, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value

    @property
    def retry_after(self) -> float:
        """When it lets a probe through, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value


class ServiceUnavailableError(APIError, ConnectionError):
    """The service is there but takes no more for now.

    It has too many connections or streams, or is going down. Nothing was done.

    Try again after `retry_after_seconds`; when it stays so, raise the server's
    limits or start another.
    """

    code = "service_unavailable"
    http_status = 503
    retryable = True

    @property
    def reason(self) -> str:
        """What is exhausted."""
        value: str = self.fields.get("reason", "")
        return value

    @property
    def retry_after_seconds(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value

    @property
    def retry_after(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value


class InvalidArgumentError(APIError, ValueError):
    """An argument or option is outside what is allowed.

    Nothing was changed.

    Correct the argument that `field` names; `reason` says what is allowed.
    """

    code = "invalid_argument"
    http_status = 400

    @property
    def field(self) -> str:
        """Name of the argument, as on the wire."""
        value: str = self.fields.get("field", "")
        return value

    @property
    def reason(self) -> str:
        """What is allowed, and what was given."""
        value: str = self.fields.get("reason", "")
        return value


class InvalidPayloadError(APIError, ValueError):
    """A payload, result or state is not JSON text as Windlass takes it.

    That is: NaN, a duplicate key, more than 127 levels, no JSON at all, or arguments
    that do not fit the handler. Nothing was changed.

    Send one JSON value with each key once; write NaN and infinities as null or text.
    """

    code = "invalid_payload"
    http_status = 400

    @property
    def field(self) -> str:
        """`payload`, `result`, `initial_state` or `metadata`."""
        value: str = self.fields.get("field", "")
        return value

    @property
    def reason(self) -> str:
        """What is wrong, with its place."""
        value: str = self.fields.get("reason", "")
        return value


class PayloadTooLargeError(APIError, ValueError):
    """A value is over its size limit.

    Nothing was changed.

    Store the data elsewhere and send its address, or split the work into more tasks.
    """

    code = "payload_too_large"
    http_status = 413

    @property
    def field(self) -> str:
        """Name of the value, as on the wire."""
        value: str = self.fields.get("field", "")
        return value

    @property
    def size_bytes(self) -> int:
        """Size given, in bytes."""
        value: int = self.fields.get("size_bytes", 0)
        return value

    @property
    def limit_bytes(self) -> int:
        """Most that is taken, in bytes."""
        value: int = self.fields.get("limit_bytes", 0)
        return value


class TaskNotFoundError(ExecutionError, APIError):
    """No task of this tenant has this id, or it was pruned.

    An id that is none, or that belongs to another tenant, gets the same answer.

    Check the id and the tenant; a finished task is kept for the retention time, 7
    days by default.
    """

    code = "task_not_found"
    http_status = 404

    @property
    def task_id(self) -> str:
        """The id as given; it may be no id at all."""
        value: str = self.fields.get("task_id", "")
        return value


class BatchNotFoundError(ExecutionError, APIError):
    """No batch of this tenant has this id, or all its tasks were pruned.

    An id that is none, or that belongs to another tenant, gets the same answer.

    Check the id and the tenant; finished tasks are kept for the retention time, 7
    days by default.
    """

    code = "batch_not_found"
    http_status = 404

    @property
    def batch_id(self) -> str:
        """The id as given; it may be no id at all."""
        value: str = self.fields.get("batch_id", "")
        return value


class PipelineNotFoundError(ExecutionError, APIError):
    """No pipeline of this tenant has this id, or it was pruned.

    An id that is none, or that belongs to another tenant, gets the same answer.

    Check the id and the tenant; a finished pipeline is kept for the retention time,
    7 days by default.
    """

    code = "pipeline_not_found"
    http_status = 404

    @property
    def pipeline_id(self) -> str:
        """The id as given; it may be no id at all."""
        value: str = self.fields.get("pipeline_id", "")
        return value


class IdempotencyConflictError(APIError):
    """The idempotency key was used before for another request.

    Its task type, queue or payload differs. Nothing was stored, the other tasks of
    the same call included.

    Use one key for one request: derive it from what makes the request unique.
    """

    code = "idempotency_conflict"
    http_status = 422

    @property
    def key(self) -> str:
        """The key."""
        value: str = self.fields.get("key", "")
        return value

    @property
    def task_id(self) -> str:
        """The task that holds it."""
        value: str = self.fields.get("task_id", "")
        return value


class QueueFullError(RateLimitError):
    """The queue is at its depth limit.

    Nothing was stored.

    Try again after `retry_after_seconds`, add workers, or raise the limit.
    """

    code = "queue_full"
    http_status = 429
    retryable = True

    @property
    def queue(self) -> str:
        """The queue."""
        value: str = self.fields.get("queue", "")
        return value

    @property
    def limit(self) -> int:
        """Its depth limit, in tasks."""
        value: int = self.fields.get("limit", 0)
        return value

    @property
    def retry_after_seconds(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value

    @property
    def retry_after(self) -> float:
        """When to try again, in seconds."""
        value: float = self.fields.get("retry_after_seconds", 0.0)
        return value


class LeaseLostError(APIError):
    """The lease is gone: it expired and was taken away, or was settled already.

    What was reported was not recorded.

    Drop the result: the task is run again or has ended another way. If it happens
    often, raise `lease_seconds`, or look for code that stops the whole process for
    long.
    """

    code = "lease_lost"
    http_status = 409

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value


class InvalidTransitionError(APIError, RuntimeError):
    """The task's status does not allow the verb.

    Nothing was changed.

    Read the task's status first; `needs` says which statuses allow the verb.
    """

    code = "invalid_transition"
    http_status = 409

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value

    @property
    def status(self) -> str:
        """Its status."""
        value: str = self.fields.get("status", "")
        return value

    @property
    def verb(self) -> str:
        """What was asked."""
        value: str = self.fields.get("verb", "")
        return value

    @property
    def needs(self) -> str:
        """The statuses that allow it."""
        value: str = self.fields.get("needs", "")
        return value


class TaskTimeoutError(ExecutionError, APIError, TimeoutError):
    """An attempt ran, or a wait lasted, longer than its timeout.

    A wait never touches the task: it goes on.

    Wait again, or longer; for an attempt, raise the task's `timeout_seconds` or make
    the handler faster.
    """

    code = "task_timeout"
    http_status = 504

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value

    @property
    def timeout_seconds(self) -> float:
        """The timeout that passed, in seconds."""
        value: float = self.fields.get("timeout_seconds", 0.0)
        return value

    @property
    def timeout(self) -> float:
        """The timeout that passed, in seconds."""
        value: float = self.fields.get("timeout_seconds", 0.0)
        return value


class TaskFailedError(ExecutionError, APIError):
    """The task failed for good; asked for its result, this is the answer.

    Read `error`, the last attempt's; mend the cause, then retry the task.
    """

    code = "task_failed"
    http_status = 422

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value

    @property
    def error(self) -> TaskErrorRecord:
        """The last attempt's error."""
        value: TaskErrorRecord = self.fields.get("error", TaskErrorRecord())
        return value


class TaskCancelledError(ExecutionError, APIError):
    """The task was cancelled; asked for its result, this is the answer.

    Submit it again, or retry it, if it is wanted after all.
    """

    code = "task_cancelled"
    http_status = 409

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value


class WorkerNotAvailableError(DistributedExecutionError, TaskTimeoutError):
    """A wait ended, and no live worker handles the task's type.

    The task waits on.

    Start a worker that has the handler and takes the queue: `windlass worker
    MODULE:APP --queues QUEUE`.
    """

    code = "worker_not_available"
    http_status = 503
    retryable = True

    @property
    def task_id(self) -> str:
        """The task."""
        value: str = self.fields.get("task_id", "")
        return value

    @property
    def task_type(self) -> str:
        """Its type."""
        value: str = self.fields.get("task_type", "")
        return value

    @property
    def timeout_seconds(self) -> float:
        """The wait's timeout that passed, in seconds."""
        value: float = self.fields.get("timeout_seconds", 0.0)
        return value

    @property
    def timeout(self) -> float:
        """The wait's timeout that passed, in seconds."""
        value: float = self.fields.get("timeout_seconds", 0.0)
        return value


class HandlerNotFoundError(APIError):
    """The worker has no handler for the type.

    The task was not harmed.

    Register the handler, or start a worker that has it.
    """

    code = "handler_not_found"
    http_status = 404

    @property
    def task_type(self) -> str:
        """The type."""
        value: str = self.fields.get("task_type", "")
        return value


class ClientClosedError(APIError, RuntimeError):
    """The client was closed.

    Nothing was done.

    Connect anew, or close later.
    """

    code = "client_closed"
    http_status = 503


class InvalidUrlError(APIError, ValueError):
    """The URL names no store that this build knows.

    Use `sqlite:PATH`, `memory:` or `memory:NAME`.
    """

    code = "invalid_url"
    http_status = 400

    @property
    def url(self) -> str:
        """The URL, without its password."""
        value: str = self.fields.get("url", "")
        return value

    @property
    def reason(self) -> str:
        """What is allowed."""
        value: str = self.fields.get("reason", "")
        return value


class StoreUnavailableError(APIError, ConnectionError):
    """The store did not answer.

    Nothing is known about the write: it may have happened.

    Try again, with an idempotency key when it is a submit; `windlass doctor` says
    what is wrong with a file.
    """

    code = "store_unavailable"
    http_status = 503
    retryable = True

    @property
    def operation(self) -> str:
        """What was being done."""
        value: str = self.fields.get("operation", "")
        return value

    @property
    def reason(self) -> str:
        """What the store or system said."""
        value: str = self.fields.get("reason", "")
        return value


class StoreFullError(APIError, ConnectionError):
    """The disk is full.

    Nothing of this write was stored; what was stored before is safe.

    Make room on the disk, then try again.
    """

    code = "store_full"
    http_status = 507
    retryable = True

    @property
    def location(self) -> str:
        """The file or database."""
        value: str = self.fields.get("location", "")
        return value


class StoreReadOnlyError(APIError, ConnectionError):
    """The store cannot be written: a read-only file or folder.

    Give this user the right to write the file and its folder, or name another place.
    """

    code = "store_read_only"

    @property
    def location(self) -> str:
        """The file or folder."""
        value: str = self.fields.get("location", "")
        return value


class InvalidStoreError(APIError, ConnectionError):
    """What is there is no Windlass store: another format, or damaged.

    It was not touched.

    Check the path. If the file should be a store, keep a copy and restore a backup.
    """

    code = "invalid_store"

    @property
    def location(self) -> str:
        """The file or database."""
        value: str = self.fields.get("location", "")
        return value

    @property
    def reason(self) -> str:
        """What was found."""
        value: str = self.fields.get("reason", "")
        return value


class SchemaIncompatibleError(APIError, ConnectionError):
    """The store was written by a version that this one cannot work beside.

    It was not touched.

    Install the version of Windlass that wrote it, or a newer one.
    """

    code = "schema_incompatible"

    @property
    def location(self) -> str:
        """The file or database."""
        value: str = self.fields.get("location", "")
        return value

    @property
    def found(self) -> int:
        """The schema version found, or the least one it demands."""
        value: int = self.fields.get("found", 0)
        return value

    @property
    def supported(self) -> int:
        """The schema version of this build."""
        value: int = self.fields.get("supported", 0)
        return value


class NotImplementedYetError(APIError, NotImplementedError):
    """This argument or verb belongs to a part that is not built yet.

    Nothing was done.

    Leave the argument out; the CHANGELOG says when it lands.
    """

    code = "not_implemented"
    http_status = 501

    @property
    def feature(self) -> str:
        """The argument or verb."""
        value: str = self.fields.get("feature", "")
        return value


class InternalError(APIError, RuntimeError):
    """A bug in Windlass.

    Please report it, with the text and what led to it.
    """

    code = "internal"

    @property
    def reason(self) -> str:
        """What was found broken."""
        value: str = self.fields.get("reason", "")
        return value


_CLASSES: dict[str, type[WindlassError]] = {
    "windlass_error": WindlassError,
    "security_error": SecurityError,
    "execution_error": ExecutionError,
    "parallel_execution_error": ParallelExecutionError,
    "distributed_execution_error": DistributedExecutionError,
    "api_error": APIError,
    "authentication_failed": AuthenticationError,
    "rate_limited": RateLimitError,
    "quota_exceeded": QuotaExceededError,
    "circuit_breaker_open": CircuitBreakerOpenError,
    "service_unavailable": ServiceUnavailableError,
    "invalid_argument": InvalidArgumentError,
    "invalid_payload": InvalidPayloadError,
    "payload_too_large": PayloadTooLargeError,
    "task_not_found": TaskNotFoundError,
    "batch_not_found": BatchNotFoundError,
    "pipeline_not_found": PipelineNotFoundError,
    "idempotency_conflict": IdempotencyConflictError,
    "queue_full": QueueFullError,
    "lease_lost": LeaseLostError,
    "invalid_transition": InvalidTransitionError,
    "task_timeout": TaskTimeoutError,
    "task_failed": TaskFailedError,
    "task_cancelled": TaskCancelledError,
    "worker_not_available": WorkerNotAvailableError,
    "handler_not_found": HandlerNotFoundError,
    "client_closed": ClientClosedError,
    "invalid_url": InvalidUrlError,
    "store_unavailable": StoreUnavailableError,
    "store_full": StoreFullError,
    "store_read_only": StoreReadOnlyError,
    "invalid_store": InvalidStoreError,
    "schema_incompatible": SchemaIncompatibleError,
    "not_implemented": NotImplementedYetError,
    "internal": InternalError,
}


def from_code(
    code: str,
    message: str = "",
    fields: Mapping[str, Any] | None = None,
) -> WindlassError:
    """The error with this code; an unknown one gives a plain `WindlassError`."""
    return _CLASSES.get(code, WindlassError)(message, code=code, fields=fields)


def _restore(
    kind: type[WindlassError],
    message: str,
    code: str,
    fields: dict[str, Any],
) -> WindlassError:
    return kind(message, code=code, fields=fields)

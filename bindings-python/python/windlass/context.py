"""What a handler is told about its task, and what it can tell."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Generator
from typing import Any

from windlass import _native


class _Told:
    """What has been told already; awaiting it is allowed and does nothing."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_TOLD = _Told()


class Context:
    """`ctx` of a handler: a parameter of that name, or annotated with this class."""

    __slots__ = ("_job", "_started", "_worker")

    def __init__(self, job: _native.Job, worker: _native.Worker, started: dt.datetime) -> None:
        self._job = job
        self._worker = worker
        self._started = started

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self._job.task_id

    @property
    def task_type(self) -> str:
        """The task's type."""
        return self._job.task_type

    @property
    def queue(self) -> str:
        """The queue it came from."""
        return self._job.queue

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._job.attempt

    @property
    def deadline(self) -> dt.datetime | None:
        """When this attempt times out; `None` without a timeout."""
        timeout = self._job.timeout
        return None if timeout is None else self._started + dt.timedelta(seconds=timeout)

    @property
    def labels(self) -> dict[str, str]:
        """The task's labels."""
        return self._job.labels

    @property
    def metadata(self) -> dict[str, Any]:
        """The task's metadata."""
        text = self._job.metadata
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    @property
    def traceparent(self) -> str | None:
        """W3C trace context given at submit."""
        return self._job.traceparent

    @property
    def batch_id(self) -> str | None:
        """The batch the task was submitted with."""
        return self._job.batch_id

    @property
    def idempotency_key(self) -> str | None:
        """The task's idempotency key."""
        return self._job.idempotency_key

    @property
    def is_cancelled(self) -> bool:
        """Whether the handler is asked to stop. A `def` handler looks here from time to time."""
        return self._job.cancel_reason is not None

    @property
    def cancel_reason(self) -> str | None:
        """Why: `requested`, `timeout`, `shutdown` or `lost`."""
        return self._job.cancel_reason

    def progress(self, percent: float, message: str | None = None) -> _Told:
        """Reports progress, 0 to 100. Told at once; may be awaited as well."""
        self._worker.progress(self._job.id, percent, message)
        return _TOLD

    def log(self, message: str, level: str = "info") -> _Told:
        """Writes a line to the task's log: `debug`, `info`, `warning`, `error`. May be awaited."""
        self._worker.log(self._job.id, level, message)
        return _TOLD

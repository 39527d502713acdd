"""What a handler is told about its task, and what it can tell."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Generator
from typing import Any

from windlass import _forms, _native, options
from windlass.upstream import Upstream

#: A state that nobody has looked at.
_UNTOUCHED: Any = object()


class _Told:
    """What has been told already; awaiting it is allowed and does nothing."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_TOLD = _Told()


class Context:
    """`ctx` of a handler: a parameter of that name, or annotated with this class."""

    __slots__ = ("_is_async", "_job", "_started", "_state", "_upstream", "_worker")

    def __init__(
        self,
        job: _native.Job,
        worker: _native.Worker,
        started: dt.datetime,
        is_async: bool = False,
    ) -> None:
        self._job = job
        self._worker = worker
        self._started = started
        self._is_async = is_async
        self._state: Any = _UNTOUCHED
        self._upstream: Upstream | None = None

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
    def block_id(self) -> str | None:
        """The block the task is a step of."""
        return self._job.block_id

    @property
    def pipeline_id(self) -> str | None:
        """The pipeline the task is a stage of."""
        return self._job.pipeline_id

    @property
    def stage(self) -> str | None:
        """The task's name in its pipeline."""
        return self._job.stage

    @property
    def upstream(self) -> Upstream:
        """What the tasks returned that this one waited for, by the names of their stages.

        `ctx.upstream["extract"]` in a `def` handler, `await ctx.upstream["extract"]` in a
        coroutine. See `Upstream`.
        """
        if self._upstream is None:
            self._upstream = Upstream(self._job.task_id, self._worker, self._is_async)
        return self._upstream

    @property
    def state_key(self) -> str | None:
        """Tasks with one key run one at a time, in submission order, and share a state."""
        return self._job.state_key

    @property
    def state(self) -> Any:
        """The state of the task's `state_key`: as the last task left it, else `initial_state`.

        `None` while there is none. Assign it, or change the dict or list that it is: as it stands
        when the handler returns it is stored together with the completion, or not at all.
        """
        if self._state is _UNTOUCHED:
            text = self._job.state
            self._state = None if text is None else _forms.decode(text)
        return self._state

    @state.setter
    def state(self, value: Any) -> None:
        """Raises `InvalidArgumentError` in a task that has no `state_key`."""
        if self._job.state_key is None:
            raise options.invalid("state", "the task has no state_key to keep a state under")
        self._state = value

    def _changed_state(self) -> str | None:
        """JSON text of the state where it changed; `InvalidPayloadError` where it has none."""
        if self._state is _UNTOUCHED or self._job.state_key is None:
            return None
        text = _forms.encode("state", self._state)
        before = self._job.state
        return None if text == before or (before is None and text == "null") else text

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

"""A task in its submitter's hands."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, Generic, TypeVar

from windlass import _bridge, _forms, _native
from windlass.options import Seconds
from windlass.task import Submission, Task, TaskStatus, Why
from windlass.updates import Updates

T = TypeVar("T")


class TaskHandle(Generic[T]):
    """One task: its result, status and history. Awaiting it gives its result.

    `result`, `status`, `cancel` and `why` block; `await handle`, `astatus`, `acancel` and `awhy`
    are their twins in a coroutine. `updates` works with `for` and `async for`.
    """

    __slots__ = ("_client", "_rebuild", "submission", "task_id")

    def __init__(
        self,
        client: _native.Client,
        task_id: str,
        rebuild: _forms.Rebuild | None = None,
        submission: Submission | None = None,
    ) -> None:
        self._client = client
        self._rebuild = rebuild
        #: The task's id.
        self.task_id = task_id
        #: What the submit answered; `None` for a task found by its id.
        self.submission = submission

    def result(self, timeout: Seconds | None = None) -> T:
        """The handler's answer, once it is there.

        Raises `TaskFailedError`, `TaskCancelledError`; when `timeout` seconds pass first
        `TaskTimeoutError`, or `WorkerNotAvailableError` if no live worker takes the task. In a
        coroutine use `await handle`.
        """
        _bridge.refuse_in_loop("`await handle`")
        return self._read(self._client.result(self.task_id, _forms.seconds(timeout)))

    async def aresult(self, timeout: Seconds | None = None) -> T:
        """The same in a coroutine."""
        seconds = _forms.seconds(timeout)
        return self._read(await self._client.result(self.task_id, seconds, _bridge.current()))

    def __await__(self) -> Generator[Any, None, T]:
        return self.aresult().__await__()

    def status(self) -> TaskStatus:
        """How the task stands."""
        return TaskStatus(json.loads(self._client.get(self.task_id)))

    async def astatus(self) -> TaskStatus:
        """The same in a coroutine."""
        return TaskStatus(json.loads(await self._client.get(self.task_id, _bridge.current())))

    def updates(self, after: int = 0) -> Updates:
        """The task's history after entry `after`, as it grows, until its final entry."""
        return Updates(self._client.updates(self.task_id, after))

    def cancel(self) -> Task:
        """Cancels the task: at once when it waits, by request when it runs."""
        return Task(json.loads(self._client.cancel(self.task_id)))

    async def acancel(self) -> Task:
        """The same in a coroutine."""
        return Task(json.loads(await self._client.cancel(self.task_id, _bridge.current())))

    def why(self) -> Why:
        """Why the task does not run now."""
        return Why(json.loads(self._client.why(self.task_id)))

    async def awhy(self) -> Why:
        """The same in a coroutine."""
        return Why(json.loads(await self._client.why(self.task_id, _bridge.current())))

    def _read(self, text: str) -> T:
        value = _forms.decode(text)
        if self._rebuild is not None and value is not None:
            value = self._rebuild(value)
        answer: T = value
        return answer

    def __repr__(self) -> str:
        return f"TaskHandle({self.task_id!r})"

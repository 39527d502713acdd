"""What happens to all tasks, followed as it happens, with `for` or `async for`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator

from windlass import _bridge, _forms, _native
from windlass.task import Failure
from windlass.view import View


class TaskEvent(View):
    """One change in the life of a task."""

    __slots__ = ()
    _shown = ("event", "task_id", "seq")

    @property
    def event(self) -> str:
        """`task.` and `submitted`, `scheduled`, `pending`, `started`, `completed`, `failed` or
        `cancelled`.
        """
        return str(self.record["event"])

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.record["task_id"])

    @property
    def seq(self) -> int:
        """Number of the entry in the task's history: one event for each task and number."""
        return int(self.record["seq"])

    @property
    def timestamp(self) -> dt.datetime:
        """When, by the store's clock."""
        return _forms.instant(self.record["at"])

    @property
    def queue(self) -> str:
        """The task's queue."""
        return str(self.record["queue"])

    @property
    def task_type(self) -> str:
        """The task's type."""
        return str(self.record["task_type"])

    @property
    def status(self) -> str:
        """The status that the task then had."""
        return str(self.record["status"])

    @property
    def attempt(self) -> int:
        """Attempts that counted by then."""
        return int(self.record["attempt"])

    @property
    def message(self) -> str:
        """Why, where there is something to say."""
        found = self.record.get("message") or (self.record.get("error") or {}).get("message")
        return str(found or "")

    @property
    def error(self) -> Failure | None:
        """The failed attempt's error."""
        found = self.record.get("error")
        return None if found is None else Failure(found)

    @property
    def worker(self) -> str | None:
        """The worker of the attempt, where it is known."""
        return self.record.get("worker")


class TaskEvents(Iterator[TaskEvent], AsyncIterator[TaskEvent]):
    """What happens to tasks from when this was made; it does not end by itself.

    Each event comes once, about a quarter of a second after it happened, those of one task in
    order. When several thousand tasks change within that time, or nobody reads for long, some are
    missing; `Client.stream_task` misses nothing of its one task. An error of the connection does
    not end it: the next step goes on. One reader at a time.
    """

    def __init__(self, native: _native.Events) -> None:
        self._native = native

    def __iter__(self) -> TaskEvents:
        return self

    def __next__(self) -> TaskEvent:
        _bridge.refuse_in_loop("`async for`")
        text = self._native.next()
        if text is None:
            raise StopIteration
        return TaskEvent(json.loads(text))

    def __aiter__(self) -> TaskEvents:
        return self

    async def __anext__(self) -> TaskEvent:
        text = await self._native.next(_bridge.current())
        if text is None:
            raise StopAsyncIteration
        return TaskEvent(json.loads(text))

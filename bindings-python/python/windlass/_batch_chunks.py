"""The tasks of a batch on their way to the store: in chunks, so that memory stays flat."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from windlass import _forms, options
from windlass._verbs import spec
from windlass.calls import TaskCall

#: Tasks of one chunk, at most.
TASKS = 5_000
#: Characters of one chunk: it ends with the task that reaches this.
SIZE = 4_000_000

#: A task of a batch: its `payload` and options, or a handler with its arguments.
BatchTask = Mapping[str, Any] | TaskCall[Any]


class Recorder:
    """Makes records of tasks: what a task says goes before what is common."""

    def __init__(self, common: Mapping[str, Any]) -> None:
        self._common = common
        self._prefix = options.wire(common)

    def record(self, task: BatchTask) -> str:
        """The record of one task."""
        if isinstance(task, TaskCall):
            return task.record(self._common)
        if not isinstance(task, Mapping):
            raise options.invalid("tasks", f"must hold mappings or bound calls, not {task!r:.40}")
        if task.keys() == {"payload"}:
            return options.record(self._prefix, _forms.encode("payload", task["payload"]))
        own = {key: value for key, value in task.items() if key != "payload"}
        return spec(task.get("payload"), {**self._common, **own})


class Chunk:
    """A chunk that is being filled."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self._size = 0

    def add(self, record: str) -> list[str] | None:
        """Adds a record; the chunk when it is full."""
        self.records.append(record)
        self._size += len(record)
        if len(self.records) < TASKS and self._size < SIZE:
            return None
        full, self.records, self._size = self.records, [], 0
        return full


def chunks(tasks: Iterable[BatchTask], recorder: Recorder) -> Iterator[list[str]]:
    """The records in chunks, none of them empty."""
    chunk = Chunk()
    for task in tasks:
        if full := chunk.add(recorder.record(task)):
            yield full
    if chunk.records:
        yield chunk.records


async def achunks(
    tasks: Iterable[BatchTask] | AsyncIterable[BatchTask], recorder: Recorder
) -> AsyncIterator[list[str]]:
    """The same of an asynchronous iterable, too."""
    if not isinstance(tasks, AsyncIterable):
        for full in chunks(tasks, recorder):
            yield full
        return
    chunk = Chunk()
    async for task in tasks:
        if records := chunk.add(recorder.record(task)):
            yield records
    if chunk.records:
        yield chunk.records

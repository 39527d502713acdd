"""A pipeline's history as `monitor` tells it: changes of stages, then the end, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

from windlass import _bridge, _native
from windlass.stages import StageChange, percent
from windlass.view import Record

_FINAL = ("completed", "failed", "cancelled")


class _Reading:
    """What was read so far."""

    def __init__(self, stages: int, ended: set[str]) -> None:
        self._stages = stages
        self._ended = ended
        #: An end of the pipeline that may not be the last: a retry opens it again.
        self._end: Record | None = None

    def take(self, text: str) -> StageChange | None:
        """Takes an entry in; what it tells, if it is a change of a stage."""
        record: Record = json.loads(text)
        # Whatever follows an end says that it was none.
        self._end = None
        if record["kind"] == "member":
            note = self._ended.add if record["status"] in _FINAL else self._ended.discard
            note(record["member_id"])
            return StageChange(record, percent(len(self._ended), self._stages))
        if record["status"] in _FINAL:
            self._end = record
        return None

    def end(self) -> StageChange | None:
        """The end, once."""
        record, self._end = self._end, None
        if record is None:
            return None
        return StageChange(record, 100.0)


class Monitor(Iterator[StageChange]):
    """Changes of stages as they happen, then one item for the end of the pipeline."""

    def __init__(self, native: _native.Updates, stages: int, ended: set[str]) -> None:
        self._native = native
        self._reading = _Reading(stages, ended)

    def __iter__(self) -> Monitor:
        return self

    def __next__(self) -> StageChange:
        _bridge.refuse_in_loop("an AsyncClient and `async for`")
        while (text := self._native.next()) is not None:
            if change := self._reading.take(text):
                return change
        if end := self._reading.end():
            return end
        raise StopIteration


class AsyncMonitor(AsyncIterator[StageChange]):
    """The same for coroutines. Cancelling who reads leaves the pipeline alone."""

    def __init__(self, native: _native.Updates, stages: int, ended: set[str]) -> None:
        self._native = native
        self._reading = _Reading(stages, ended)

    def __aiter__(self) -> AsyncMonitor:
        return self

    async def __anext__(self) -> StageChange:
        bridge = _bridge.current()
        while (text := await self._native.next(bridge)) is not None:
            if change := self._reading.take(text):
                return change
        if end := self._reading.end():
            return end
        raise StopAsyncIteration

"""A pipeline's history as `monitor` tells it, with `for` or `async for`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

from windlass import _bridge, _native
from windlass.stages import StageChange


class Monitor(Iterator[StageChange], AsyncIterator[StageChange]):
    """Changes of stages as they happen, then one item for the end of the pipeline.

    Cancelling who reads leaves the pipeline alone. One reader at a time.
    """

    def __init__(self, client: _native.Client, pipeline_id: str, stages: int, after: int) -> None:
        # From the first entry on, whatever is told of them: what had ended stands in all.
        self._updates = client.updates(pipeline_id, 0)
        self._changes = _native.Changes(stages, after)

    def __iter__(self) -> Monitor:
        return self

    def __next__(self) -> StageChange:
        _bridge.refuse_in_loop("an AsyncClient and `async for`")
        while (entry := self._updates.next()) is not None:
            if (change := self._changes.take(entry)) is not None:
                return StageChange(json.loads(change))
        if (end := self._changes.end()) is not None:
            return StageChange(json.loads(end))
        raise StopIteration

    def __aiter__(self) -> Monitor:
        return self

    async def __anext__(self) -> StageChange:
        bridge = _bridge.current()
        while (entry := await self._updates.next(bridge)) is not None:
            if (change := self._changes.take(entry)) is not None:
                return StageChange(json.loads(change))
        if (end := self._changes.end()) is not None:
            return StageChange(json.loads(end))
        raise StopAsyncIteration

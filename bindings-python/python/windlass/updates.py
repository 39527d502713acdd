"""A task's history, followed as it grows, with `for` or `async for`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

from windlass import _bridge, _native
from windlass.task import TaskUpdate


class Updates(Iterator[TaskUpdate], AsyncIterator[TaskUpdate]):
    """Every entry of a task's history, in order, once; ends after the final one.

    Resume with the last `seq` seen. One reader at a time.
    """

    def __init__(self, native: _native.Updates) -> None:
        self._native = native

    def __iter__(self) -> Updates:
        return self

    def __next__(self) -> TaskUpdate:
        _bridge.refuse_in_loop("`async for`")
        text = self._native.next()
        if text is None:
            raise StopIteration
        return TaskUpdate(json.loads(text))

    def __aiter__(self) -> Updates:
        return self

    async def __anext__(self) -> TaskUpdate:
        text = await self._native.next(_bridge.current())
        if text is None:
            raise StopAsyncIteration
        return TaskUpdate(json.loads(text))

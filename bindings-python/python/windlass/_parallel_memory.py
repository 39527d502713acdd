"""Equal steps of a block that run once (`enable_caching`)."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

from windlass._parallel_block import Block
from windlass._parallel_results import ParallelExecutionResult
from windlass._parallel_step import Call


class Memory:
    """What steps of one block returned, for the equal ones that follow.

    A step is equal to another when both pickle to the same bytes: then 1, 1.0 and True are three
    steps. What cannot be pickled is equal to nothing. Only what completed is remembered: a step
    equal to one that failed runs itself.
    """

    def __init__(self, block: Block) -> None:
        # The calls need to know which step they are for.
        block.steps = list(enumerate(block.steps))
        self._values: dict[bytes, Any] = {}
        self._shared: set[int] = set()
        #: Held while a step runs that equal ones wait for.
        self._running: dict[bytes, asyncio.Lock] = {}
        self._locks: dict[bytes, threading.Lock] = {}

    def around(self, call: Call, is_async: bool) -> Call:
        """The call that looks first whether there is an answer already."""

        async def awaited(numbered: tuple[int, Any]) -> Any:
            index, step = numbered
            key = _key(step)
            if key is None:
                return await call(step)
            async with self._running.setdefault(key, asyncio.Lock()):
                if key in self._values:
                    self._shared.add(index)
                else:
                    self._values[key] = await call(step)
                return self._values[key]

        def called(numbered: tuple[int, Any]) -> Any:
            index, step = numbered
            key = _key(step)
            if key is None:
                return call(step)
            # `setdefault` gives every thread the same one.
            with self._locks.setdefault(key, threading.Lock()):
                if key in self._values:
                    self._shared.add(index)
                else:
                    value = call(step)
                    if hasattr(type(value), "__await__"):
                        # It can be awaited once only.
                        return value
                    self._values[key] = value
                return self._values[key]

        return awaited if is_async else called

    def mark(self, result: ParallelExecutionResult[Any]) -> None:
        """Says `cached` in the metadata of the steps that did not run."""
        for index in self._shared:
            result.results[index].metadata["cached"] = True


def _key(step: Any) -> bytes | None:
    try:
        return pickle.dumps(step)
    except Exception:
        return None

"""Durable blocks: steps as tasks, judged by their strategy in the store."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator
from typing import Any

from windlass import _bridge, _forms, _native
from windlass.options import Seconds
from windlass.parallel import ParallelExecutionResult, ParallelTaskResult
from windlass.updates import Updates
from windlass.view import Record


class StoredBlock:
    """A block in its submitter's hands."""

    __slots__ = ("_client", "_compose", "deduplicated", "task_id")

    def __init__(self, client: _native.Client, task_id: str, deduplicated: bool = False) -> None:
        self._client = client
        self._compose = client.compose()
        #: The block: also the id of the task that stands for it.
        self.task_id = task_id
        #: Whether its idempotency key was known, so that nothing new was stored.
        self.deduplicated = deduplicated

    def stream(self, after: int = 0) -> Updates:
        """Its history from entry `after` on: a `member` entry for each change of a step."""
        return Updates(self._client.updates(self.task_id, after))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_id!r})"


class BlockHandle(StoredBlock):
    """A block, for blocking code. Errors of every verb: `TaskNotFoundError`."""

    __slots__ = ()

    def status(self) -> ParallelExecutionResult[Any]:
        """How it stands: `overall_status` is `running` before the verdict."""
        return result_of(json.loads(self._compose.block(self.task_id)))

    def wait(self, timeout: Seconds | None = None) -> ParallelExecutionResult[Any]:
        """What it came to, once its strategy has decided. A block that failed raises nothing here.

        Raises `TaskTimeoutError` when `timeout` passes first; the block goes on then.
        """
        _bridge.refuse_in_loop("an AsyncClient")
        self._client.wait([self.task_id], _forms.seconds(timeout), False)
        return self.status()

    def result(self, timeout: Seconds | None = None) -> list[Any]:
        """What its completed steps returned, in the order of the steps.

        Raises `ParallelExecutionError` unless it completed; else as `wait`.
        """
        return self.wait(timeout).values()

    def cancel(self) -> ParallelExecutionResult[Any]:
        """Cancels it at once, and its unfinished steps with it. No error when it has ended."""
        self._client.cancel(self.task_id)
        return self.status()


class AsyncBlockHandle(StoredBlock):
    """A block, for coroutines. Awaiting it waits for its verdict."""

    __slots__ = ()

    async def status(self) -> ParallelExecutionResult[Any]:
        """How it stands: `overall_status` is `running` before the verdict."""
        return result_of(json.loads(await self._compose.block(self.task_id, _bridge.current())))

    async def wait(self, timeout: Seconds | None = None) -> ParallelExecutionResult[Any]:
        """What it came to, once its strategy has decided. See `BlockHandle.wait`."""
        seconds = _forms.seconds(timeout)
        await self._client.wait([self.task_id], seconds, False, _bridge.current())
        return await self.status()

    def __await__(self) -> Generator[Any, None, ParallelExecutionResult[Any]]:
        return self.wait().__await__()

    async def result(self, timeout: Seconds | None = None) -> list[Any]:
        """What its completed steps returned. See `BlockHandle.result`."""
        return (await self.wait(timeout)).values()

    async def cancel(self) -> ParallelExecutionResult[Any]:
        """Cancels it at once, and its unfinished steps with it."""
        await self._client.cancel(self.task_id, _bridge.current())
        return await self.status()


def result_of(record: Record) -> ParallelExecutionResult[Any]:
    """What a block came to, from its record."""
    steps = [
        ParallelTaskResult[Any](**_known(step, ParallelTaskResult)) for step in record["results"]
    ]
    return ParallelExecutionResult(**{**_known(record, ParallelExecutionResult), "results": steps})


def _known(record: Record, kind: type[Any]) -> dict[str, Any]:
    """The fields that a class has: a newer server may tell more."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in record.items() if name in names}

"""Batches whose tasks are added bit by bit; nobody sees them before their seal."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING

from windlass import _bridge, _native
from windlass._batch_chunks import BatchTask, Recorder, achunks, chunks
from windlass._composed import taken
from windlass.batch import AsyncBatchHandle, BatchHandle
from windlass.calls import TaskCall

if TYPE_CHECKING:
    from typing_extensions import Self


class OpenBatch:
    """A batch that is not sealed yet, for blocking code."""

    def __init__(
        self, client: _native.Client, batch_id: str, recorder: Recorder, chunk: int = 0
    ) -> None:
        self._client = client
        self._compose = client.compose()
        self._recorder = recorder
        self._next = chunk
        #: The batch.
        self.batch_id = batch_id
        #: Tasks added so far.
        self.total = 0
        #: The sealed batch.
        self.handle: BatchHandle | None = None

    def add(self, tasks: BatchTask | Iterable[BatchTask]) -> int:
        """Adds tasks, or one: durable when it returns. How many there are now.

        Tasks are written as those of `submit_batch`; a long iterable goes in chunks. Raises as
        `submit_task`, and `BatchNotFoundError` once it is sealed.
        """
        for chunk in chunks(_listed(tasks), self._recorder):
            self.total = self._compose.extend_batch(self.batch_id, self._next, chunk)
            self._next += 1
        return self.total

    def seal(self) -> BatchHandle:
        """Makes it visible, whole: its tasks may run from now on.

        Raises `QueueFullError` and `IdempotencyConflictError`: then nothing has changed, and it can
        be sealed again.
        """
        self.handle = BatchHandle(self._client, *taken(self._compose.seal_batch(self.batch_id)))
        return self.handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self.handle is None:
            self.seal()

    def __repr__(self) -> str:
        return f"OpenBatch({self.batch_id!r}, total={self.total})"


class AsyncOpenBatch:
    """The same for coroutines. It is begun by `async with`, or by the first `add`."""

    def __init__(
        self,
        client: _native.Client,
        record: str,
        recorder: Recorder,
        chunk: int = 0,
        batch_id: str | None = None,
    ) -> None:
        self._client = client
        self._compose = client.compose()
        self._record = record
        self._recorder = recorder
        self._next = chunk
        #: The batch, once it is begun.
        self.batch_id = batch_id
        #: Tasks added so far.
        self.total = 0
        #: The sealed batch.
        self.handle: AsyncBatchHandle | None = None

    async def _begun(self) -> str:
        if self.batch_id is None:
            self.batch_id = await self._compose.open_batch(self._record, _bridge.current())
        return self.batch_id

    async def add(self, tasks: BatchTask | Iterable[BatchTask] | AsyncIterable[BatchTask]) -> int:
        """Adds tasks, or one: durable when it returns. See `OpenBatch.add`."""
        batch_id = await self._begun()
        many = tasks if isinstance(tasks, AsyncIterable) else _listed(tasks)
        async for chunk in achunks(many, self._recorder):
            self.total = await self._compose.extend_batch(
                batch_id, self._next, chunk, _bridge.current()
            )
            self._next += 1
        return self.total

    async def seal(self) -> AsyncBatchHandle:
        """Makes it visible, whole. See `OpenBatch.seal`."""
        stored = await self._compose.seal_batch(await self._begun(), _bridge.current())
        self.handle = AsyncBatchHandle(self._client, *taken(stored))
        return self.handle

    async def __aenter__(self) -> Self:
        await self._begun()
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None and self.handle is None:
            await self.seal()

    def __repr__(self) -> str:
        return f"AsyncOpenBatch({self.batch_id!r}, total={self.total})"


def _listed(tasks: BatchTask | Iterable[BatchTask]) -> Iterable[BatchTask]:
    if isinstance(tasks, (Mapping, TaskCall)):
        return [tasks]
    return tasks

"""Batches: many tasks with one id, one progress and one end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Generator, Iterable
from typing import Any

from windlass import _bridge, _forms, _native
from windlass.options import Seconds
from windlass.task import Submission
from windlass.updates import Updates
from windlass.view import View


class Batch(View):
    """Tasks that were submitted together, as they stand."""

    __slots__ = ()
    _shown = ("batch_id", "status", "total", "progress")

    @property
    def batch_id(self) -> str:
        """Its id."""
        return str(self.record["batch_id"])

    @property
    def status(self) -> str:
        """`pending` while nothing has begun, `running` while something is open.

        Then `failed` when a task failed, else `cancelled` when one was cancelled, else `completed`.
        """
        return str(self.record["status"])

    @property
    def is_final(self) -> bool:
        """Whether every task has ended."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def total(self) -> int:
        """How many tasks it has."""
        return int(self.record["total"])

    @property
    def counts(self) -> dict[str, int]:
        """Tasks by status; zeros are left out."""
        return dict(self.record["counts"])

    @property
    def completed(self) -> int:
        """Tasks that completed."""
        return self.counts.get("completed", 0)

    @property
    def failed(self) -> int:
        """Tasks that failed for good."""
        return self.counts.get("failed", 0)

    @property
    def cancelled(self) -> int:
        """Tasks that were cancelled."""
        return self.counts.get("cancelled", 0)

    @property
    def progress(self) -> float:
        """How many of its tasks have ended, in percent."""
        return float(self.record["progress"])

    @property
    def name(self) -> str | None:
        """For people."""
        return self.record.get("name")

    @property
    def created_at(self) -> dt.datetime | None:
        """When it was stored."""
        return self._instant("created_at")

    @property
    def finished_at(self) -> dt.datetime | None:
        """When its last task ended."""
        return self._instant("finished_at")

    @property
    def hooks(self) -> dict[str, str]:
        """Ids of the tasks that run when it has ended, by `on_complete`, `on_success`, …"""
        return dict(self.record.get("hooks") or {})


class StoredBatch:
    """A batch in its submitter's hands: its id, and those of its tasks where they are known."""

    __slots__ = ("_client", "_others", "batch_id", "deduplicated", "task_ids")

    def __init__(
        self,
        client: _native.Client,
        batch_id: str,
        task_ids: Iterable[str] = (),
        others: Iterable[tuple[int, str, bool]] = (),
        deduplicated: bool = False,
    ) -> None:
        self._client = client
        # Places of tasks that were not stored new and pending. A hundred thousand ids are enough.
        self._others = {place: (status, known) for place, status, known in others}
        #: The batch.
        self.batch_id = batch_id
        #: The tasks' ids, in order; empty for a batch that was found by its id.
        self.task_ids = list(task_ids)
        #: Whether its own idempotency key was known, so that nothing new was stored.
        self.deduplicated = deduplicated

    @property
    def submissions(self) -> list[Submission]:
        """One for each task, in order."""
        found = []
        for place, task_id in enumerate(self.task_ids):
            status, known = self._others.get(place, ("pending", False))
            found.append(Submission._from((task_id, status, known, self.batch_id)))
        return found

    def stream(self, after: int = 0) -> Updates:
        """One stream for all: an entry of kind `member` for each task that ends, then the end.

        From entry `after` on, with `for` or `async for`.
        """
        return Updates(self._client.updates(self.batch_id, after))

    def __len__(self) -> int:
        return len(self.task_ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredBatch) and other.batch_id == self.batch_id

    def __hash__(self) -> int:
        return hash(self.batch_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.batch_id!r}, tasks={len(self.task_ids)})"


class BatchHandle(StoredBatch):
    """A batch, for blocking code. Errors of every verb: `BatchNotFoundError`."""

    __slots__ = ()

    def status(self) -> Batch:
        """How it stands."""
        return Batch(json.loads(self._client.batch(self.batch_id)))

    @property
    def progress(self) -> float:
        """How many of its tasks have ended, in percent: asked for now."""
        return self.status().progress

    def wait(self, timeout: Seconds | None = None) -> Batch:
        """How it ended, once every task has. Raises `TaskTimeoutError`; the batch goes on then.

        A retry of one of its tasks opens it again.
        """
        _bridge.refuse_in_loop("an AsyncClient")
        self._client.wait([self.batch_id], _forms.seconds(timeout), False)
        return self.status()

    def cancel(self) -> Batch:
        """Cancels every task that has not ended; how it stands then."""
        return Batch(json.loads(self._client.cancel_batch(self.batch_id)))


class AsyncBatchHandle(StoredBatch):
    """A batch, for coroutines. Awaiting it waits for its end."""

    __slots__ = ()

    async def status(self) -> Batch:
        """How it stands."""
        return Batch(json.loads(await self._client.batch(self.batch_id, _bridge.current())))

    @property
    async def progress(self) -> float:
        """How many of its tasks have ended, in percent: `await handle.progress`."""
        return (await self.status()).progress

    async def wait(self, timeout: Seconds | None = None) -> Batch:
        """How it ended, once every task has. See `BatchHandle.wait`."""
        seconds = _forms.seconds(timeout)
        await self._client.wait([self.batch_id], seconds, False, _bridge.current())
        return await self.status()

    def __await__(self) -> Generator[Any, None, Batch]:
        return self.wait().__await__()

    async def cancel(self) -> Batch:
        """Cancels every task that has not ended; how it stands then."""
        text = await self._client.cancel_batch(self.batch_id, _bridge.current())
        return Batch(json.loads(text))

"""Batches, pipelines, blocks and states: what the client for coroutines has of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from windlass import _forms
from windlass import _native as native
from windlass._batch_chunks import BatchTask, Recorder, achunks
from windlass._bridge import current
from windlass._composed import Hook, begun, block_record, pipelines, taken
from windlass._verbs import AsyncPages
from windlass.batch import AsyncBatchHandle, Batch
from windlass.block import AsyncBlockHandle
from windlass.open_batch import AsyncOpenBatch
from windlass.options import BatchOptions, Labels, RetryOptions, Seconds
from windlass.pipeline import AsyncPipeline
from windlass.stages import PipelineSummary
from windlass.upstream import read_upstream

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncComposing:
    """The verbs of composition."""

    _native: native.Client

    @cached_property
    def _compose(self) -> native.Compose:
        return self._native.compose()

    async def submit_batch(
        self,
        tasks: Iterable[BatchTask] | AsyncIterable[BatchTask],
        task_type: str | None = None,
        priority: int | str | None = None,
        *,
        name: str | None = None,
        on_complete: Hook | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        labels: Labels | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> AsyncBatchHandle:
        """Stores many tasks, all or none, as one batch; durable when it returns.

        Each task is a mapping with its `payload` and options of its own, or a handler with its
        arguments: `thumbnail.bind("a.jpg")`. `task_type`, `priority` and `options`, those of
        `submit_task`, hold for tasks that do not say otherwise; `labels` and `metadata` also are
        the batch's own. Any iterable will do, asynchronous or not: a long one goes in chunks,
        and nobody sees any of its tasks before the last one is there. At most 100,000.

        `on_complete` runs once every task has ended, `on_success` when all completed, `on_failure`
        when one did not: a task, written as those of the batch. It reads the batch's counts as
        `ctx.upstream["batch"]`. One `idempotency_key` is one batch.

        Errors as `submit_task`.
        """
        record, recorder = begun(
            {"task_type": task_type, "priority": priority, **options},
            {"name": name, "idempotency_key": idempotency_key},
            {"labels": labels, "metadata": metadata},
            {"on_complete": on_complete, "on_success": on_success, "on_failure": on_failure},
        )
        parts = achunks(tasks, recorder)
        first: list[str] = await anext(parts, [])
        second = await anext(parts, None)
        if second is None:
            stored = await self._compose.submit_batch(record, first, current())
            return AsyncBatchHandle(self._native, *taken(stored))
        batch_id = await self._compose.open_batch(record, current())
        await self._compose.extend_batch(batch_id, 0, first, current())
        del first
        number = 1
        while second is not None:
            await self._compose.extend_batch(batch_id, number, second, current())
            second, number = await anext(parts, None), number + 1
        stored = await self._compose.seal_batch(batch_id, current())
        return AsyncBatchHandle(self._native, *taken(stored))

    def open_batch(
        self,
        task_type: str | None = None,
        priority: int | str | None = None,
        *,
        name: str | None = None,
        on_complete: Hook | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        labels: Labels | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> AsyncOpenBatch:
        """Begins a batch whose tasks are added bit by bit. Arguments as `submit_batch`.

        Nobody sees any of it before `seal()`; one that is never sealed is forgotten after a day.
        With `async with`, the end of the block seals it, and an error leaves it unsealed. It is
        begun by the block or by the first `add`.
        """
        record, recorder = begun(
            {"task_type": task_type, "priority": priority, **options},
            {"name": name, "idempotency_key": idempotency_key},
            {"labels": labels, "metadata": metadata},
            {"on_complete": on_complete, "on_success": on_success, "on_failure": on_failure},
        )
        return AsyncOpenBatch(self._native, record, recorder)

    def continue_batch(
        self,
        batch_id: str,
        chunk: int,
        task_type: str | None = None,
        priority: int | str | None = None,
        **options: Unpack[BatchOptions],
    ) -> AsyncOpenBatch:
        """A batch that was begun elsewhere and is not sealed; what is added begins with this chunk.

        Chunks count from 0; one that is there already is replaced.
        """
        common = {"task_type": task_type, "priority": priority, **options}
        return AsyncOpenBatch(self._native, "{}", Recorder(common), chunk, batch_id)

    async def get_batch(self, batch_id: str) -> Batch:
        """How the tasks of a batch stand, counted. Raises `BatchNotFoundError`."""
        return Batch(json.loads(await self._native.batch(batch_id, current())))

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Cancels every task of a batch that has not ended, as `cancel_task` does.

        Raises `BatchNotFoundError`.
        """
        return Batch(json.loads(await self._native.cancel_batch(batch_id, current())))

    def batch_handle(self, batch_id: str) -> AsyncBatchHandle:
        """A handle on a batch that is known by its id; without its tasks' ids."""
        return AsyncBatchHandle(self._native, batch_id)

    def create_pipeline(
        self,
        name: str,
        *,
        labels: Labels | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncPipeline:
        """A pipeline to add stages to. Nothing is stored before its `execute`.

        `labels` and `metadata` are those of the pipeline itself; one `idempotency_key` is one
        pipeline.
        """
        return AsyncPipeline(
            self._native, name, labels=labels, metadata=metadata, idempotency_key=idempotency_key
        )

    async def get_pipeline(self, pipeline_id: str) -> AsyncPipeline:
        """A pipeline that is stored. Raises `PipelineNotFoundError`."""
        text = await self._compose.pipeline(pipeline_id, current())
        pipeline = AsyncPipeline(self._native, "")
        pipeline._found(text)
        return pipeline

    def list_pipelines(
        self,
        labels: Labels | None = None,
        *,
        status: str | Iterable[str] | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int | None = None,
    ) -> AsyncPages[PipelineSummary]:
        """Pipelines that match everything given, newest first.

        `async for` fetches page by page, `await` gives a list. Arguments and errors as
        `list_tasks`.
        """
        listing = pipelines(labels, status, since, until, limit)
        return AsyncPages(self._native, listing)

    async def submit_block(
        self,
        block: Mapping[str, Any] | Iterable[Any],
        strategy: str | None = None,
        *,
        name: str | None = None,
        task_type: str | None = None,
        max_concurrency: int | None = None,
        timeout: Seconds | None = None,
        quorum: int | None = None,
        rate_per_second: float | None = None,
        queue: str | None = None,
        priority: int | str | None = None,
        retry: RetryOptions | None = None,
        labels: Labels | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncBlockHandle:
        """Stores a block of steps under a strategy; durable, and judged by the store itself.

        `block` holds the steps, or is a mapping with `steps` and the other fields of a block, for
        which arguments go first. Each step becomes the payload of a task of `task_type`; without
        one a step's `function` names its handler, else the default handler runs it. `strategy` is
        `all` (default), `any_success`, `race`, `throttled` or `quorum`. At most `max_concurrency`
        steps run at once. After `timeout` seconds the verdict is `timeout`, and what is unfinished
        is cancelled.

        Raises `InvalidArgumentError`, also for `custom`, whose function cannot travel, and
        `InvalidPayloadError` for a step that has no JSON form.
        """
        record = block_record(
            block,
            {
                "strategy": strategy,
                "name": name,
                "task_type": task_type,
                "max_concurrency": max_concurrency,
                "timeout": timeout,
                "quorum": quorum,
                "rate_per_second": rate_per_second,
                "queue": queue,
                "priority": priority,
                "retry": retry,
                "labels": labels,
                "idempotency_key": idempotency_key,
            },
        )
        stored = json.loads(await self._compose.submit_block(record, current()))
        return AsyncBlockHandle(self._native, stored["task_id"], stored["deduplicated"])

    def block_handle(self, block_id: str) -> AsyncBlockHandle:
        """A handle on a block that is known by its id."""
        return AsyncBlockHandle(self._native, block_id)

    async def get_state(self, state_key: str) -> Any:
        """The state that was stored last under a key; `None` when there is none."""
        text = await self._compose.state(state_key, current())
        return None if text is None else _forms.decode(text)

    async def upstream(self, task_id: str, name: str) -> Any:
        """What a task's handler reads as `ctx.upstream[name]`.

        Raises `MissingUpstreamError`, `TaskNotFoundError`.
        """
        return read_upstream(name, await self._compose.upstream(task_id, name, current()))

    async def upstream_names(self, task_id: str) -> list[str]:
        """The names that a task's handler finds in `ctx.upstream`. Raises `TaskNotFoundError`."""
        return await self._compose.upstream_names(task_id, current())

"""The client for coroutines: the same verbs on the same native code."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from windlass import _forms, _log
from windlass._async_composing import AsyncComposing
from windlass._bridge import current
from windlass._hands import AsyncHands
from windlass._verbs import AsyncPages, Listing, matching, spec
from windlass.client import WAIT
from windlass.connection import ConnectOptions, connect
from windlass.handle import TaskHandle
from windlass.lifecycle import TaskEvents
from windlass.options import RetryOptions, Seconds
from windlass.queues import Changed, ClusterHealth, Count, QueueInfo, Tally
from windlass.task import (
    BatchStatuses,
    LogEntry,
    Submission,
    Task,
    TaskStatus,
    Why,
)
from windlass.updates import Updates

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from windlass import _native


class AsyncClient(AsyncComposing, AsyncHands):
    """A connection to a task store, with the arguments and verbs of `Client` as coroutines.

    One client serves any number of event loops.
    """

    def __init__(self, url: str | None = None, **options: Unpack[ConnectOptions]) -> None:
        self._native = connect(url, options)

    @classmethod
    def _over(cls, native: _native.Client) -> Self:
        client = cls.__new__(cls)
        client._native = native
        return client

    @property
    def location(self) -> str:
        """What and where the store is."""
        return self._native.location()

    async def submit_task(
        self,
        payload: Any = None,
        task_type: str | None = None,
        priority: int | str | None = None,
        timeout: Seconds | None = None,
        idempotency_key: str | None = None,
        labels: Mapping[str, str | int | float | bool] | None = None,
        tee_required: bool = False,
        state_key: str | None = None,
        initial_state: Any = None,
        *,
        queue: str | None = None,
        run_at: dt.datetime | None = None,
        delay: Seconds | None = None,
        max_retries: int | None = None,
        retry: RetryOptions | None = None,
        metadata: Mapping[str, Any] | None = None,
        traceparent: str | None = None,
        **unknown: Any,
    ) -> Submission:
        """Stores one task; durable when it returns.

        `task_type` names the handler; `stateless` (the default) and `stateful` leave that to
        `payload["function"]`, else to the worker's default handler. `priority` is 1 to 5, lower
        first, or `critical`, `high`, `normal`, `low`, `background`. `timeout` limits one attempt,
        in seconds. One `idempotency_key` is one task: the same request again answers the same id.

        Raises `InvalidArgumentError`, `InvalidPayloadError`, `PayloadTooLargeError`,
        `IdempotencyConflictError`, `QueueFullError`.
        """
        record = spec(
            payload,
            {
                "task_type": task_type,
                "priority": priority,
                "timeout": timeout,
                "idempotency_key": idempotency_key,
                "labels": labels,
                "tee_required": tee_required,
                "state_key": state_key,
                "initial_state": initial_state,
                "queue": queue,
                "run_at": run_at,
                "delay": delay,
                "max_retries": max_retries,
                "retry": retry,
                "metadata": metadata,
                "traceparent": traceparent,
                **unknown,
            },
        )
        return Submission._from((await self._native.submit([record], False, current()))[0])

    async def get_task(self, task_id: str) -> Task:
        """The task. Raises `TaskNotFoundError`."""
        return Task(json.loads(await self._native.get(task_id, current())))

    async def get_task_status(self, task_id: str) -> TaskStatus:
        """How the task stands. Raises `TaskNotFoundError`."""
        return TaskStatus(json.loads(await self._native.get(task_id, current())))

    async def get_batch_status(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        """How the tasks stand, by id. Raises `TaskNotFoundError` for the first unknown id."""
        ids = list(task_ids)
        records = json.loads(await self._native.get_many(ids, current()))
        return dict(zip(ids, map(TaskStatus, records), strict=True))

    def list_tasks(
        self,
        labels: Mapping[str, str | int | float | bool] | None = None,
        *,
        status: str | Sequence[str] | None = None,
        task_type: str | None = None,
        queue: str | None = None,
        batch_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        error: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Task]:
        """Tasks that match, newest first: `async for` fetches page by page, `await` gives a list.

        Arguments and errors as `Client.list_tasks`.
        """
        given = matching(labels, status, task_type, queue, batch_id, since, until, error)
        return AsyncPages(self._native, Listing({**given, "kind": kind}, limit, Task))

    async def count_tasks(
        self,
        labels: Mapping[str, str | int | float | bool] | None = None,
        *,
        status: str | Sequence[str] | None = None,
        task_type: str | None = None,
        queue: str | None = None,
        batch_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        error: str | None = None,
        most: int | None = None,
    ) -> Tally:
        """How many tasks match everything given, as in `list_tasks`.

        Counting stops at `most`, 100,000 unless told. Raises `InvalidArgumentError`.
        """
        given = matching(labels, status, task_type, queue, batch_id, since, until, error)
        answer = await self._native.matching("count", **given, most=most, bridge=current())
        return Tally(json.loads(answer))

    async def cancel_tasks(
        self,
        labels: Mapping[str, str | int | float | bool] | None = None,
        *,
        status: str | Sequence[str] | None = None,
        task_type: str | None = None,
        queue: str | None = None,
        batch_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        error: str | None = None,
        most: int | None = None,
        cursor: str | None = None,
    ) -> Changed:
        """Cancels the tasks that match, newest first, each as `cancel_task` does.

        What has ended stays as it is and does not count; at most `most` are changed, 10,000
        unless told. `cursor` goes on from the `next` of the answer before. Raises
        `InvalidArgumentError`, also when nothing says which tasks.
        """
        given = matching(labels, status, task_type, queue, batch_id, since, until, error)
        answer = await self._native.matching(
            "cancel", **given, most=most, cursor=cursor, bridge=current()
        )
        return Changed(json.loads(answer))

    async def retry_tasks(
        self,
        labels: Mapping[str, str | int | float | bool] | None = None,
        *,
        status: str | Sequence[str] | None = None,
        task_type: str | None = None,
        queue: str | None = None,
        batch_id: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        error: str | None = None,
        most: int | None = None,
        cursor: str | None = None,
    ) -> Changed:
        """Runs the failed and cancelled tasks that match again, newest first.

        Others stay as they are and do not count. Calls that go on with `cursor` pass every task
        once; one without begins at the newest again, and finds what failed again meanwhile.
        Bound and errors as `cancel_tasks`.
        """
        given = matching(labels, status, task_type, queue, batch_id, since, until, error)
        answer = await self._native.matching(
            "retry", **given, most=most, cursor=cursor, bridge=current()
        )
        return Changed(json.loads(answer))

    async def wait_for_task(
        self, task_id: str, timeout: Seconds | None = WAIT, poll_interval: Seconds = 2.0
    ) -> TaskStatus:
        """How the task ended, `completed`, `failed` or `cancelled` alike.

        Returns as soon as it ends; `poll_interval` is accepted and not needed. Raises
        `TaskTimeoutError` when `timeout` passes first, `WorkerNotAvailableError` if then no live
        worker takes the task. The task is not touched.
        """
        records = await self._native.wait([task_id], _forms.seconds(timeout), False, current())
        return TaskStatus(json.loads(records)[0])

    async def wait_for_batch(
        self,
        task_ids: Sequence[str],
        timeout: Seconds | None = WAIT,
        fail_fast: bool = False,
        *,
        cancel_rest: bool = False,
        progress: bool = False,
    ) -> BatchStatuses:
        """How the tasks ended, in the order of their ids.

        With `fail_fast` returns at the first failure, the others as they stand then; with
        `cancel_rest` those are cancelled, too. `progress` shows a bar. Errors as `wait_for_task`.
        """
        ids, seconds = list(task_ids), _forms.seconds(timeout)
        if progress:
            from windlass.progress import await_with_bar

            records = await await_with_bar(self._native, ids, seconds, fail_fast)
        else:
            records = json.loads(await self._native.wait(ids, seconds, fail_fast, current()))
        statuses = BatchStatuses(map(TaskStatus, records))
        if cancel_rest and statuses.first_failure is not None:
            for index, status in enumerate(statuses):
                if not status.is_final:
                    statuses[index] = TaskStatus(
                        json.loads(await self._native.cancel(status.task_id, current()))
                    )
        return statuses

    def stream_task(self, task_id: str, after: int = 0) -> Updates:
        """The task's history after entry `after`, as it grows, until its final entry.

        Raises `TaskNotFoundError`.
        """
        return Updates(self._native.updates(task_id, after))

    def events(self, queue: str | None = None, task_type: str | None = None) -> TaskEvents:
        """What happens to tasks from now on, of one queue or type if one is given.

        Endless: leave the loop when you have seen enough.
        """
        return TaskEvents(self._native.events(queue, task_type))

    async def get_task_logs(self, task_id: str) -> list[LogEntry]:
        """The lines that the handler logged so far. Raises `TaskNotFoundError`."""
        lines: list[LogEntry] = []
        after = 0
        while entries := json.loads(await self._native.history(task_id, after, 1000, current())):
            lines += (LogEntry(entry) for entry in entries if entry["kind"] == "log")
            after = entries[-1]["seq"]
        return lines

    async def cancel_task(self, task_id: str) -> Task:
        """Cancels the task: at once when it waits, by request when it runs.

        A finished task is no error and stays as it is. Raises `TaskNotFoundError`.
        """
        return Task(json.loads(await self._native.cancel(task_id, current())))

    async def retry_task(self, task_id: str) -> Task:
        """Runs a failed or cancelled task again.

        Raises `TaskNotFoundError`, `InvalidTransitionError`.
        """
        return Task(json.loads(await self._native.retry(task_id, current())))

    async def why(self, task_id: str) -> Why:
        """Why the task does not run now. Raises `TaskNotFoundError`."""
        return Why(json.loads(await self._native.why(task_id, current())))

    async def counts(self) -> list[Count]:
        """How many tasks each queue has in each status."""
        return [Count(entry) for entry in json.loads(await self._native.counts(current()))]

    async def queues(self) -> list[QueueInfo]:
        """The queues that have tasks or are paused, by name."""
        return [QueueInfo(entry) for entry in json.loads(await self._native.queues(current()))]

    async def pause_queue(self, name: str) -> QueueInfo:
        """Has workers of every process take nothing from the queue, until it is resumed. Durable.

        Tasks are still accepted, and what runs goes on. Again is no error. Raises
        `InvalidArgumentError` for a name that no queue can have.
        """
        return QueueInfo(json.loads(await self._native.pause(name, True, current())))

    async def resume_queue(self, name: str) -> QueueInfo:
        """Lets a paused queue go on. Again is no error."""
        return QueueInfo(json.loads(await self._native.pause(name, False, current())))

    async def cluster_health(self) -> ClusterHealth:
        """How the store, its queues and its workers are."""
        _log.sync()
        health = ClusterHealth(json.loads(await self._native.cluster_health(current())))
        _log.logger.debug("%s answers: %r", self._native.location(), health)
        return health

    def handle(self, task_id: str) -> TaskHandle[Any]:
        """A handle on a task that is known by its id."""
        return TaskHandle(self._native, task_id)

    async def close(self) -> None:
        """Releases the store. Calls after it raise `ClientClosedError`."""
        await self._native.close(current())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{self._native!r}"

"""The connection of an app under test: every call is answered at once, in the caller's thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from windlass import _native
from windlass.errors import TaskTimeoutError

#: Turns of the loop that a waiting coroutine gives whoever is to run the tasks.
TURNS = 10

_FINAL = ("completed", "failed", "cancelled")


class InlineNative:
    """Stands where a `_native.Client` stands, and passes everything on to one.

    A coroutine gets its answer without a native thread, so that a run repeats itself. A wait for a
    task that nobody runs, which would never end, is refused.
    """

    def __init__(self, native: _native.Client) -> None:
        self._native = native
        #: Changes specs before they are stored.
        self.prepare: Callable[[list[str]], list[str]] = list
        #: Called with what was stored; with a verb that changed something, and what it named.
        self.submitted: Callable[[list[_native.Stored]], None] = ignore
        self.touched: Callable[[str, str], None] = ignore
        #: Whether somebody runs tasks now.
        self.is_driven = False
        self._waiting: list[asyncio.Future[None]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._native, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            bridge = kwargs.pop("bridge", None)
            given = args
            if args and isinstance(args[-1], _native.Bridge):
                given, bridge = args[:-1], args[-1]
            return self._answer(lambda: method(*given, **kwargs), bridge)

        return call

    def submit(self, specs: list[str], batch: bool, bridge: _native.Bridge | None = None) -> Any:
        """Stores tasks."""

        def store() -> list[_native.Stored]:
            stored = self._native.submit(self.prepare(specs), batch)
            self.submitted(stored)
            return stored

        return self._answer(store, bridge)

    def compose(self) -> InlineCompose:
        """The verbs on batches, pipelines, blocks and states."""
        return InlineCompose(self)

    def cancel(self, task_id: str, bridge: _native.Bridge | None = None) -> Any:
        """Cancels a task."""
        return self._touch("cancel", bridge, task_id)

    def retry(self, task_id: str, bridge: _native.Bridge | None = None) -> Any:
        """Retries a task."""
        return self._touch("retry", bridge, task_id)

    def cancel_batch(self, batch_id: str, bridge: _native.Bridge | None = None) -> Any:
        """Cancels a batch."""
        return self._touch("cancel_batch", bridge, batch_id)

    def pause(self, queue: str, paused: bool, bridge: _native.Bridge | None = None) -> Any:
        """Pauses a queue, or lets it go on."""
        return self._touch("pause", bridge, queue, paused)

    def wait(
        self,
        task_ids: list[str],
        timeout: float | None,
        fail_fast: bool,
        bridge: _native.Bridge | None = None,
    ) -> Any:
        """Waits for tasks; see `_wait`."""

        def ask(timeout: float | None) -> str:
            return self._native.wait(task_ids, timeout, fail_fast)

        return self._wait(task_ids, timeout, fail_fast, ask, bridge)

    def result(
        self, task_id: str, timeout: float | None, bridge: _native.Bridge | None = None
    ) -> Any:
        """Waits for a task; see `_wait`."""

        def ask(timeout: float | None) -> str:
            return self._native.result(task_id, timeout)

        return self._wait([task_id], timeout, False, ask, bridge)

    def updates(self, task_id: str, after: int) -> InlineUpdates:
        """A task's history."""
        self._native.updates(task_id, after)
        return InlineUpdates(self, task_id, after)

    def close(self, bridge: _native.Bridge | None = None) -> Any:
        """Does nothing: what opened the store closes it."""
        return self._answer(lambda: None, bridge)

    def __repr__(self) -> str:
        return repr(self._native)

    def changed(self) -> None:
        """Tells those who wait that a task has moved on."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _wake(future)

    def _touch(self, verb: str, bridge: _native.Bridge | None, named: str, *more: Any) -> Any:
        def touch() -> Any:
            answer = getattr(self._native, verb)(named, *more)
            self.touched(verb, named)
            self.changed()
            return answer

        return self._answer(touch, bridge)

    def _answer(self, call: Callable[[], Any], bridge: _native.Bridge | None) -> Any:
        """The answer, or for a coroutine, which passes a bridge, something to await."""
        if bridge is None:
            return call()

        async def turn() -> Any:
            # Others go on before it is done, and before the caller knows, as with a real store.
            await asyncio.sleep(0)
            answer = call()
            await asyncio.sleep(0)
            return answer

        return turn()

    def _wait(
        self,
        ids: Sequence[str],
        timeout: float | None,
        fail_fast: bool,
        ask: Callable[[float | None], str],
        bridge: _native.Bridge | None,
    ) -> str | Coroutine[Any, Any, str]:
        if bridge is not None:
            return self._await(ids, timeout, fail_fast, ask)
        if timeout != 0 and not self._is_over(ids, fail_fast):
            raise RuntimeError(
                "this waits for a task that nobody runs meanwhile: in a test run it first, "
                "with run_until_idle()"
            )
        return ask(timeout)

    async def _await(
        self,
        ids: Sequence[str],
        timeout: float | None,
        fail_fast: bool,
        ask: Callable[[float | None], str],
    ) -> str:
        loop = asyncio.get_running_loop()
        until = None if timeout is None else loop.time() + timeout
        await self.wait_until(lambda: self._is_over(ids, fail_fast), until)
        if self._is_over(ids, fail_fast):
            return ask(None)
        # Not the store's own error: by its clock no time has passed, and it knows of no worker.
        waited = next(id for id in ids if not self._is_over([id], False))
        raise TaskTimeoutError(
            f"task {waited} timed out after {timeout:g}s",
            fields={"task_id": waited, "timeout_seconds": timeout},
        )

    async def wait_until(self, condition: Callable[[], bool], until: float | None = None) -> None:
        """Waits, on the loop's time, for as long as somebody runs tasks."""
        loop = asyncio.get_running_loop()
        idle = 0
        while True:
            await asyncio.sleep(0)
            if condition() or (until is not None and loop.time() >= until):
                return
            if self.is_driven:
                future: asyncio.Future[None] = loop.create_future()
                self._waiting.append(future)
                timer = None if until is None else loop.call_at(until, _wake, future)
                try:
                    await future
                finally:
                    if timer is not None:
                        timer.cancel()
                continue
            idle += 1
            if idle > TURNS:
                raise RuntimeError(
                    "this waits for a task that nobody runs meanwhile: in a test run it first, "
                    "with `await arun_until_idle()`, or beside this wait with asyncio.gather"
                )

    def _is_over(self, ids: Sequence[str], fail_fast: bool) -> bool:
        statuses = [record["status"] for record in json.loads(self._native.get_many(list(ids)))]
        if fail_fast and any(status in ("failed", "cancelled") for status in statuses):
            return True
        return all(status in _FINAL for status in statuses)


class InlineCompose:
    """Stands where a `_native.Compose` stands."""

    def __init__(self, inline: InlineNative) -> None:
        self._inline = inline
        self._native = inline._native.compose()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._native, name)

        def call(*args: Any) -> Any:
            bridge = None
            if args and (args[-1] is None or isinstance(args[-1], _native.Bridge)):
                args, bridge = args[:-1], args[-1]
            return self._inline._answer(lambda: method(*args), bridge)

        return call

    def submit_batch(
        self, batch: str, tasks: list[str], bridge: _native.Bridge | None = None
    ) -> Any:
        """Stores a batch."""
        prepared = self._inline.prepare(tasks)
        return self._store(lambda: self._native.submit_batch(batch, prepared), _of_batch, bridge)

    def extend_batch(
        self, batch_id: str, chunk: int, tasks: list[str], bridge: _native.Bridge | None = None
    ) -> Any:
        """Adds a chunk to a batch."""
        prepared = self._inline.prepare(tasks)
        call = self._native.extend_batch
        return self._inline._answer(lambda: call(batch_id, chunk, prepared), bridge)

    def seal_batch(self, batch_id: str, bridge: _native.Bridge | None = None) -> Any:
        """Makes a batch visible."""
        return self._store(lambda: self._native.seal_batch(batch_id), _of_batch, bridge)

    def submit_pipeline(self, pipeline: str, bridge: _native.Bridge | None = None) -> Any:
        """Stores a pipeline."""
        if self._inline.prepare is not list:
            record = json.loads(pipeline)
            stages = self._inline.prepare([json.dumps(stage) for stage in record["stages"]])
            pipeline = json.dumps({**record, "stages": list(map(json.loads, stages))})
        return self._store(lambda: self._native.submit_pipeline(pipeline), _of_pipeline, bridge)

    def submit_block(self, block: str, bridge: _native.Bridge | None = None) -> Any:
        """Stores a block."""
        return self._store(lambda: self._native.submit_block(block), _of_block, bridge)

    def cancel_pipeline(self, pipeline_id: str, bridge: _native.Bridge | None = None) -> Any:
        """Cancels a pipeline."""
        call = self._native.cancel_pipeline
        return self._touch("cancel", pipeline_id, lambda: call(pipeline_id), bridge)

    def retry_pipeline(
        self, pipeline_id: str, stage: str | None = None, bridge: _native.Bridge | None = None
    ) -> Any:
        """Runs stages of a pipeline again."""
        call = self._native.retry_pipeline
        return self._touch("retry", pipeline_id, lambda: call(pipeline_id, stage), bridge)

    def _store(
        self,
        call: Callable[[], Any],
        stored: Callable[[Any], list[_native.Stored]],
        bridge: _native.Bridge | None,
    ) -> Any:
        def store() -> Any:
            answer = call()
            self._inline.submitted(stored(answer))
            return answer

        return self._inline._answer(store, bridge)

    def _touch(
        self, verb: str, named: str, call: Callable[[], Any], bridge: _native.Bridge | None
    ) -> Any:
        def touch() -> Any:
            answer = call()
            self._inline.touched(verb, named)
            self._inline.changed()
            return answer

        return self._inline._answer(touch, bridge)


def _of_batch(answer: _native.StoredBatch) -> list[_native.Stored]:
    batch_id, deduplicated, task_ids, _ = answer
    return [(task_id, "pending", deduplicated, batch_id) for task_id in task_ids]


def _of_pipeline(answer: str) -> list[_native.Stored]:
    record = json.loads(answer)
    return [(record["pipeline_id"], record["status"], record["deduplicated"], None)]


def _of_block(answer: str) -> list[_native.Stored]:
    record = json.loads(answer)
    return [(record["task_id"], record["status"], record["deduplicated"], None)]


class InlineUpdates:
    """Stands where `_native.Updates` stands."""

    def __init__(self, inline: InlineNative, task_id: str, after: int) -> None:
        self._inline = inline
        self._task_id = task_id
        self._after = after
        self._is_over = False

    def next(self, bridge: _native.Bridge | None = None) -> Any:
        """The next entry's record, `None` after the final one."""
        if bridge is not None:
            return self._anext()
        found = self._look()
        if found is None and not self._is_over:
            raise RuntimeError(
                "this waits for news of a task that nobody runs meanwhile: in a test run it first, "
                "with run_until_idle()"
            )
        return found

    async def _anext(self) -> str | None:
        found: str | None = None

        def look() -> bool:
            nonlocal found
            found = self._look()
            return found is not None or self._is_over

        await self._inline.wait_until(look)
        return found

    def _look(self) -> str | None:
        if self._is_over:
            return None
        entries = json.loads(self._inline._native.history(self._task_id, self._after, 1))
        if not entries:
            # Only the entry that ends it says that it is the last; a reader may begin behind it.
            record = json.loads(self._inline._native.get(self._task_id))
            self._is_over = record["status"] in _FINAL
            return None
        self._after = entries[0]["seq"]
        return json.dumps(entries[0])


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def ignore(*_: Any) -> None:
    """Nobody wants to know."""

"""Coroutine handlers: one asyncio task each on the worker's loop.

Jobs come in batches, outcomes go back once for each turn of the loop: few crossings for many tasks.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windlass import _attempt, _bridge, _native
from windlass._attempt import Told
from windlass.errors import InvalidPayloadError

if TYPE_CHECKING:
    from windlass.handler import Handler

#: Jobs claimed at once, at most; core gives no more than there are free slots.
CLAIM = 1000


class LoopLane:
    """Runs coroutine handlers."""

    def __init__(
        self, worker: _native.Worker, handlers: Mapping[str, Handler[..., ..., Any, Any]]
    ) -> None:
        self._worker = worker
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._outcomes: list[tuple[int, Told]] = []

    async def run(self) -> None:
        """Claims jobs until no more will come."""
        bridge = _bridge.current()
        while jobs := await self._worker.claim(CLAIM, bridge):
            self._start(jobs)

    def _start(self, jobs: list[_native.Claimed]) -> None:
        create, running = self._loop.create_task, self._running
        for claimed in jobs:
            # A task of its own: it can be cancelled alone, and what it sets stays in its context.
            running[claimed[0]] = create(self._attempt(*claimed))

    async def _attempt(self, id: int, name: str, payload: str, job: _native.Job) -> None:
        handler = self._handlers[name]
        try:
            try:
                kwargs = _attempt.arguments(handler, payload, job, self._worker)
            except InvalidPayloadError as error:
                told = _attempt.misfit(error)
            else:
                told = _attempt.told(handler, await handler.fn(**kwargs), kwargs)
        except asyncio.CancelledError as error:
            told = _attempt.cancelled(job, error)
        except GeneratorExit:
            # The loop is gone: nobody is left to tell.
            raise
        except KeyboardInterrupt as error:
            self._tell(id, _attempt.failed(error))
            raise
        except BaseException as error:
            told = _attempt.failed(error)
        self._tell(id, told)

    def _tell(self, id: int, told: Told) -> None:
        self._running.pop(id, None)
        if not self._outcomes:
            # Not in the context of the handler that happens to end first.
            self._loop.call_soon(self._flush, context=self._context)
        self._outcomes.append((id, told))

    def _flush(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        # Freed slots are filled from what lies ready; the claim under way waits for new work.
        self._start(self._worker.turn(outcomes, CLAIM))

    def cancel(self, id: int) -> None:
        """Cancels the coroutine of a job."""
        if (task := self._running.get(id)) is not None:
            task.cancel()

    def abandon(self, id: int) -> None:
        """Gives a coroutine up that ignores its cancellation."""
        self._running.pop(id, None)

    def has(self, id: int) -> bool:
        """Whether the job runs here."""
        return id in self._running

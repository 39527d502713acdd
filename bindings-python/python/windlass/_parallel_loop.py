"""Coroutine steps: slots on the running loop, each of which runs one step after the other.

A slot is a task, so that steps run at once, can be cancelled, and find a task of their own; that
no task is made for each step is what makes it fast. What a task of its own would keep to a step is
kept as well: a slot whose step changed its context, or that was cancelled, ends, and another takes
its place.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from windlass._parallel_block import Block, clock, failure
from windlass._parallel_results import ParallelTaskResult
from windlass._parallel_step import Call

#: How long steps that never wait may hold the loop before others have their turn, in seconds.
TURN = 0.005


def _asker(task: Any) -> Callable[[], Any]:
    """Asks whether a task was cancelled: a step may do that to its own, and must meet no other."""
    if hasattr(task, "cancelling"):
        found: Callable[[], Any] = task.cancelling
        return found
    # Python 3.10 tells it by no public name.
    return lambda: task._must_cancel


class LoopLane:
    """Runs the steps of a block on the running loop."""

    def __init__(self, block: Block, call: Call) -> None:
        self._block = block
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._slots: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._wake: float | None = None
        self._turn = clock()
        self._is_turning = False
        self._is_stopped = False

    async def run(self) -> None:
        """Runs the block to its verdict, and until no step of it runs any more.

        Raises what ended the block instead. When the caller is cancelled, so are the steps, and
        they are awaited.
        """
        self._tell()
        try:
            await self._ended
        except asyncio.CancelledError:
            self._block.cancel()
            self._follow()
            await self._wait()
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if await self._wait():
            raise asyncio.CancelledError
        self._block.tell()
        if self._block.error is not None:
            raise self._block.error

    async def _wait(self) -> bool:
        """Until every slot ended. Says whether the caller was cancelled meanwhile."""
        is_cancelled = False
        while self._slots:
            try:
                await asyncio.wait(self._slots)
                # Their callbacks come after.
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                is_cancelled = True
        return is_cancelled

    def _tell(self) -> None:
        self._block.tell()
        self._follow()

    def _follow(self, here: int = 0) -> None:
        """Does what core wants; the caller takes `here` of the steps that are ready itself."""
        block = self._block
        if block.is_over:
            self._stop()
            return
        free = block.terms.max_concurrency - len(self._slots)
        for _ in range(min(len(block.ready) - here, free)):
            self._open()
        if block.wake != self._wake:
            self._arm(block.wake)

    def _stop(self) -> None:
        # Once: a loser may take its time to clean up.
        if self._is_stopped:
            return
        self._is_stopped = True
        current = asyncio.current_task(self._loop)
        for task in self._slots:
            if task is not current:
                task.cancel()
        if not self._ended.done():
            self._ended.set_result(None)

    def _arm(self, wake: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake = wake
        if wake is not None:
            delay = max(0.0, wake - clock())
            self._timer = self._loop.call_later(delay, self._alarm, context=self._context)

    def _alarm(self) -> None:
        self._timer = self._wake = None
        self._tell()

    def _open(self) -> None:
        # In the caller's context, not in that of the step that happened to end.
        task = self._context.copy().run(self._loop.create_task, self._slot())
        self._slots.add(task)
        task.add_done_callback(self._close, context=self._context)

    def _close(self, task: asyncio.Task[None]) -> None:
        self._slots.discard(task)
        error = None if task.cancelled() else task.exception()
        block = self._block
        if error is not None:
            block.fail(error)
            self._tell()
        elif not block.is_over:
            if block.ready:
                self._follow()
            elif block.is_quiet and not self._slots:
                self._tell()

    def _next_turn(self) -> None:
        self._turn = clock()
        self._is_turning = False

    async def _slot(self) -> None:
        block, call, copy, context = (
            self._block,
            self._call,
            contextvars.copy_context,
            self._context,
        )
        ready, steps, results, prefix = block.ready, block.steps, block.results, block.prefix
        is_quiet, make = block.is_quiet, ParallelTaskResult
        is_cancelled = _asker(asyncio.current_task())
        completed = failed = cancelled = 0
        now = clock()
        try:
            while ready:
                if now - self._turn > TURN:
                    # All slots share a turn: the loop looks for input only when each of them waits.
                    if not self._is_turning:
                        self._is_turning = True
                        self._loop.call_soon(self._next_turn, context=context)
                    await asyncio.sleep(0)
                    now = clock()
                    continue
                index = ready.popleft()
                task_id = f"{prefix}{index}"
                started = now
                try:
                    value = await call(steps[index])
                    now = clock()
                    results[index] = make(task_id, "completed", value, None, now - started)
                    completed += 1
                except asyncio.CancelledError:
                    now = clock()
                    results[index] = make(task_id, "cancelled", None, None, now - started)
                    cancelled += 1
                except (KeyboardInterrupt, SystemExit, GeneratorExit):
                    raise
                except BaseException as error:
                    now = clock()
                    results[index] = failure(task_id, error, now - started)
                    failed += 1
                if not is_quiet:
                    block.ended(index)
                    self._follow(1)
                try:
                    if is_cancelled() or copy() != context:
                        return
                except Exception:
                    # What the step has set cannot be compared: it is not what was there before.
                    return
        finally:
            if is_quiet:
                block.completed += completed
                block.failed += failed
                block.cancelled += cancelled
            # An error leads to the frames below it, from Python 3.12 on: not from there to the
            # results, which hold the error.
            del self, block, call, ready, steps, results

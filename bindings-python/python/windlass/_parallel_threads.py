"""Plain steps: threads of their own, each of which runs one step after the other.

A thread cannot be interrupted. A step that still runs when its block ends is reported as cancelled,
its thread is not waited for, and what it returns later is dropped; `is_cancelled` tells it so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import inspect
import threading
import weakref
from collections.abc import Awaitable
from typing import Any

from windlass._parallel_block import Block, clock, failure
from windlass._parallel_results import ParallelTaskResult
from windlass._parallel_step import Call
from windlass._signals import LOOK
from windlass.errors import ParallelExecutionError

# Weak, as the lane holds the context that this is set in.
_lane: contextvars.ContextVar[weakref.ref[ThreadLane]] = contextvars.ContextVar("windlass_lane")


def is_cancelled() -> bool:
    """Whether the block of the plain step that calls this has ended: nobody waits for it."""
    found = _lane.get(None)
    lane = None if found is None else found()
    return lane is not None and lane.is_over


class ThreadLane:
    """Runs the steps of a block on threads, and waits for them on the caller's or on a loop."""

    def __init__(self, block: Block, call: Call) -> None:
        self._block = block
        self._call = call
        self._context = contextvars.copy_context()
        self._context.run(_lane.set, weakref.ref(self))
        #: Guards the block and what follows; held for moments, never while a step runs.
        self._lock = threading.Lock()
        #: There are steps to start, or there will be none.
        self._more = threading.Condition(self._lock)
        #: The block has ended, or wants to be woken at another time.
        self._news = threading.Condition(self._lock)
        self._working = 0
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None
        #: What steps gave to be awaited, on the loop.
        self._awaited: set[asyncio.Future[Any]] = set()

    @property
    def is_over(self) -> bool:
        """Whether the block has ended."""
        return self._block.is_over

    def run(self) -> None:
        """Runs the block to its verdict; the calling thread waits.

        Raises what ended the block instead, and whatever interrupts the wait.
        """
        try:
            self._start()
            with self._lock:
                while not self._block.is_over:
                    delay = self._delay()
                    self._news.wait(LOOK if delay is None else min(delay, LOOK))
                    self._check()
        except BaseException:
            self._cancel()
            raise
        self._finish()

    async def run_on_loop(self) -> None:
        """The same; a coroutine waits, and whoever cancels it cancels the block."""
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        try:
            self._start()
            while not self._block.is_over:
                await self._wait(self._told)
                with self._lock:
                    self._check()
        except BaseException:
            self._cancel()
            await self._await_losers()
            raise
        await self._await_losers()
        self._finish()

    async def _wait(self, told: asyncio.Event) -> None:
        delay = self._delay()
        timer = None
        if delay is not None:
            timer = asyncio.get_running_loop().call_later(delay, told.set)
        try:
            await told.wait()
        finally:
            if timer is not None:
                timer.cancel()
        told.clear()

    def _start(self) -> None:
        block = self._block
        with self._lock:
            self._tell()
        wanted = min(block.terms.max_concurrency, len(block.steps))
        for number in range(wanted):
            with self._lock:
                if block.is_over or (not block.ready and block.granted == len(block.steps)):
                    break
                self._working += 1
            thread = threading.Thread(
                target=self._run_thread, name=f"{block.prefix}thread-{number}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                if number == 0:
                    raise ParallelExecutionError(
                        f"no thread for parallel block {block.terms.name}: {error}"
                    ) from error
                # The system gives no more: those that there are do it all.
                self._leave()
                break
            self._threads.append(thread)

    def _delay(self) -> float | None:
        wake = self._block.wake
        return None if wake is None else max(0.0, wake - clock())

    def _check(self) -> None:
        """Tells core when it wants to be called. With the lock."""
        wake = self._block.wake
        if not self._block.is_over and wake is not None and clock() >= wake:
            self._tell()

    def _tell(self) -> None:
        """Tells core what ended, and wakes whoever waits for that. With the lock."""
        wake = self._block.wake
        self._block.tell()
        self._pass_on(wake)

    def _pass_on(self, wake: float | None) -> None:
        block = self._block
        if block.is_over or block.granted == len(block.steps):
            self._more.notify_all()
        elif len(block.ready) > 0:
            self._more.notify(len(block.ready))
        if block.is_over or block.wake != wake:
            self._news.notify()
            if self._loop is not None and self._told is not None:
                # The loop is gone when its caller is.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._told.set)

    def _cancel(self) -> None:
        with self._lock:
            if not self._block.is_over:
                self._block.cancel()
                self._pass_on(None)

    def _finish(self) -> None:
        if self._block.error is not None:
            raise self._block.error

    def abandoned(self) -> int:
        """Threads that still run a step though the block has ended."""
        return sum(thread.is_alive() for thread in self._threads) if self.is_over else 0

    def _run_thread(self) -> None:
        # A context for each step that changes its own: what one sets, the next does not see.
        try:
            while self._context.copy().run(self._work):
                pass
        except BaseException as error:
            with self._lock:
                self._block.fail(error)
                self._tell()
        self._leave()
        # As in `_work`.
        del self

    def _leave(self) -> None:
        with self._lock:
            self._working -= 1
            if self._working == 0 and not self._block.is_over:
                self._tell()

    def _next(self) -> int | None:
        """The next step to start, once there is one; None when there will be none."""
        block = self._block
        with self._lock:
            while not block.ready:
                if block.is_over or block.granted == len(block.steps):
                    return None
                self._more.wait()
            return block.ready.popleft()

    def _work(self) -> bool:
        """Runs steps. True when the context is to be another for the next."""
        block, call, context, copy = (
            self._block,
            self._call,
            self._context,
            contextvars.copy_context,
        )
        ready, steps, results, prefix = block.ready, block.steps, block.results, block.prefix
        is_quiet, make = block.is_quiet, ParallelTaskResult
        completed = failed = 0
        try:
            while True:
                try:
                    index = ready.popleft()
                except IndexError:
                    found = self._next()
                    if found is None:
                        return False
                    index = found
                task_id = f"{prefix}{index}"
                started = clock()
                result: ParallelTaskResult[Any]
                try:
                    value = call(steps[index])
                    if hasattr(type(value), "__await__"):
                        value = self._await(value)
                    result = make(task_id, "completed", value, None, clock() - started)
                except asyncio.CancelledError:
                    result = make(task_id, "cancelled", None, None, clock() - started)
                except (KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:
                    result = failure(task_id, error, clock() - started)
                if is_quiet and result.status != "cancelled":
                    results[index] = result
                    if result.status == "completed":
                        completed += 1
                    else:
                        failed += 1
                else:
                    self._end(index, result)
                try:
                    if copy() != context:
                        return True
                except Exception:
                    return True
        finally:
            with self._lock:
                block.completed += completed
                block.failed += failed
            # An error leads to the frames below it, from Python 3.12 on: not from there to the
            # results, which hold the error.
            del self, block, call, ready, steps, results

    def _end(self, index: int, result: ParallelTaskResult[Any]) -> None:
        block = self._block
        with self._lock:
            block.results[index] = result
            wake = block.wake
            if block.is_over:
                # Too late to count; it is told how it ended as long as nobody has looked.
                return
            if block.is_quiet:
                block.cancelled += 1
            else:
                block.ended(index)
                self._pass_on(wake)

    def _await(self, value: Awaitable[Any]) -> Any:
        """What a plain function gave to be awaited; on the caller's loop."""
        if self._loop is None:
            _drop(value)
            raise TypeError(
                "the step executor gave something to be awaited: make it an `async def`, or use "
                "`await windlass.parallel.gather`"
            )

        async def wait() -> Any:
            me = asyncio.current_task()
            assert me is not None, "it runs as a task"
            self._awaited.add(me)
            try:
                if self.is_over:
                    _drop(value)
                    raise asyncio.CancelledError
                return await value
            finally:
                self._awaited.discard(me)

        try:
            return asyncio.run_coroutine_threadsafe(wait(), self._loop).result()
        except concurrent.futures.CancelledError as error:
            raise asyncio.CancelledError from error

    async def _await_losers(self) -> None:
        for task in self._awaited:
            task.cancel()
        while self._awaited:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(self._awaited)


def _drop(value: Awaitable[Any]) -> None:
    """It is never awaited, and that on purpose."""
    if inspect.iscoroutine(value):
        value.close()

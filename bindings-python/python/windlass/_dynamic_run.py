"""One run of tasks with dependencies on a pool of threads that grows and shrinks.

Core decides what starts and how many workers there are (`_native.Dynamic`); here are the threads,
the clock and the measuring.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from windlass import _native
from windlass._signals import LOOK
from windlass.errors import TaskCancelledError, TaskTimeoutError

if TYPE_CHECKING:
    from windlass.dynamic import ExecutionTask

clock = time.monotonic

#: How often the machine is measured while tasks run, in seconds.
MEASURE = 0.25

#: A task as core takes it: id, priority, dependencies, MiB, timeout and estimate in seconds.
Entry = tuple[str, str, list[str], float, "float | None", "float | None"]
#: A task by its place, and True, False or None as it completed, failed or was cancelled.
Ended = tuple[int, "bool | None"]


class Run:
    """Tasks and the threads that run them. Threads hold this, and not who made it."""

    def __init__(
        self,
        min_workers: int,
        max_workers: int,
        memory_limit_mb: float | None,
        logger: logging.Logger,
    ) -> None:
        self._machine = _native.Machine()
        self._dynamic = _native.Dynamic(
            min_workers=min_workers,
            max_workers=max_workers,
            cores=self._machine.cores_logical,
            memory_limit_mb=memory_limit_mb,
        )
        self._logger = logger
        self._context = contextvars.copy_context()
        #: Guards all that follows; held for moments, never while a task runs.
        self._lock = threading.Lock()
        #: There are tasks to start, or fewer workers are wanted.
        self._work = threading.Condition(self._lock)
        #: The clock is to look again.
        self._tick = threading.Condition(self._lock)
        #: Every task has ended.
        self._idle = threading.Condition(self._lock)
        self._tasks: list[ExecutionTask] = []
        self._ready: deque[int] = deque()
        self._workers = 0
        self._wanted = 0
        self._number = 0
        self._open = 0
        self._wake: float | None = None
        self._deadline: float | None = None
        self._has_clock = False
        self._is_shut = False
        self._is_dismissed = False
        #: What runs: the loop and the task of a coroutine function, else None.
        self._running: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None] = {}
        #: Tasks whose threads were replaced: they end when their function does.
        self._given_up: set[int] = set()
        self.results: dict[str, Any] = {}
        self.errors: dict[str, BaseException] = {}
        #: Whether the time of the whole run was over.
        self.is_timed_out = False
        #: Raised by a task, and meant for the process.
        self.interrupt: BaseException | None = None

    def add(self, tasks: list[ExecutionTask], timeout: float | None = None) -> None:
        """Takes tasks in, all or none. Raises `InvalidArgumentError`."""
        entries = [task._entry() for task in tasks]
        with self._lock:
            if self._is_shut:
                raise RuntimeError("this pool was shut down")
            now = clock()
            self._dynamic.add(now, entries)
            self._tasks.extend(tasks)
            if timeout is not None:
                self._deadline = now + timeout
            self._step([])
            if self._open and not self._has_clock:
                self._has_clock = True
                self._thread(self._keep_time, "clock")

    def wait(self, timeout: float | None) -> bool:
        """Waits until every task has ended. False when `timeout` seconds pass first."""
        until = None if timeout is None else clock() + timeout
        with self._lock:
            while self._open and self.interrupt is None:
                left = None if until is None else until - clock()
                if left is not None and left <= 0:
                    return False
                self._idle.wait(LOOK if left is None else min(left, LOOK))
        if self.interrupt is not None:
            raise self.interrupt
        return True

    def metrics(self) -> dict[str, Any]:
        """Core's numbers of the run so far."""
        with self._lock:
            return dict(self._dynamic.metrics(clock()))

    def recommendations(self) -> list[str]:
        """What core makes of them."""
        with self._lock:
            return list(self._dynamic.recommendations(clock()))

    @property
    def is_over(self) -> bool:
        """Every task has ended."""
        return not self._open

    @property
    def given_up(self) -> int:
        """Threads whose tasks go on though nobody waits for them."""
        return len(self._given_up)

    def cancel(self, reason: str) -> None:
        """Cancels what has not ended. Functions that cannot be interrupted go on unheard."""
        with self._lock:
            self._cancel(reason)

    def dismiss(self) -> None:
        """Lets the threads end once every task has."""
        with self._lock:
            self._is_dismissed = True
            self._rest()

    def shut(self) -> None:
        """Starts nothing more, and lets the threads end."""
        with self._lock:
            self._is_shut = True
            self._cancel("the pool was shut down")
            self._work.notify_all()
            self._tick.notify_all()

    # With the lock from here on.

    def _cancel(self, reason: str) -> None:
        ended: list[Ended] = []
        for place in self._dynamic.cancel(clock()):
            ended.append((place, None))
            self._fail(place, self._cancelled(place, reason))
            if not self._take_back(place):
                self._give_up(place)
        self._step(ended, reason)

    def _take_back(self, place: int) -> bool:
        """Whether no thread has begun a task that was started; then none will."""
        if place not in self._ready:
            return False
        self._ready.remove(place)
        del self._running[place]
        return True

    def _step(self, ended: list[Ended], reason: str | None = None) -> None:
        start, timed_out, cancelled, self._wanted, wake, self._open = self._dynamic.step(
            clock(), ended
        )
        back: list[Ended] = []
        for place in timed_out:
            task = self._tasks[place]
            self._fail(place, _overdue(task))
            self._logger.warning("task %s ran longer than its timeout", task.task_id)
            if self._take_back(place):
                back.append((place, False))
            else:
                self._give_up(place)
        for place in cancelled:
            self._fail(place, self._cancelled(place, reason))
        for place in start:
            self._running[place] = None
        self._ready.extend(start)
        while self._workers < min(self._wanted, len(self._running) - len(self._given_up)):
            if not self._hire():
                break
        self._work.notify(len(start))
        if self._workers > self._wanted:
            self._work.notify_all()
        if wake != self._wake:
            self._wake = wake
            self._tick.notify()
        if back:
            self._step(back, reason)
        self._rest()

    def _rest(self) -> None:
        """Tells whoever waits that every task has ended, when that is so."""
        if self._open:
            return
        self._idle.notify_all()
        self._tick.notify()
        if self._is_dismissed:
            self._is_shut = True
            self._work.notify_all()

    def _hire(self) -> bool:
        self._number += 1
        try:
            self._thread(self._run_thread, f"worker-{self._number}")
        except RuntimeError as error:
            self._logger.error("no thread for another worker: %s", error)
            if self._workers == 0:
                raise
            return False
        self._workers += 1
        return True

    def _thread(self, run: Any, name: str) -> None:
        threading.Thread(target=run, name=f"windlass-dynamic-{name}", daemon=True).start()

    def _give_up(self, place: int) -> None:
        """Cancels a coroutine; leaves a thread to itself."""
        if place in self._given_up:
            return
        self._given_up.add(place)
        # Another thread takes its place; a coroutine's ends in a moment.
        self._workers -= 1
        if (running := self._running.get(place)) is not None:
            loop, task = running
            loop.call_soon_threadsafe(task.cancel)

    def _fail(self, place: int, error: BaseException) -> None:
        self.errors[self._tasks[place].task_id] = error

    def _cancelled(self, place: int, reason: str | None) -> TaskCancelledError:
        task = self._tasks[place]
        if reason is None:
            lost = next((name for name in task._names() if name in self.errors), "another")
            reason = f"it depends on task {lost}, which did not complete"
        return TaskCancelledError(
            f"task {task.task_id} was cancelled: {reason}", fields={"task_id": task.task_id}
        )

    # On threads of their own, without the lock.

    def _run_thread(self) -> None:
        while (place := self._next()) is not None:
            value: Any = None
            error: BaseException | None = None
            try:
                value = self._context.copy().run(self._call, place)
            except BaseException as raised:
                error = raised.with_traceback(_below(raised))
            if self._end(place, value, error):
                return

    def _next(self) -> int | None:
        with self._lock:
            while not self._ready:
                if self._workers > self._wanted or self._is_shut:
                    self._workers -= 1
                    return None
                self._work.wait()
            return self._ready.popleft()

    def _call(self, place: int) -> Any:
        task = self._tasks[place]
        value = task.function(*task.args, **task.kwargs)
        if hasattr(type(value), "__await__"):
            value = asyncio.run(self._await(place, value))
        return value

    async def _await(self, place: int, value: Any) -> Any:
        me = asyncio.current_task()
        assert me is not None, "it runs as a task"
        with self._lock:
            self._running[place] = (asyncio.get_running_loop(), me)
            is_late = place in self._given_up
        try:
            if is_late:
                if inspect.iscoroutine(value):
                    value.close()
                raise asyncio.CancelledError
            return await value
        finally:
            with self._lock:
                self._running[place] = None

    def _end(self, place: int, value: Any, error: BaseException | None) -> bool:
        """Records how a task ended. True when its thread was replaced, and ends with it."""
        with self._lock:
            del self._running[place]
            task = self._tasks[place]
            if place in self._given_up:
                self._given_up.discard(place)
                if isinstance(self.errors.get(task.task_id), TaskTimeoutError):
                    # Its memory is free at last.
                    self._step([(place, False)])
                return True
            if error is None:
                self.results[task.task_id] = value
                self._step([(place, True)])
            elif isinstance(error, asyncio.CancelledError):
                self._fail(place, self._cancelled(place, "by its own code"))
                self._step([(place, None)])
            else:
                self._fail(place, error)
                self._step([(place, False)])
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                self.interrupt = error
                self._cancel("the program ends")
                self._idle.notify_all()
            return False

    def _keep_time(self) -> None:
        measured = clock()
        while True:
            with self._lock:
                now = clock()
                if self._is_shut or (not self._open and self._wake is None):
                    self._has_clock = False
                    return
                instants: Iterable[float | None] = (self._wake, self._deadline)
                if self._open:
                    instants = (*instants, measured + MEASURE)
                until = min(one for one in instants if one is not None)
                if until > now:
                    self._tick.wait(until - now)
                    continue
                if self._deadline is not None and now >= self._deadline:
                    self._deadline = None
                    if self._open:
                        self.is_timed_out = True
                        self._cancel("the time of the run was over")
                        continue
                if self._open and now >= measured + MEASURE:
                    measured = now
                    self._dynamic.measured(*self._machine.busy())
                self._step([])


def _below(error: BaseException) -> TracebackType | None:
    """The frames of the task's own code: ours would keep the run alive with the error."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def _overdue(task: ExecutionTask) -> TaskTimeoutError:
    return TaskTimeoutError(
        f"task {task.task_id} ran longer than {task.timeout_seconds} seconds",
        fields={"task_id": task.task_id, "timeout_seconds": task.timeout_seconds},
    )

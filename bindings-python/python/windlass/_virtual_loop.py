"""An event loop that does not wait: where it would sleep, it moves a manual clock."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from windlass.testing import ManualClock


class StandstillError(Exception):
    """Nothing can go on, or nothing came to an end for too long."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Timers fire in order, at once; `time()` is the manual clock's.

    While code waits for something outside, which is a thread of an executor or a socket, time
    passes as it really does: a virtual hour would end before the answer comes.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        #: By how much the clock was set forward under the loop's feet, in milliseconds.
        self._jumped = 0
        self._threads = 0
        #: Whether only what is left comes to its end, for which the clock stands still.
        self.is_ending = False
        #: When to give up, by the real clock.
        self.deadline = math.inf
        super().__init__(_Selector(self))
        # Whole milliseconds, as the clock.
        self._clock_resolution = 0.0005

    def time(self) -> float:
        return (self._clock._native.millis() - self._jumped) / 1000

    def pass_time(self, seconds: float) -> None:
        """Moves the clock, and the loop with it, by whole milliseconds and at least one."""
        millis = max(1, math.ceil(seconds * 1000 - 1e-6))
        if self.is_ending:
            self._jumped -= millis
        else:
            self._clock.advance(millis / 1000)

    def jump(self, millis: int) -> None:
        """Sets the clock forward; to the loop no time has passed."""
        self._clock.advance(millis / 1000)
        self._jumped += millis

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_is_back)
        return future

    def _thread_is_back(self, _: object) -> None:
        self._threads -= 1


class _Selector(selectors.DefaultSelector):
    """Where the loop would wait."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self._loop
        left = loop.deadline - time.monotonic()
        if left <= 0:
            raise StandstillError("it took too long")
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        # One file is the loop's own.
        is_outside = loop._threads > 0 or len(self.get_map()) > 1
        if timeout is not None and not is_outside:
            loop.pass_time(timeout)
            return found
        began = time.monotonic()
        longest = left if timeout is None else min(timeout, left)
        found = super().select(None if math.isinf(longest) else longest)
        if is_outside:
            passed = time.monotonic() - began
            if not found and timeout is not None:
                passed = max(passed, longest)
            if passed >= 0.001:
                loop.pass_time(math.floor(passed * 1000) / 1000)
        return found

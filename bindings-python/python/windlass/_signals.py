"""SIGTERM and Ctrl-C of a worker: the first drains, the second ends it now."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Protocol

from windlass import _log

#: How long a second signal gives the worker to hand its tasks back, in seconds.
HAND_BACK = 2.0

#: The longest that a thread may wait for a lock before it looks for signals, in seconds. One that
#: comes right before the wait does not end it: Python would see it only when something else does.
LOOK = 0.2


class Drains(Protocol):
    """What signals act on."""

    def drain(self) -> None: ...
    def stop(self) -> None: ...


@contextlib.contextmanager
def drain_on_signals(worker: Drains) -> Iterator[None]:
    """Handles the signals while the block runs. Outside the main thread nothing is handled."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Not the loop's own signal handlers: a coroutine that blocks the loop would block those, too.
    count = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count == 1:
            _log.logger.info("draining; a second signal ends the worker now")
            worker.drain()
            return
        worker.stop()
        threading.Thread(target=_end_process, args=(number,), daemon=True).start()

    before: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if count > 1:
            raise SystemExit(128 + signal.SIGINT)


def _end_process(number: int) -> None:
    # The loop may never turn again; whoever asked twice is not to wait for it.
    time.sleep(HAND_BACK)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(128 + number)

"""What a block used (`enable_resource_monitoring`)."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from windlass import _native
from windlass._parallel_step import Call

if sys.platform != "win32":
    import resource


class Meter:
    """Measures this process while a block runs, other work of the process included."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._machine = _native.Machine()
        _, _, self._resident = self._machine.busy()
        #: Guards the two that follow; steps may run on threads.
        self._lock = threading.Lock()
        self._running = 0
        self._peak = 0

    def around(self, call: Call, is_async: bool) -> Call:
        """The call, counted."""

        async def awaited(step: Any) -> Any:
            self._enter()
            try:
                return await call(step)
            finally:
                self._leave()

        def called(step: Any) -> Any:
            self._enter()
            try:
                return call(step)
            finally:
                self._leave()

        return awaited if is_async else called

    def _enter(self) -> None:
        with self._lock:
            self._running += 1
            self._peak = max(self._peak, self._running)

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1

    def read(self) -> dict[str, float | int | None]:
        """What was used since; a value that the system does not tell is None."""
        processors, memory, resident = self._machine.busy()
        return {
            "cpu_seconds": time.process_time() - self._cpu,
            "peak_concurrency": self._peak,
            "processors_share": processors,
            "memory_share": memory,
            "rss_bytes": resident,
            "rss_grown_bytes": resident - self._resident,
            "max_rss_bytes": _most_resident(),
        }


def _most_resident() -> int | None:
    if sys.platform == "win32":
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024

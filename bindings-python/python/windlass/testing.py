"""For tests of handlers and of what submits tasks.

`TestApp` is an app with a store in memory and a clock that is moved by hand, `use(app)` makes one
of an app that exists, `sim` runs a test under crashes and duplicate deliveries, `Server` is a real
server for a test of what speaks HTTP.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from windlass import _native
from windlass._sim import sim

if TYPE_CHECKING:
    from windlass._rehearsal import NotIdleError, TestApp, use
    from windlass._server import Server
    from windlass._simulation import Sim

__all__ = ["ManualClock", "NotIdleError", "Server", "Sim", "TestApp", "sim", "use"]


class ManualClock:
    """A clock that stands still until it is moved.

    `Client("memory:", clock=clock)` lives by it: nothing is promoted, rescued or pruned until
    `client.sweep()` is called. Starts at 2030-01-01T00:00:00Z unless told otherwise.
    """

    def __init__(self, start: dt.datetime | None = None) -> None:
        millis = None if start is None else round(start.timestamp() * 1000)
        self._native = _native.ManualClock(millis)

    def advance(self, seconds: float | dt.timedelta) -> None:
        """Moves time forward."""
        if isinstance(seconds, dt.timedelta):
            seconds = seconds.total_seconds()
        self._native.advance(seconds)

    def now(self) -> dt.datetime:
        """The time."""
        return dt.datetime.fromtimestamp(self._native.millis() / 1000, dt.timezone.utc)


def __getattr__(name: str) -> Any:
    # What only tests need is imported when it is asked for: every connection imports this module.
    if name in ("NotIdleError", "TestApp", "use"):
        from windlass import _rehearsal

        return getattr(_rehearsal, name)
    if name == "Server":
        from windlass._server import Server

        return Server
    if name == "Sim":
        from windlass._simulation import Sim

        return Sim
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

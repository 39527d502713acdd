"""For tests: time that moves by hand."""

from __future__ import annotations

import datetime as dt

from windlass import _native


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

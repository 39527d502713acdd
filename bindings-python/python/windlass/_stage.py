"""One run of an app under test: attempts in progress, and what comes next."""

from __future__ import annotations

import asyncio
import bisect
import datetime as dt
import math
import time
from typing import TYPE_CHECKING

from windlass._virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from windlass._rehearsal import TestApp
    from windlass._trial import Trial

#: What holds its leases.
WORKER = "test"
#: How long leases last, in seconds: as long as can be, so that long sleeps take few turns.
LEASE = 3600.0
#: Seconds on the clock after which handlers that run and do not end are given up.
STANDSTILL = 30 * 86_400.0


class Stage:
    """One run: attempts in progress, and what comes next."""

    def __init__(self, app: TestApp, concurrency: int, most: int, patience: float) -> None:
        self._app = app
        self._concurrency = concurrency
        self._most = most
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._virtual = self._loop if isinstance(self._loop, VirtualLoop) else None
        self._running: dict[asyncio.Task[None], Trial] = {}
        self._news = asyncio.Event()
        self._moved = app.clock.now()
        #: What falls due by itself, soonest first; `None` when it has to be looked up.
        self._dues: list[dt.datetime] | None = None
        self.attempts = 0

    def wake(self, *_: object) -> None:
        """There is news: something was submitted, or cancelled."""
        self._dues = None
        # From whatever thread a handler works with.
        self._loop.call_soon_threadsafe(self._news.set)

    async def turn(self, moves: bool) -> bool:
        """Starts what can start, waits for what runs; whether there is more to do."""
        app = self._app
        if self._virtual is not None:
            self._virtual.deadline = time.monotonic() + self._patience
        self._news.clear()
        for trial in self._running.values():
            answer = trial.keep(LEASE)
            if answer == "cancel_requested":
                trial.cancel("requested")
            elif answer == "lost":
                trial.cancel("lost")
        if app._hands.sweep()["rescued"]:
            self._dues = None
        free = self._concurrency - len(self._running)
        # Nothing here can bring a process down, so a suspect need not be alone.
        trials = app._lease(WORKER, free, LEASE, True)[0] if free else []
        for trial in trials:
            self.attempts += 1
            running = self._loop.create_task(self._perform(trial))
            self._running[running] = trial
        if self.attempts > self._most:
            raise app._stuck(app._open(), f"no end after {self._most} attempts")
        if trials or not self._running:
            self._moved = app.clock.now()
        elif (app.clock.now() - self._moved).total_seconds() > STANDSTILL:
            raise app._stuck(app._open(), "nothing has ended for 30 days on the clock")
        if self._running:
            await self._wait(self._due() if moves and self._virtual is not None else None)
            return True
        due = self._due() if moves else None
        if due is not None:
            app.clock.advance(math.ceil(due * 1000) / 1000)
        return due is not None

    def _due(self) -> float | None:
        """Seconds until something falls due by itself."""
        if self._dues is not None:
            # The sweep has seen to these.
            del self._dues[: bisect.bisect_right(self._dues, self._app.clock.now())]
        if not self._dues:
            self._dues = self._app._dues(but_of=WORKER)
        return self._app._until(self._dues[0]) if self._dues else None

    async def _perform(self, trial: Trial) -> None:
        trial.tell_start()
        if trial.settle(await trial.told()) == "scheduled":
            self._dues = None
        self._app._inline.changed()

    async def _wait(self, due: float | None) -> None:
        news = self._loop.create_task(self._news.wait())
        longest = LEASE / 3 if self._virtual is not None else self._patience
        if due is not None:
            longest = min(longest, due)
        done, _ = await asyncio.wait(
            {*self._running, news}, timeout=longest, return_when=asyncio.FIRST_COMPLETED
        )
        news.cancel()
        for running in [running for running in self._running if running in done]:
            del self._running[running]
            self._moved = self._app.clock.now()
            running.result()
        if not done and self._virtual is None:
            what = f"nothing has ended for {self._patience:g} s"
            raise self._app._stuck(self._app._open(), what)

    async def clear(self) -> None:
        """Ends what still runs; its tasks go back."""
        running, self._running = self._running, {}
        for work, trial in running.items():
            work.cancel()
            trial.stop()
        if running and not self._loop.is_closed():
            await asyncio.wait(running, timeout=1)

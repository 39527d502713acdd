"""A worker: leases tasks and runs the app's handlers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from windlass import _bridge, _forms, _log, _native, _process
from windlass._loop_lane import LoopLane
from windlass._signals import drain_on_signals
from windlass._thread_lane import ThreadLane
from windlass.options import Seconds, invalid

if TYPE_CHECKING:
    from typing_extensions import Self

    from windlass.app import App
    from windlass.handler import Handler

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

DEFAULT_CONCURRENCY = 8
#: How long the end of a worker waits for what should end by itself, in seconds.
LAST_MOMENTS = 1.0


class Worker:
    """Runs an app's handlers, once.

    `run` blocks, `run_async` is for a loop of one's own, `background` runs it beside the caller.
    """

    def __init__(
        self,
        app: App,
        *,
        concurrency: int | None = None,
        queues: Sequence[str] | None = None,
        worker_id: str | None = None,
        lease: Seconds | None = None,
        drain_grace: Seconds | None = None,
        cancel_grace: Seconds | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.app = app
        self.concurrency = DEFAULT_CONCURRENCY if concurrency is None else concurrency
        if isinstance(queues, str):
            raise invalid("queues", f"must be a list of names, not {queues!r}")
        self._options: dict[str, Any] = {
            "queues": None if queues is None else list(queues),
            "concurrency": concurrency,
            "worker_id": worker_id,
            "lease_seconds": _forms.seconds(lease),
            "drain_grace": _forms.seconds(drain_grace),
            "cancel_grace": _forms.seconds(cancel_grace),
            "metadata": None if metadata is None else json.dumps(metadata),
            "host": f"{platform.node()}:{os.getpid()}",
        }
        #: Set once it leases, or cannot start.
        self._started = threading.Event()
        self._ended = threading.Event()
        self._native: _native.Worker | None = None
        self._thread: threading.Thread | None = None
        self._threads: ThreadLane | None = None
        self._problem: BaseException | None = None
        self._drains = False
        self._pid = os.getpid()

    @property
    def _own(self) -> _native.Worker | None:
        """What this process started; after a fork it is the parent's."""
        return self._native if self._pid == os.getpid() else None

    @property
    def id(self) -> str | None:
        """Its id, once it is started."""
        return None if self._native is None else self._native.id

    @property
    def running(self) -> int:
        """Handlers that run now."""
        return 0 if (native := self._own) is None else native.running()

    @property
    def abandoned(self) -> int:
        """Handlers given up because they ignored their cancellation, and that still run."""
        return 0 if (native := self._own) is None else native.abandoned()

    def drain(self) -> None:
        """Stops leasing; running handlers have the grace period. Returns at once."""
        # A signal may come before there is anything to drain.
        self._drains = True
        if (native := self._own) is not None:
            native.drain()

    def stop(self) -> None:
        """Ends now: what runs is cancelled and goes back to its queue, uncounted."""
        if (native := self._own) is not None:
            native.stop()

    def run(self, loop_factory: LoopFactory | None = None) -> None:
        """Works until it is drained, on a loop of its own that `loop_factory` makes.

        In the main thread, SIGTERM and Ctrl-C drain; a second one ends it now.
        """
        self._begin()
        with drain_on_signals(self):
            self._run_loop(loop_factory or asyncio.new_event_loop)

    async def run_async(self) -> None:
        """Works on the running loop until it is drained. Cancelling it drains first."""
        self._begin()
        try:
            await self._work()
        finally:
            self._end()

    @contextlib.contextmanager
    def background(self) -> Iterator[Self]:
        """Works on a thread of its own while the block runs, then drains."""
        self.start()
        try:
            yield self
        finally:
            self.shutdown()

    def start(self) -> None:
        """Works on a thread of its own; returns once it leases. The interpreter's exit drains."""
        self._begin()
        thread = threading.Thread(target=self._run_beside, name="windlass-worker", daemon=True)
        self._thread = thread
        thread.start()
        self._started.wait()
        if self._native is None and self._problem is not None:
            raise self._problem

    def shutdown(self, timeout: float | None = None) -> None:
        """Drains, and waits until it has ended."""
        if self._pid != os.getpid():
            return
        self.drain()
        self._ended.wait(timeout)
        if self._thread is not None and self._ended.is_set():
            self._thread.join(timeout)

    def _run_beside(self) -> None:
        try:
            self._run_loop(asyncio.new_event_loop)
        except BaseException as error:
            self._problem = error
            if self._native is not None:
                _log.logger.exception("the worker ended by an error")

    def _run_loop(self, make_loop: LoopFactory) -> None:
        # Not asyncio.run: it waits for coroutines that ignore their cancellation, for ever.
        loop = make_loop()
        try:
            loop.run_until_complete(self._work())
        finally:
            try:
                _cancel_rest(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                loop.close()
                self._end()

    def _begin(self) -> None:
        if self._started.is_set() or self._thread is not None:
            raise RuntimeError("this worker was run before; make another with app.worker()")
        self._pid = os.getpid()

    def _end(self) -> None:
        _process.workers.discard(self)
        if self._native is not None:
            # Nothing is left that could run what it would lease.
            self._native.stop()
        self._started.set()
        self._ended.set()

    async def _work(self) -> None:
        handlers = _by_name(self.app)
        declared = [(name, h.is_async, h.declared) for name, h in handlers.items()]
        native = _native.Worker(self.app.native, handlers=declared, **self._options)
        self._native = native
        if self._drains:
            native.drain()
        _process.workers.add(self)
        _log.sync()
        loop_lane = LoopLane(native, handlers)
        threads = self._threads = ThreadLane(native, handlers, self.concurrency)
        helpers = [asyncio.ensure_future(self._listen(native, loop_lane, threads))]
        if any(handler.is_async for handler in handlers.values()):
            helpers.append(asyncio.ensure_future(loop_lane.run()))
        if any(not handler.is_async for handler in handlers.values()):
            threads.start()
        for helper in helpers:
            helper.add_done_callback(lambda done: _stop_if_failed(native, done))
        _log.logger.info("worker %s takes %s", native.id, ", ".join(map(repr, handlers)))
        self._started.set()
        try:
            await _stopped(native)
        finally:
            native.stop()
            threads.join(LAST_MOMENTS)
        for helper in helpers:
            await helper
        _log.logger.info("worker %s has ended", native.id)

    async def _listen(
        self, native: _native.Worker, loop_lane: LoopLane, threads: ThreadLane
    ) -> None:
        bridge = _bridge.current()
        while signals := await native.signals(bridge):
            for id, reason in signals:
                if reason is not None:
                    loop_lane.cancel(id)
                elif loop_lane.has(id):
                    loop_lane.abandon(id)
                    _log.logger.warning("a coroutine ignores its cancellation and is given up")
                else:
                    threads.abandon(id)

    def _at_exit(self) -> None:
        """The interpreter ends: drains when its loop can still turn, else ends now."""
        if self._thread is not None and self._thread.is_alive():
            self.shutdown()
        elif self._native is not None:
            self._native.stop()
            self._native.stopped()


async def _stopped(native: _native.Worker) -> None:
    """Waits for the end; a cancellation drains first, a second one ends now."""
    bridge = _bridge.current()
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            await native.stopped(bridge)
        except asyncio.CancelledError as error:
            native.stop() if cancelled else native.drain()
            cancelled = error
            continue
        if cancelled is not None:
            raise cancelled
        return


def _stop_if_failed(native: _native.Worker, helper: asyncio.Future[None]) -> None:
    if not helper.cancelled() and helper.exception() is not None:
        native.stop()


def _by_name(app: App) -> dict[str, Handler[..., ..., Any, Any]]:
    """The handlers by what selects them; the empty name selects the default one."""
    handlers = dict(app.handlers)
    for handler in app.handlers.values():
        if handler.default:
            handlers[""] = handler
    return handlers


def _cancel_rest(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels what is left on the loop and gives it a moment."""
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.wait(rest, timeout=LAST_MOMENTS))

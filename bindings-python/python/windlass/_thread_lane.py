"""Plain handlers: threads that claim jobs from native code, one at a time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windlass import _attempt, _log, _native
from windlass.errors import InvalidPayloadError

if TYPE_CHECKING:
    from windlass.handler import Handler


class ThreadLane:
    """Runs plain handlers. Threads are started as they are needed, up to the concurrency.

    A thread whose code ignores its cancellation is given up and replaced; at most `spare` of them,
    so that code that hangs again and again cannot fill the process.
    """

    def __init__(
        self,
        worker: _native.Worker,
        handlers: Mapping[str, Handler[..., ..., Any, Any]],
        concurrency: int,
    ) -> None:
        self._worker = worker
        self._handlers = handlers
        self._most = concurrency
        self.spare = max(8, concurrency)
        self._context = contextvars.copy_context()
        #: Guards what follows; held for moments, never while a handler runs.
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._running: dict[int, threading.Thread] = {}
        self._given_up: set[threading.Thread] = set()

    def start(self) -> None:
        """Starts the first thread."""
        with self._lock:
            self._grow()

    def _grow(self) -> None:
        number = len(self._threads) + 1
        thread = threading.Thread(target=self._work, name=f"windlass-handler-{number}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            _log.logger.error("no thread for another handler: %s", error)
            return
        self._threads.add(thread)
        # Counted before it claims, or two claims in a row would start two threads for one slot.
        self._idle += 1

    def _work(self) -> None:
        me = threading.current_thread()
        claim, complete, lock = self._worker.claim_blocking, self._worker.complete, self._lock
        running, handlers = self._running, self._handlers
        while jobs := claim(1):
            id, name, payload, job = jobs[0]
            with lock:
                running[id] = me
                self._idle -= 1
                if self._idle == 0 and len(self._threads) - len(self._given_up) < self._most:
                    self._grow()
            told = self._attempt(handlers[name], payload, job)
            with lock:
                running.pop(id, None)
                is_given_up = me in self._given_up
                if not is_given_up:
                    self._idle += 1
            complete([(id, told)])
            if is_given_up:
                break
        with lock:
            self._threads.discard(me)
            self._given_up.discard(me)

    def _attempt(
        self, handler: Handler[..., ..., Any, Any], payload: str, job: _native.Job
    ) -> _attempt.Told:
        try:
            kwargs = _attempt.arguments(handler, payload, job, self._worker)
        except InvalidPayloadError as error:
            return _attempt.misfit(error)
        except Exception as error:
            return _attempt.failed(error)
        try:
            # A fresh context: what one task sets, the next does not see.
            value = self._context.copy().run(handler.fn, **kwargs)
            return _attempt.told(handler, value, kwargs)
        except BaseException as error:
            return _attempt.failed(error)

    def abandon(self, id: int) -> None:
        """Gives the thread of a job up and starts another for its slot."""
        with self._lock:
            thread = self._running.pop(id, None)
            if thread is None:
                return
            if len(self._given_up) >= self.spare:
                _log.logger.error(
                    "%d threads hang in handlers that ignore their cancellation: no more are "
                    "replaced, and this worker has a slot less; restart it",
                    len(self._given_up),
                )
                return
            self._given_up.add(thread)
            _log.logger.warning(
                "a handler ignores its cancellation; its thread is given up, replaced (%d of %d)",
                len(self._given_up),
                self.spare,
            )
            if self._idle == 0:
                self._grow()

    @property
    def abandoned(self) -> int:
        """Threads given up that still hang."""
        return len(self._given_up)

    def join(self, seconds: float) -> None:
        """Waits for the threads that work; not for those given up."""
        with self._lock:
            threads = [t for t in self._threads if t not in self._given_up]
            busy = set(self._running.values())
        for thread in threads:
            if thread is not threading.current_thread() and thread not in busy:
                thread.join(seconds)

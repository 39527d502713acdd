"""What a fork and the interpreter's exit mean for clients and workers."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401  registers its own exit first, so that ours runs before it
import os
import threading
import weakref
from typing import Protocol

from windlass import _bridge, _native


class Drains(Protocol):
    """A worker that runs in this process."""

    def _at_exit(self) -> None: ...


clients: weakref.WeakSet[_native.Client] = weakref.WeakSet()
workers: weakref.WeakSet[Drains] = weakref.WeakSet()


def _before_fork() -> None:
    for client in list(clients):
        client.before_fork()


def _after_fork_in_parent() -> None:
    _native.Client.after_fork_in_parent()


def _after_fork_in_child() -> None:
    _native.after_fork_in_child()
    _bridge.forget()
    workers.clear()


def _drain() -> None:
    for worker in list(workers):
        worker._at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


def _leave() -> None:
    # What is not in use is closed cleanly; somebody's later exit function may still open it again.
    for client in list(clients):
        client.park()
    _native.exiting()


# Handlers may need executors while they finish, and executors close in this earlier phase of the
# exit. It has no public name; `atexit` is the fallback.
getattr(threading, "_register_atexit", atexit.register)(_drain)
# Last of all: from here on no native thread calls into the interpreter.
atexit.register(_leave)

"""`windlass` and `python -m windlass`: the command line, with workers that run Python apps."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from windlass import _native
from windlass.app import App
from windlass.errors import WindlassError

USAGE = 2
#: How long the end of a drained worker's process may take, in seconds.
LAST_MOMENTS = 2.0


def main(args: list[str] | None = None) -> int:
    """Runs a command; answers the exit code."""
    given = sys.argv[1:] if args is None else args
    finished = _run(["windlass", *given])
    return finished if isinstance(finished, int) else worker(**finished)


def _run(args: list[str]) -> int | dict[str, Any]:
    # Python's own handler only takes a note of Ctrl-C, which no Python code is there to read.
    if threading.current_thread() is not threading.main_thread():
        return _finished(_native.run_cli(args))
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    ended = signal.getsignal(signal.SIGTERM)
    try:
        return _finished(_native.run_cli(args))
    finally:
        signal.signal(signal.SIGINT, before)
        # A server takes this one, too; a handler that was not set from Python cannot be put back.
        if ended is not None:
            signal.signal(signal.SIGTERM, ended)


def _finished(answer: Any) -> int | dict[str, Any]:
    """An exit code, or the arguments of `worker`."""
    finished: int | dict[str, Any] = answer
    return finished


def worker(
    app: str,
    concurrency: int | None = None,
    queues: list[str] | None = None,
    lease: int | None = None,
    url: str | None = None,
    tenant: str | None = None,
    api_key: str | None = None,
) -> int:
    """Runs a worker of `MODULE:APP` until it is drained."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        found = load(app)
        found.connect_to(url, tenant, api_key)
        running = found.worker(concurrency=concurrency, queues=queues or None, lease=lease)
        running.run(_fast_loop())
    except _AppError as error:
        print(f"windlass worker: {error}", file=sys.stderr)
        return USAGE
    except WindlassError as error:
        print(f"windlass worker: {error} ({error.code})", file=sys.stderr)
        return 1
    threading.Thread(target=_leave, daemon=True).start()
    return 0


def _leave() -> None:
    """Ends the process when its end is held up by threads that handlers left behind."""
    time.sleep(LAST_MOMENTS)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of the extra `production`, where it is installed."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class _AppError(Exception):
    """What `MODULE:APP` names is not an app."""


def load(name: str) -> App:
    """The app that `MODULE:APP` names. The working directory is on the path."""
    module_name, _, attribute = name.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise _AppError(
            f"no module named {error.name!r} in {here} or in the environment"
        ) from error
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            apps = sorted(key for key, value in vars(module).items() if isinstance(value, App))
            hint = f"; it has {', '.join(apps)}" if apps else "; it has no windlass.App"
            raise _AppError(f"module {module_name} has no {attribute!r}{hint}") from error
    if not isinstance(found, App):
        kind = type(found).__qualname__
        raise _AppError(f"{name} is a {kind}, not a windlass.App")
    if not found.handlers:
        raise _AppError(f"{name} has no handlers: decorate functions with @{attribute}.task")
    return found


if __name__ == "__main__":
    sys.exit(main())

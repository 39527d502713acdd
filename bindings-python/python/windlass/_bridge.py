"""The way from native code into the running event loop."""

from __future__ import annotations

import asyncio
import threading

from windlass import _native


class _Local(threading.local):
    loop: asyncio.AbstractEventLoop | None = None
    bridge: _native.Bridge | None = None


_local = _Local()


def current() -> _native.Bridge:
    """The bridge of the running loop."""
    loop = asyncio.get_running_loop()
    bridge = _local.bridge
    if bridge is None or _local.loop is not loop:
        bridge = _native.Bridge(loop)
        _local.loop, _local.bridge = loop, bridge
    return bridge


def forget() -> None:
    """Drops this thread's bridge: it belongs to native threads that a fork did not copy."""
    _local.loop = _local.bridge = None


def refuse_in_loop(instead: str) -> None:
    """Refuses a blocking wait where it would stop the event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"this call blocks and would stop the running event loop; use {instead}")

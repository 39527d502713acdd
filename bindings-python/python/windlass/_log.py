"""The logger `windlass`, shared by Python and native code."""

from __future__ import annotations

import logging

from windlass import _native

logger = logging.getLogger("windlass")


def emit(level: int, line: str) -> None:
    """Takes a line from native code."""
    logger.log(level, line)


def sync() -> None:
    """Tells native code which lines are wanted; the level may have changed since."""
    _native.set_log_level(min(logger.getEffectiveLevel() or 1, 255))

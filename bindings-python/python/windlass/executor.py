"""The interface that every execution engine has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

__all__ = ["ExecutorInterface"]


class ExecutorInterface(ABC):
    """Base of all execution engines: whoever takes one takes any of them, and one of yours."""

    @abstractmethod
    async def execute(self, task: Any, context: dict[str, Any] | None = None) -> Any:
        """Executes a task; what a task is, and what comes of it, is the engine's to say."""

    @abstractmethod
    async def health_check(self) -> dict[str, Any]:
        """How the engine does; `status` is `healthy` as long as it takes work."""

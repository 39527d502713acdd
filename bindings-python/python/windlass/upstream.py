"""What a task waited for, as its handler reads it: `ctx.upstream["extract"]`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any

from windlass import _bridge, _forms, _native
from windlass.errors import InvalidArgumentError


class MissingUpstreamError(InvalidArgumentError, KeyError):
    """The task waited for nothing of this name.

    Its code is `invalid_argument`, its field `upstream`.
    """

    # The text, not the quoted key.
    __str__ = Exception.__str__


class Upstream(Mapping[str, Any]):
    """Results of the tasks that a task waited for, by the names of their stages.

    Each is fetched when it is asked for. In a `def` handler `ctx.upstream["extract"]` is the value,
    and the whole is a mapping. In an `async def` handler `await ctx.upstream["extract"]`,
    `async for name in ctx.upstream`, `await ctx.upstream.names()`. A task that runs when a batch
    has ended finds the batch's counts as `batch`.

    Raises `MissingUpstreamError`, which is a `KeyError`, for a name that it has not.
    """

    __slots__ = ("_is_async", "_names", "_task_id", "_worker")

    def __init__(self, task_id: str, worker: _native.Worker, is_async: bool) -> None:
        self._task_id = task_id
        self._worker = worker
        self._is_async = is_async
        self._names: list[str] | None = None

    def __getitem__(self, name: str) -> Any:
        if self._is_async:
            return self._fetch(name)
        return read_upstream(name, self._worker.upstream(self._task_id, name))

    async def _fetch(self, name: str) -> Any:
        text = await self._worker.upstream(self._task_id, name, _bridge.current())
        return read_upstream(name, text)

    def names(self) -> Coroutine[Any, Any, list[str]]:
        """The names, for a coroutine."""
        return self._fetch_names()

    async def _fetch_names(self) -> list[str]:
        if self._names is None:
            bridge = _bridge.current()
            self._names = await self._worker.upstream_names(self._task_id, bridge)
        return list(self._names)

    def _known(self) -> list[str]:
        if self._names is None:
            if self._is_async:
                raise RuntimeError(
                    "this would stop the running event loop; use `await ctx.upstream.names()` "
                    "first, or `async for name in ctx.upstream`"
                )
            self._names = self._worker.upstream_names(self._task_id)
        return self._names

    def __contains__(self, name: object) -> bool:
        return name in self._known()

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    async def __aiter__(self) -> AsyncIterator[str]:
        for name in await self._fetch_names():
            yield name

    def __repr__(self) -> str:
        return f"Upstream(task_id={self._task_id!r})"


def read_upstream(name: str, text: str | None) -> Any:
    """The value that native code answers for a name."""
    if text is None:
        reason = f"the task waited for nothing called {name!r}"
        raise MissingUpstreamError(
            f"upstream: {reason}", fields={"field": "upstream", "reason": reason}
        )
    return _forms.decode(text)

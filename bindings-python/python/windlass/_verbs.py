"""What the blocking and the asynchronous client ask for, in the same words."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from windlass import _bridge, _forms, _native, options
from windlass.view import Record

Shown = TypeVar("Shown")

#: Tasks of one page.
PAGE = 200


def spec(payload: Any, given: Mapping[str, Any]) -> str:
    """The record of one task to submit."""
    return options.record(options.wire(given), _forms.encode("payload", payload))


def matching(
    labels: Mapping[str, str | int | float | bool] | None,
    status: str | Iterable[str] | None,
    task_type: str | None,
    queue: str | None,
    batch_id: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    error: str | None,
) -> dict[str, Any]:
    """Which tasks are meant, as native code is told."""
    words = [] if status is None else [status] if isinstance(status, str) else list(status)
    return {
        "status": words,
        "task_type": task_type,
        "queue": queue,
        "labels": None if labels is None else options._value("labels", dict(labels)),
        "batch_id": batch_id,
        "since": None if since is None else _instant("since", since),
        "until": None if until is None else _instant("until", until),
        "error": error,
    }


class Listing(Generic[Shown]):
    """A list that is fetched page by page."""

    def __init__(
        self, matching: dict[str, Any], limit: int | None, view: Callable[[Record], Shown]
    ) -> None:
        self._filter = matching
        self._view = view
        self._left = limit
        self._cursor: str | None = None
        self.is_over = False

    def request(self) -> dict[str, Any]:
        """What to ask for next."""
        # A limit that core would refuse is core's to refuse.
        page = PAGE if self._left is None else min(PAGE, self._left)
        return {**self._filter, "cursor": self._cursor, "limit": page}

    def take(self, page: Record) -> Iterator[Shown]:
        """What a page shows."""
        tasks = page["tasks"]
        self._cursor = page["next"]
        if self._left is not None:
            tasks = tasks[: self._left]
            self._left -= len(tasks)
        self.is_over = self._cursor is None or self._left == 0
        return map(self._view, tasks)


def pages(native: _native.Client, listing: Listing[Shown], page: dict[str, Any]) -> Iterator[Shown]:
    """The rest of a list whose first page is here."""
    while True:
        yield from listing.take(page)
        if listing.is_over:
            return
        page = json.loads(native.list(**listing.request()))


class AsyncPages(AsyncIterator[Shown]):
    """A list for coroutines: `async for` fetches page by page, `await` gives all of it."""

    def __init__(self, native: _native.Client, listing: Listing[Shown]) -> None:
        self._native = native
        self._listing = listing
        self._page: list[Shown] = []

    def __aiter__(self) -> AsyncPages[Shown]:
        return self

    async def __anext__(self) -> Shown:
        while not self._page:
            if self._listing.is_over:
                raise StopAsyncIteration
            text = await self._native.list(**self._listing.request(), bridge=_bridge.current())
            self._page = list(self._listing.take(json.loads(text)))[::-1]
        return self._page.pop()

    async def _all(self) -> list[Shown]:
        return [shown async for shown in self]

    def __await__(self) -> Generator[Any, None, list[Shown]]:
        return self._all().__await__()


def _instant(name: str, at: object) -> str:
    if not isinstance(at, dt.datetime):
        raise options.invalid(name, f"must be a datetime, not {type(at).__name__}")
    if at.tzinfo is None:
        raise options.invalid(name, f"{at!r} has no time zone")
    return at.isoformat()

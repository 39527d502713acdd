"""What the blocking and the asynchronous client ask for, in the same words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from windlass import _forms, options
from windlass.task import Task
from windlass.view import Record

#: Tasks of one page.
PAGE = 200


def spec(payload: Any, given: Mapping[str, Any]) -> str:
    """The record of one task to submit."""
    return options.record(options.wire(given), _forms.encode("payload", payload))


def batch_specs(
    tasks: Iterable[Mapping[str, Any]], task_type: str | None, common: Mapping[str, Any]
) -> list[str]:
    """The records of a batch: what a task says goes before what is common."""
    common = {"task_type": task_type, **common}
    prefix = options.wire(common)
    specs = []
    for task in tasks:
        if task.keys() == {"payload"}:
            specs.append(options.record(prefix, _forms.encode("payload", task["payload"])))
        else:
            own = {key: value for key, value in task.items() if key != "payload"}
            specs.append(spec(task.get("payload"), {**common, **own}))
    return specs


def matching(
    labels: Mapping[str, str | int | float | bool] | None,
    status: str | Sequence[str] | None,
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


class Listing:
    """A list that is fetched page by page."""

    def __init__(self, matching: dict[str, Any], limit: int | None) -> None:
        self._filter = matching
        self._left = limit
        self._cursor: str | None = None
        self.is_over = False

    def request(self) -> dict[str, Any]:
        """What to ask for next."""
        # A limit that core would refuse is core's to refuse.
        page = PAGE if self._left is None else min(PAGE, self._left)
        return {**self._filter, "cursor": self._cursor, "limit": page}

    def take(self, page: Record) -> Iterator[Task]:
        """The tasks of a page."""
        tasks = page["tasks"]
        self._cursor = page["next"]
        if self._left is not None:
            tasks = tasks[: self._left]
            self._left -= len(tasks)
        self.is_over = self._cursor is None or self._left == 0
        return map(Task, tasks)


def _instant(name: str, at: object) -> str:
    if not isinstance(at, dt.datetime):
        raise options.invalid(name, f"must be a datetime, not {type(at).__name__}")
    if at.tzinfo is None:
        raise options.invalid(name, f"{at!r} has no time zone")
    return at.isoformat()

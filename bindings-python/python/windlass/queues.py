"""Queues and the whole as callers see them: counts of tasks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from windlass.view import View


class Count(View):
    """How many tasks of a queue have a status."""

    __slots__ = ()
    _shown = ("queue", "status", "count")

    @property
    def queue(self) -> str:
        """The queue."""
        return str(self.record["queue"])

    @property
    def status(self) -> str:
        """The status."""
        return str(self.record["status"])

    @property
    def count(self) -> int:
        """How many."""
        return int(self.record["count"])


class Tally(View):
    """How many tasks match."""

    __slots__ = ()
    _shown = ("count", "exact")

    @property
    def count(self) -> int:
        """So many."""
        return int(self.record["count"])

    @property
    def exact(self) -> bool:
        """Whether these are all; else counting stopped there."""
        return bool(self.record["exact"])


class Changed(View):
    """What a verb over all tasks that match did."""

    __slots__ = ()
    _shown = ("changed", "more")

    @property
    def changed(self) -> int:
        """Tasks that were changed."""
        return int(self.record["changed"])

    @property
    def more(self) -> bool:
        """Whether it stopped at its bound, so that more may match."""
        return bool(self.record["more"])

    @property
    def next(self) -> str | None:
        """Where to go on, when it did: the `cursor` of the next call."""
        return self.record.get("next")


class QueueInfo(View):
    """How one queue stands."""

    __slots__ = ()
    _shown = ("name", "paused", "depth")

    def __repr__(self) -> str:
        return f"QueueInfo(name={self.name!r}, paused={self.paused}, depth={self.depth})"

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.record["queue"])

    @property
    def paused(self) -> bool:
        """Whether workers are given nothing from it.

        Tasks are still accepted, and what runs goes on.
        """
        return bool(self.record["paused"])

    @property
    def counts(self) -> dict[str, int]:
        """Tasks by status; zeros are left out."""
        return dict(self.record["counts"])

    @property
    def depth(self) -> int:
        """Tasks that wait: blocked, scheduled and pending."""
        return int(self.record["depth"])

    @property
    def oldest_pending_at(self) -> dt.datetime | None:
        """Since when the pending task that has waited longest could run."""
        return self._instant("oldest_pending_at")


class QueueHealth(View):
    """How all queues stand together."""

    __slots__ = ()
    _shown = ("depth", "pending", "running")

    @property
    def depth(self) -> int:
        """Tasks that wait: blocked, scheduled and pending."""
        return int(self.record["depth"])

    @property
    def pending(self) -> int:
        """Tasks that a worker may take now."""
        return int(self.record["pending"])

    @property
    def running(self) -> int:
        """Tasks that a worker has."""
        return int(self.record["running"])

    @property
    def oldest_age_seconds(self) -> float:
        """How long the pending task that is due longest has been due; 0 when none is."""
        return float(self.record["oldest_age_seconds"])

    @property
    def untaken(self) -> list[str]:
        """Queues, not paused, with a task due for 15 s or more that no live worker takes."""
        return list(self.record.get("untaken", []))


class ClusterHealth(View):
    """How the store, its queues and its workers are."""

    __slots__ = ()
    _shown = ("healthy", "status", "nodes", "queue")

    @property
    def healthy(self) -> bool:
        """Whether the store answers."""
        return bool(self.record["healthy"])

    @property
    def status(self) -> str:
        """`ok`; `degraded` when a worker is deaf or a queue is untaken.

        A deaf worker is heard of, but asks for no work.
        """
        return str(self.record["status"])

    @property
    def nodes(self) -> Mapping[str, int]:
        """Live workers: `active` those that are not deaf, `total` all."""
        nodes: dict[str, int] = self.record["nodes"]
        return nodes

    @property
    def workers(self) -> Mapping[str, int]:
        """The same by how they behave: `live` and `deaf`."""
        workers: dict[str, int] = self.record["workers"]
        return workers

    @property
    def queue(self) -> QueueHealth:
        """The queues."""
        return QueueHealth(self.record["queue"])

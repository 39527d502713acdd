"""Pipelines and their stages as callers see them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Generic, TypeVar

from windlass import _forms, _native
from windlass.task import Failure
from windlass.view import Record, View

if TYPE_CHECKING:
    from windlass.pipeline import Graph

Result_co = TypeVar("Result_co", covariant=True)


class Stage(Generic[Result_co]):
    """A stage of a pipeline, as `add_stage` gives it: to be named in `depends_on` of others."""

    __slots__ = ("_rebuild", "depends_on", "name", "pipeline", "task_id")

    def __init__(
        self,
        pipeline: Graph,
        name: str,
        depends_on: tuple[str, ...] = (),
        rebuild: _forms.Rebuild | None = None,
    ) -> None:
        self._rebuild = rebuild
        #: The pipeline that it is a stage of.
        self.pipeline = pipeline
        #: Unique in its pipeline.
        self.name = name
        #: Names of the stages that must complete first.
        self.depends_on = depends_on
        #: Its task, once the pipeline is executed.
        self.task_id: str | None = None

    def __repr__(self) -> str:
        return f"Stage({self.name!r})"


class StageStatus(View):
    """How a stage stands."""

    __slots__ = ()
    _shown = ("name", "status")

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.record["name"])

    @property
    def task_id(self) -> str:
        """Its task."""
        return str(self.record["task_id"])

    @property
    def status(self) -> str:
        """`blocked` while it waits for others, else as any task."""
        return str(self.record["status"])

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def depends_on(self) -> list[str]:
        """The stages that must complete first."""
        return list(self.record["depends_on"])

    @property
    def task_type(self) -> str:
        """Selects the handler."""
        return str(self.record["task_type"])

    @property
    def attempt(self) -> int:
        """Attempts that counted so far."""
        return int(self.record["attempt"])

    @property
    def started_at(self) -> dt.datetime | None:
        """Start of the first attempt."""
        return self._instant("started_at")

    @property
    def finished_at(self) -> dt.datetime | None:
        """When it ended."""
        return self._instant("finished_at")

    @property
    def progress(self) -> float:
        """Percent, as its handler last reported."""
        return float(self.record.get("progress") or 0.0)

    @property
    def error(self) -> Failure | None:
        """The last failed attempt's error, or why it was cancelled."""
        found = self.record.get("error")
        return None if found is None else Failure(found)


class PipelineSummary(View):
    """A pipeline as a list shows it: without its stages."""

    __slots__ = ()
    _shown = ("pipeline_id", "name", "status")

    @classmethod
    def _of_task(cls, record: Record) -> PipelineSummary:
        """From the record of the task that stands for it."""
        named = {"pipeline_id": record["task_id"], "name": record["task_type"]}
        return PipelineSummary({**record, **named})

    @property
    def pipeline_id(self) -> str:
        """Its id: also the id of the task that stands for it."""
        return str(self.record["pipeline_id"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.record["name"])

    @property
    def status(self) -> str:
        """`running` while a stage is open; then `completed`, `failed` or `cancelled`."""
        return str(self.record["status"])

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def total(self) -> int:
        """How many stages it has."""
        return int(self.record["members"]["total"])

    @property
    def completed(self) -> int:
        """Stages that completed."""
        return int(self.record["members"]["completed"])

    @property
    def failed(self) -> int:
        """Stages that failed for good."""
        return int(self.record["members"]["failed"])

    @property
    def cancelled(self) -> int:
        """Stages that were cancelled."""
        return int(self.record["members"]["cancelled"])

    @property
    def progress(self) -> float:
        """How many of its stages have ended, in percent."""
        ended = self.completed + self.failed + self.cancelled
        return ended * 100.0 / self.total if self.total else 100.0

    @property
    def created_at(self) -> dt.datetime:
        """When it was stored."""
        return _forms.instant(self.record["created_at"])

    @property
    def finished_at(self) -> dt.datetime | None:
        """When it ended."""
        return self._instant("finished_at")

    @property
    def error(self) -> Failure | None:
        """Why it failed."""
        found = self.record.get("error")
        return None if found is None else Failure(found)

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return dict(self.record.get("labels") or {})


class PipelineStatus(PipelineSummary):
    """How a pipeline and its stages stand."""

    __slots__ = ()
    _shown = ("pipeline_id", "name", "status")

    @property
    def stages(self) -> dict[str, StageStatus]:
        """Its stages by name, in the order in which they were added."""
        return {record["name"]: StageStatus(record) for record in self.record["stages"]}

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart, with the states of its stages."""
        return mermaid([(s["name"], s["depends_on"], s["status"]) for s in self.record["stages"]])


class StageChange(View):
    """What `monitor` tells: a change of a stage, or last of all the end of the pipeline."""

    __slots__ = ()
    _shown = ("stage", "status")

    @property
    def progress(self) -> float:
        """How many of the pipeline's stages have ended with this change, in percent."""
        return float(self.record["progress"])

    @property
    def is_terminal(self) -> bool:
        """Whether this is the pipeline's end: the last change there is."""
        return bool(self.record["is_terminal"])

    @property
    def stage(self) -> str | None:
        """The stage that changed; `None` for the pipeline itself."""
        return self.record.get("stage")

    @property
    def status(self) -> str:
        """Its new status."""
        return str(self.record["status"])

    @property
    def task_id(self) -> str:
        """Its task; with the end, the pipeline's."""
        return str(self.record["task_id"])

    @property
    def attempt(self) -> int:
        """Attempts of the stage that counted so far; 0 with the end."""
        return int(self.record["attempt"])

    @property
    def error(self) -> Failure | None:
        """Why it failed or was cancelled."""
        found = self.record.get("error")
        return None if found is None else Failure(found)

    @property
    def seq(self) -> int:
        """Its number in the pipeline's history: `monitor(after=seq)` goes on behind it."""
        return int(self.record["seq"])

    @property
    def timestamp(self) -> dt.datetime:
        """When."""
        return _forms.instant(self.record["at"])


def mermaid(stages: list[tuple[str, list[str], str | None]]) -> str:
    """A Mermaid flowchart of stages: their names, what they depend on, and how they stand."""
    return _native.mermaid(stages)

"""Tasks as callers see them: views of wire records, with Python's types."""

from __future__ import annotations

import datetime as dt
from typing import Any

from windlass import _forms
from windlass.view import Record, View


class Submission(View):
    """One task that is stored: durable when it is returned."""

    __slots__ = ()
    _shown = ("task_id", "status")

    @classmethod
    def _from(cls, stored: tuple[str, str, bool, str | None]) -> Submission:
        task_id, status, deduplicated, batch_id = stored
        record: Record = {"task_id": task_id, "status": status, "deduplicated": deduplicated}
        if batch_id is not None:
            record["batch_id"] = batch_id
        return cls(record)

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.record["task_id"])

    @property
    def status(self) -> str:
        """Its status when it was stored, or as it stands when deduplicated."""
        return str(self.record["status"])

    @property
    def deduplicated(self) -> bool:
        """Whether its idempotency key was known, so that nothing new was stored."""
        return bool(self.record["deduplicated"])

    @property
    def batch_id(self) -> str | None:
        """The batch it was stored with."""
        return self.record.get("batch_id")


class Failure(View):
    """Why an attempt, or a task, failed. Its text is the message."""

    __slots__ = ()
    _shown = ("code", "message")

    def __str__(self) -> str:
        return self.message

    @property
    def code(self) -> str:
        """Stable code: `handler_error` for what a handler raised."""
        return str(self.record["code"])

    @property
    def message(self) -> str:
        """Text for people."""
        return str(self.record["message"])

    @property
    def error_type(self) -> str | None:
        """Class of the exception."""
        return self.record.get("error_type")

    @property
    def traceback(self) -> str | None:
        """Stack trace of the handler."""
        return self.record.get("traceback")

    @property
    def retryable(self) -> bool:
        """Whether another attempt may help."""
        return bool(self.record.get("retryable", True))

    @property
    def at(self) -> dt.datetime | None:
        """When it happened."""
        return self._instant("at")


class TaskStatus(View):
    """How a task stands."""

    __slots__ = ()
    _shown = ("task_id", "status", "progress")

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.record["task_id"])

    @property
    def status(self) -> str:
        """`blocked`, `scheduled`, `pending`, `running`, `completed`, `failed` or `cancelled`."""
        return str(self.record["status"])

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.record.get("finished_at") is not None

    @property
    def progress(self) -> float:
        """Percent, as last reported; 100 once completed."""
        return float(self.record.get("progress") or 0.0)

    @property
    def message(self) -> str | None:
        """Text beside the progress."""
        return self.record.get("message")

    @property
    def result(self) -> Any:
        """The handler's answer, once completed."""
        return self.record.get("result")

    @property
    def error(self) -> Failure | None:
        """The last failed attempt's error."""
        found = self.record.get("error")
        return None if found is None else Failure(found)


class Task(TaskStatus):
    """A task with everything that is stored of it; `record` holds what has no property here."""

    __slots__ = ()
    _shown = ("task_id", "task_type", "status")

    @property
    def task_type(self) -> str:
        """Selects the handler."""
        return str(self.record["task_type"])

    @property
    def queue(self) -> str:
        """The line of tasks it stands in."""
        return str(self.record["queue"])

    @property
    def priority(self) -> int:
        """1 to 5, lower first."""
        return int(self.record["priority"])

    @property
    def payload(self) -> Any:
        """What the handler is given."""
        return self.record["payload"]

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return dict(self.record.get("labels") or {})

    @property
    def metadata(self) -> dict[str, Any]:
        """Its metadata."""
        return dict(self.record.get("metadata") or {})

    @property
    def batch_id(self) -> str | None:
        """The batch it was submitted with."""
        return self.record.get("batch_id")

    @property
    def kind(self) -> str:
        """`task`; `batch`, `block` or `pipeline` for a task that stands for others."""
        return str(self.record.get("kind", "task"))

    @property
    def block_id(self) -> str | None:
        """The block it is a step of."""
        return self.record.get("block_id")

    @property
    def pipeline_id(self) -> str | None:
        """The pipeline it is a stage of."""
        return self.record.get("pipeline_id")

    @property
    def stage(self) -> str | None:
        """Its name in its pipeline."""
        return self.record.get("stage")

    @property
    def idempotency_key(self) -> str | None:
        """Its key."""
        return self.record.get("idempotency_key")

    @property
    def state_key(self) -> str | None:
        """Tasks with one key run one at a time, in submission order, and share a state."""
        return self.record.get("state_key")

    @property
    def initial_state(self) -> Any:
        """The state when there is none yet."""
        return self.record.get("initial_state")

    @property
    def attempt(self) -> int:
        """Attempts that counted so far."""
        return int(self.record["attempt"])

    @property
    def retry_count(self) -> int:
        """Attempts after the first."""
        return max(0, self.attempt - 1)

    @property
    def created_at(self) -> dt.datetime:
        """When it was stored."""
        return _forms.instant(self.record["created_at"])

    @property
    def run_at(self) -> dt.datetime:
        """Earliest start."""
        return _forms.instant(self.record["run_at"])

    @property
    def started_at(self) -> dt.datetime | None:
        """Start of the first attempt."""
        return self._instant("started_at")

    @property
    def finished_at(self) -> dt.datetime | None:
        """When it ended."""
        return self._instant("finished_at")

    @property
    def executed_on(self) -> str | None:
        """The worker that has it or had it last."""
        return self.record.get("executed_on")

    @property
    def duration_ms(self) -> int | None:
        """How long the last attempt ran, once ended."""
        start, end = self._instant("attempt_started_at"), self.finished_at
        if start is None or end is None:
            return None
        return max(0, round((end - start) / dt.timedelta(milliseconds=1)))


class TaskUpdate(View):
    """One entry of a task's history."""

    __slots__ = ()
    _shown = ("seq", "kind", "status", "progress", "message")

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.record["task_id"])

    @property
    def seq(self) -> int:
        """From 1, without gaps."""
        return int(self.record["seq"])

    @property
    def kind(self) -> str:
        """`status`, `progress`, `log`, `member`, or `resync` where history was pruned."""
        return str(self.record["kind"])

    @property
    def timestamp(self) -> dt.datetime:
        """When."""
        return _forms.instant(self.record["at"])

    @property
    def status(self) -> str:
        """The task's status with this entry; only a running task reports progress and logs.

        With `member` that of the member.
        """
        return str(self.record.get("status", "running"))

    @property
    def member_id(self) -> str | None:
        """The task of this batch, block or pipeline that changed, with `member`."""
        return self.record.get("member_id")

    @property
    def stage(self) -> str | None:
        """That task's name in its pipeline."""
        return self.record.get("stage")

    @property
    def is_final(self) -> bool:
        """Whether this is the last entry."""
        return self.kind == "status" and self.status in ("completed", "failed", "cancelled")

    @property
    def progress(self) -> float | None:
        """Percent, with `progress`."""
        return self.record.get("progress")

    @property
    def message(self) -> str:
        """Text beside it; the error's, where an attempt failed."""
        found = self.record.get("message") or (self.record.get("error") or {}).get("message")
        return str(found or "")

    @property
    def level(self) -> str | None:
        """`debug`, `info`, `warning` or `error`, with `log`."""
        return self.record.get("level") if self.kind == "log" else None

    @property
    def result(self) -> Any:
        """The handler's answer, with `completed`."""
        return self.record.get("result")

    @property
    def error(self) -> Failure | None:
        """The failed attempt's error."""
        found = self.record.get("error")
        return None if found is None else Failure(found)


class LogEntry(View):
    """One line of a task's log."""

    __slots__ = ()
    _shown = ("level", "message")

    @property
    def level(self) -> str:
        """`debug`, `info`, `warning` or `error`."""
        return str(self.record["level"])

    @property
    def message(self) -> str:
        """The line."""
        return str(self.record["message"])

    @property
    def timestamp(self) -> dt.datetime:
        """When."""
        return _forms.instant(self.record["at"])


class Why(View):
    """Why a task does not run now. Its text is for people, `reason` for programs."""

    __slots__ = ()
    _shown = ("reason", "text")

    def __str__(self) -> str:
        return self.text

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.record["task_id"])

    @property
    def status(self) -> str:
        """Its status."""
        return str(self.record["status"])

    @property
    def reason(self) -> str:
        """One word, such as `no_worker`, `delayed`, `backing_off`, `behind`, `running`."""
        return str(self.record["reason"])

    @property
    def text(self) -> str:
        """The reason and what to do."""
        return str(self.record["text"])

    @property
    def ahead(self) -> int | None:
        """Tasks that its workers take before it; counted up to 1000."""
        return self.record.get("ahead")

    @property
    def until(self) -> dt.datetime | None:
        """When it becomes due, or its lease ends."""
        return self._instant("until")

    @property
    def worker(self) -> str | None:
        """Who has it."""
        return self.record.get("worker")


class BatchStatuses(list[TaskStatus]):
    """How the tasks of a batch stand, in the order of their ids."""

    @property
    def first_failure(self) -> TaskStatus | None:
        """The first that failed or was cancelled, in the order of the ids."""
        return next((s for s in self if s.status in ("failed", "cancelled")), None)

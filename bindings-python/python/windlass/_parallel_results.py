"""What comes of a parallel block: one record for the block, one for each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from windlass.errors import ParallelExecutionError

R = TypeVar("R")


@dataclass(slots=True)
class ParallelTaskResult(Generic[R]):
    """What became of one step."""

    #: The block's name, a hyphen and the number of the step, which counts from 0.
    task_id: str
    #: `completed`, `failed` or `cancelled`.
    status: str
    #: What the step returned; None unless it completed.
    result: R | None
    #: The text of what the step raised.
    error_message: str | None = None
    #: From the start of the step to its end, in seconds; 0 for one that never started.
    execution_time: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)
    #: What the step raised, itself.
    exception: BaseException | None = field(default=None, repr=False, compare=False)

    def __init__(
        self,
        task_id: str,
        status: str,
        result: R | None,
        error_message: str | None = None,
        execution_time: float = 0.0,
        metadata: dict[str, Any] | None = None,
        exception: BaseException | None = None,
    ) -> None:
        self.task_id = task_id
        self.status = status
        self.result = result
        self.error_message = error_message
        self.execution_time = execution_time
        self.exception = exception
        # Made when somebody looks: of a hundred thousand steps hardly one has any, and the dicts
        # would be most of what the collector walks.
        if metadata is not None:
            self.metadata = metadata

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name != "metadata":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.metadata = {}
            return self.metadata


@dataclass
class ParallelExecutionResult(Generic[R]):
    """What became of a block."""

    block_name: str
    #: `all`, `any_success`, `race`, `throttled`, `quorum` or `custom`.
    strategy: str
    #: Steps; the three counts that follow add up to it.
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    #: Steps that lost, were in the way of a timeout, or never started.
    cancelled_tasks: int
    #: `completed`, `partial`, `failed`, `timeout` or `cancelled`.
    overall_status: str
    #: Of the whole block, in seconds.
    execution_time: float
    #: One record for each step, in the order of the steps.
    results: list[ParallelTaskResult[R]]
    metadata: dict[str, Any] = field(default_factory=dict)

    def values(self) -> list[R]:
        """What the completed steps returned, in the order of the steps.

        Raises `ParallelExecutionError` unless `overall_status` is `completed`, with what the first
        failed step raised as its cause.
        """
        self.raise_for_status()
        return [cast("R", one.result) for one in self.results if one.status == "completed"]

    def raise_for_status(self) -> None:
        """Raises `ParallelExecutionError` as `values` does, and returns nothing."""
        if self.overall_status == "completed":
            return
        failed = next((one for one in self.results if one.status == "failed"), None)
        reason = "" if failed is None else f"; {failed.task_id}: {failed.error_message}"
        raise ParallelExecutionError(
            f"parallel block {self.block_name} {self.overall_status}: {self.completed_tasks} of "
            f"{self.total_tasks} steps completed, {self.failed_tasks} failed, "
            f"{self.cancelled_tasks} cancelled{reason}",
            fields={
                "block_name": self.block_name,
                "overall_status": self.overall_status,
                "completed_tasks": self.completed_tasks,
                "failed_tasks": self.failed_tasks,
                "cancelled_tasks": self.cancelled_tasks,
            },
        ) from (None if failed is None else failed.exception)

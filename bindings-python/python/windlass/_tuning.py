"""How many steps to run at once, and in which batches. The rules and the measuring are core's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from windlass import _native
from windlass.options import invalid
from windlass.parallel import ParallelExecutor, ParallelTaskResult

#: Batches at once.
BATCHES = 10


@functools.cache
def _machine() -> _native.Machine:
    return _native.Machine()


def calculate_optimal_concurrency(task_type: str) -> int:
    """How many tasks of a kind to run at once on this machine; at least 1.

    | kind | tasks |
    | --- | --- |
    | `cpu_intensive` | one for each physical core |
    | `io_intensive` | 8 for each core, at most 200 |
    | `memory_intensive` | one for 2 GiB of memory, at most 50 |
    | `mixed` | 2 for each core |
    | any other | 4 for each core |

    In a container its limits count. Raises `InvalidArgumentError`.
    """
    return _machine().optimal_concurrency(_kind(task_type))


def _kind(task_type: Any) -> str:
    if not isinstance(task_type, str):
        raise invalid("task_type", f"must be the name of a kind of work, not {task_type!r}")
    return task_type


class AdaptiveExecutor:
    """Runs lists of tasks, each list with a concurrency that follows how those before did.

        executor = AdaptiveExecutor(fetch)
        for tasks in lists:
            results = await executor.execute_with_adaptive_concurrency(tasks)

    It begins at `calculate_optimal_concurrency("mixed")`. With room left on the machine the next
    list gets twice as much, at most 100, as long as that is no slower; on a full machine half, at
    least 1. One list at a time is measured; lists that run at once are measured as one machine.
    """

    def __init__(
        self,
        task_processor: Callable[..., Any] | None = None,
        *,
        executor: ParallelExecutor | None = None,
        base_concurrency: int | None = None,
    ) -> None:
        if task_processor is not None:
            self.task_processor = _function("task_processor", task_processor)
        self.executor = _executor(executor)
        if base_concurrency is None:
            base_concurrency = calculate_optimal_concurrency("mixed")
        elif isinstance(base_concurrency, bool) or not isinstance(base_concurrency, int):
            raise invalid("base_concurrency", f"must be a whole number, not {base_concurrency!r}")
        elif not 1 <= base_concurrency < 2**32:
            raise invalid("base_concurrency", f"must be at least 1, not {base_concurrency}")
        #: What is doubled and halved.
        self.base_concurrency = base_concurrency
        #: Lists that run now.
        self.current_load = 0
        #: One entry for each list that ended, the newest last; the last 100 are kept.
        self.performance_history: list[dict[str, Any]] = []
        self._adaptive = _native.Adaptive(base_concurrency)
        self._machine = _native.Machine()

    # A subclass may define it as a method instead.
    task_processor: Callable[..., Any]

    @property
    def concurrency(self) -> int:
        """Of the next list."""
        return self._adaptive.concurrency()

    async def execute_with_adaptive_concurrency(
        self, tasks: Sequence[Any]
    ) -> list[ParallelTaskResult[Any]]:
        """What became of each of the tasks, in their order.

        Raises as `ParallelExecutor.execute_parallel_steps`.
        """
        function = getattr(self, "task_processor", None)
        if function is None:
            raise invalid("task_processor", "is missing: give one, or define it in a subclass")
        level, concurrency = self._adaptive.level(), self._adaptive.concurrency()
        # What was before does not count.
        self._machine.busy()
        block = {"steps": tasks, "max_concurrency": concurrency, "name": "adaptive"}
        self.current_load += 1
        try:
            result = await self.executor.execute_parallel_block(block, function)
        finally:
            self.current_load -= 1
        processors, memory, _ = self._machine.busy()
        ended = result.completed_tasks + result.failed_tasks
        self._adaptive.measured(ended, result.execution_time, processors, memory)
        self.performance_history.append(
            {
                "level": level,
                "concurrency": concurrency,
                "tasks": result.total_tasks,
                "failed_tasks": result.failed_tasks,
                "execution_time": result.execution_time,
                "processors_share": processors,
                "memory_share": memory,
            }
        )
        del self.performance_history[:-100]
        return result.results


class BatchProcessor:
    """Processes data in batches of a size that fits the kind of work.

    processor = BatchProcessor(insert_rows)
    results = await processor.process_in_optimal_batches(rows, "database_writes")
    """

    def __init__(
        self,
        batch_processor: Callable[..., Any] | None = None,
        *,
        executor: ParallelExecutor | None = None,
    ) -> None:
        if batch_processor is not None:
            self.batch_processor = _function("batch_processor", batch_processor)
        self.executor = _executor(executor)
        #: Items in a batch, by the kind of work; yours to change. Any other kind has 100.
        self.optimal_batch_sizes: dict[str, int] = dict(_native.batch_sizes())

    # A subclass may define it as a method instead.
    batch_processor: Callable[..., Any]

    def get_optimal_batch_size(self, task_type: str, data_size: int) -> int:
        """How many of `data_size` items to put in one batch; at least 1.

        Below 1000 items never more than there are, above 100,000 twice the usual. Raises
        `InvalidArgumentError`.
        """
        kind = _kind(task_type)
        base = self.optimal_batch_sizes.get(kind)
        if base is None:
            base = _native.base_batch_size(kind)
        return _native.optimal_batch_size(
            _count(f"optimal_batch_sizes[{kind!r}]", base), _count("data_size", data_size)
        )

    async def process_in_optimal_batches(
        self, data: Sequence[Any], task_type: str
    ) -> list[ParallelTaskResult[Any]]:
        """What became of each batch, in the order of the data; ten batches run at once.

        `batch_processor` gets a part of `data` as slicing gives it. No data, no batches. Raises as
        `ParallelExecutor.execute_parallel_steps`.
        """
        function = getattr(self, "batch_processor", None)
        if function is None:
            raise invalid("batch_processor", "is missing: give one, or define it in a subclass")
        size = self.get_optimal_batch_size(task_type, len(data))
        batches = [data[i : i + size] for i in range(0, len(data), size)]
        return await self.executor.execute_parallel_steps(
            batches, function, max_concurrency=BATCHES
        )


def _count(field: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**63:
        raise invalid(field, f"must be a whole number from 0, not {given!r}")
    return given


def _function(field: str, given: Any) -> Callable[..., Any]:
    if not callable(given):
        raise invalid(field, f"must be a function, not {given!r}")
    found: Callable[..., Any] = given
    return found


def _executor(given: Any) -> ParallelExecutor:
    if given is None:
        return ParallelExecutor()
    if not isinstance(given, ParallelExecutor):
        raise invalid("executor", f"must be a ParallelExecutor, not {type(given).__name__}")
    return given

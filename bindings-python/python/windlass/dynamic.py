"""Functions with dependencies and priorities, on a pool of threads that grows and shrinks.

    executor = DynamicParallelExecutor()
    done = executor.execute_parallel([
        ExecutionTask("load", load, args=("orders.csv",), priority=TaskPriority.HIGH),
        ExecutionTask("report", report, dependencies={"load"}, timeout_seconds=60),
    ])
    print(done["success"], done["results"]["report"])

The most urgent task whose dependencies completed starts next, when there is a worker for it and the
memory that it says it needs. There are as many workers as there are tasks to run, up to
`max_workers`, and fewer while the machine is full. Tasks may be coroutine functions, too.

A function cannot be interrupted: one that outlives its `timeout_seconds` has failed, its thread is
replaced and what it returns later is dropped. A coroutine is cancelled.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from windlass import _bridge, _forms, _log, _native
from windlass._dynamic_run import Entry, Run
from windlass.options import Seconds, invalid

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "DynamicParallelExecutor",
    "DynamicWorkerPool",
    "ExecutionTask",
    "TaskPriority",
    "create_execution_task",
]


class TaskPriority(enum.IntEnum):
    """How urgent a task is: the scale of every task of Windlass."""

    CRITICAL = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4
    BACKGROUND = 5


@dataclass
class ExecutionTask:
    """A call to make once its dependencies are done. Checked when it is submitted."""

    #: Unique among the tasks of a run.
    task_id: str
    #: Plain or a coroutine function.
    function: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    #: One of `TaskPriority`, its name, or its number.
    priority: TaskPriority | int | str = TaskPriority.NORMAL
    #: Ids of tasks that must complete first, given before or together with this one.
    dependencies: Iterable[str] = frozenset()
    #: Seconds that it is thought to run; only compared with those that it did.
    estimated_duration: Seconds | None = None
    #: What it needs while it runs, in MiB. It starts when so much of the limit is free.
    memory_requirement_mb: float = 0.0
    #: The longest it may run.
    timeout_seconds: Seconds | None = None

    def _names(self) -> list[str]:
        given = self.dependencies
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise invalid("dependencies", f"must be a set of task ids, not {given!r}")
        names = list(given)
        for name in names:
            if not isinstance(name, str):
                raise invalid("dependencies", f"must be task ids, not {name!r}")
        # A set has no order of its own; errors name the same culprit each time.
        return sorted(names) if isinstance(given, (set, frozenset)) else names

    def _entry(self) -> Entry:
        if not isinstance(self.task_id, str):
            raise invalid("task_id", f"must be text, not {self.task_id!r}")
        if not callable(self.function):
            raise invalid("function", f"of task {self.task_id} must be a function")
        if isinstance(self.args, (str, bytes)) or not isinstance(self.args, Iterable):
            raise invalid("args", f"of task {self.task_id} must be a list or a tuple")
        if not isinstance(self.kwargs, Mapping):
            raise invalid("kwargs", f"of task {self.task_id} must be a mapping")
        memory = _number("memory_requirement_mb", self.memory_requirement_mb)
        if memory is None:
            raise invalid("memory_requirement_mb", "must be a number, not None")
        return (
            self.task_id,
            _priority(self.priority),
            self._names(),
            memory,
            _number("timeout_seconds", _forms.seconds(self.timeout_seconds)),
            _number("estimated_duration", _forms.seconds(self.estimated_duration)),
        )


def create_execution_task(
    task_id: str,
    function: Callable[..., Any],
    *args: Any,
    priority: TaskPriority | int | str = TaskPriority.NORMAL,
    **kwargs: Any,
) -> ExecutionTask:
    """A task that calls `function(*args, **kwargs)`: every other keyword is the function's."""
    return ExecutionTask(task_id, function, args, kwargs, priority)


class DynamicWorkerPool:
    """Threads that run tasks as they are submitted. Use it in a `with` block, or `shutdown()` it.

    `memory_limit_mb` is what the tasks that run may need together, in MiB; without one it is the
    memory of the machine or of the container. Raises `InvalidArgumentError`.
    """

    def __init__(
        self,
        min_workers: int = 1,
        max_workers: int = 16,
        logger: logging.Logger | None = None,
        *,
        memory_limit_mb: float | None = None,
    ) -> None:
        self._run = _run(min_workers, max_workers, memory_limit_mb, logger)
        # The threads hold the run and not the pool: one that nobody holds any more ends them.
        self._forgotten = weakref.finalize(self, _shut_elsewhere, self._run)
        self._forgotten.atexit = False

    def submit_task(self, task: ExecutionTask) -> str:
        """Takes a task in, and gives its id. What it depends on was submitted before.

        Raises `InvalidArgumentError` naming the field, with nothing taken in, and `RuntimeError`
        after `shutdown`.
        """
        self._run.add(_tasks([task]))
        return task.task_id

    def wait_for_completion(self, timeout: Seconds | None = 300.0) -> bool:
        """Waits until every task has ended, however. False when `timeout` seconds pass first.

        The wait cancels nothing. Raises `KeyboardInterrupt` or `SystemExit` of a task.
        """
        _bridge.refuse_in_loop("`await asyncio.to_thread(pool.wait_for_completion)`")
        return self._run.wait(_number("timeout", _forms.seconds(timeout)))

    @property
    def results(self) -> dict[str, Any]:
        """What the tasks that completed so far returned, by their ids."""
        return dict(self._run.results)

    @property
    def errors(self) -> dict[str, BaseException]:
        """What the tasks that did not complete raised, by their ids.

        `TaskTimeoutError` for one that ran too long, `TaskCancelledError` for one that depends on
        one of these, or never started.
        """
        return dict(self._run.errors)

    def get_performance_metrics(self) -> dict[str, Any]:
        """Numbers measured so far, from core; times are seconds, memory is MiB."""
        return {**self._run.metrics(), "abandoned_threads": self._run.given_up}

    def get_optimization_recommendations(self) -> list[str]:
        """What the measured numbers say about the settings, most important first."""
        return self._run.recommendations()

    def shutdown(self) -> None:
        """Cancels what has not ended, and lets the threads end. A second call does nothing."""
        self._forgotten.detach()
        self._run.shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()


class DynamicParallelExecutor:
    """Runs lists of tasks, each list on a pool of its own. Settings as of `DynamicWorkerPool`."""

    def __init__(
        self,
        *,
        min_workers: int = 1,
        max_workers: int = 16,
        memory_limit_mb: float | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self._settings = (min_workers, max_workers, memory_limit_mb, logger)
        self._run = _run(*self._settings)

    def execute_parallel(
        self,
        tasks: Iterable[ExecutionTask],
        wait_for_completion: bool = True,
        timeout: Seconds | None = None,
    ) -> dict[str, Any]:
        """Runs the tasks, and gives what became of them.

        | key | |
        | --- | --- |
        | `success` | whether every task completed; None while tasks run |
        | `results` | what the completed ones returned, by task id |
        | `errors` | what the others raised, by task id, as `DynamicWorkerPool.errors` |
        | `timed_out` | whether `timeout` passed: what had not ended then is cancelled |
        | `metrics` | as `get_performance_metrics` |

        Without `wait_for_completion` the tasks run on in the background, and `wait` gives the same
        later. Raises `InvalidArgumentError` naming the field before any task starts, and
        `KeyboardInterrupt` or `SystemExit` of a task once the others are cancelled.
        """
        given = _tasks(tasks)
        seconds = _number("timeout", _forms.seconds(timeout))
        if seconds is not None and not seconds > 0:
            raise invalid("timeout", f"must be above 0, not {seconds}")
        if wait_for_completion:
            _bridge.refuse_in_loop("`await asyncio.to_thread(executor.execute_parallel, tasks)`")
        run = _run(*self._settings)
        run.add(given, seconds)
        self._run = run
        if not wait_for_completion:
            # Its threads end with the last task.
            run.dismiss()
            return self._report(run)
        return self._finish(run, None)

    def wait(self, timeout: Seconds | None = None) -> dict[str, Any]:
        """What became of the tasks of the last call, once they ended or `timeout` seconds passed.

        The wait cancels nothing.
        """
        _bridge.refuse_in_loop("`await asyncio.to_thread(executor.wait)`")
        run = self._run
        run.wait(_number("timeout", _forms.seconds(timeout)))
        return self._report(run)

    def get_performance_metrics(self) -> dict[str, Any]:
        """Numbers of the last call's run, measured so far; times are seconds, memory is MiB."""
        return {**self._run.metrics(), "abandoned_threads": self._run.given_up}

    def get_optimization_recommendations(self) -> list[str]:
        """What the measured numbers say about the settings, most important first."""
        return self._run.recommendations()

    def _finish(self, run: Run, timeout: float | None) -> dict[str, Any]:
        try:
            run.wait(timeout)
        finally:
            # Ended, or interrupted: nothing is left behind but threads that nobody can stop.
            run.shut()
        return self._report(run)

    def _report(self, run: Run) -> dict[str, Any]:
        is_over = run.is_over
        return {
            "success": not run.errors if is_over else None,
            "results": dict(run.results),
            "errors": dict(run.errors),
            "timed_out": run.is_timed_out,
            "metrics": {**run.metrics(), "abandoned_threads": run.given_up},
        }


def _run(
    min_workers: int,
    max_workers: int,
    memory_limit_mb: float | None,
    logger: logging.Logger | None,
) -> Run:
    limit = _number("memory_limit_mb", memory_limit_mb)
    if limit is None:
        limit = _native.Machine().memory_gb * 1024
    if logger is not None and not hasattr(logger, "warning"):
        raise invalid("logger", f"must be a logger, not {logger!r}")
    return Run(
        _count("min_workers", min_workers),
        _count("max_workers", max_workers),
        limit,
        logger or _log.logger,
    )


def _shut_elsewhere(run: Run) -> None:
    """Not here: the collector may come while this very thread holds the run's lock."""
    with contextlib.suppress(RuntimeError):
        threading.Thread(target=run.shut, name="windlass-dynamic-shut", daemon=True).start()


def _tasks(given: Any) -> list[ExecutionTask]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise invalid("tasks", f"must be a list of ExecutionTask, not {type(given).__name__}")
    tasks = list(given)
    for task in tasks:
        if not isinstance(task, ExecutionTask):
            raise invalid("tasks", f"must be of type ExecutionTask, not {type(task).__name__}")
    return tasks


def _priority(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        raise invalid("priority", f"must be a priority's name or number, not {given!r}")
    return str(int(given)) if isinstance(given, int) else given


def _count(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) >= 2**31:
        raise invalid(name, f"must be a whole number, not {given!r}")
    return given


def _number(name: str, given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise invalid(name, f"must be a number, not {given!r}")
    return float(given)

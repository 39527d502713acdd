"""A parallel block while it runs: core's machine, the steps, and what became of each.

Core decides what starts and when it ends (`_native.Block`); a lane runs it, on an event loop or on
threads, and keeps its results here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windlass import _forms, _native
from windlass._parallel_results import ParallelExecutionResult, ParallelTaskResult
from windlass.errors import ParallelExecutionError
from windlass.options import Seconds, invalid

clock = time.perf_counter


@dataclass(frozen=True, slots=True)
class ParallelProgress:
    """What the function of a `custom` block is asked about, after each finish."""

    total: int
    completed: int
    failed: int
    cancelled: int
    #: The number of the step that has just ended, and what became of it.
    index: int
    last: ParallelTaskResult[Any]
    #: What ended so far, at the places of the steps; the others are None. Not a copy: it is to be
    #: read only.
    results: Sequence[ParallelTaskResult[Any] | None]


#: Says True or "satisfied" when the block is completed, False or "failed" when it has failed, None
#: or "keep_going" to go on.
Custom = Callable[[ParallelProgress], "bool | str | None"]

_ANSWERS = {None: "keep_going", True: "satisfied", False: "failed"}


@dataclass(slots=True)
class Terms:
    """What a block keeps to, as it was asked for; core checks it."""

    name: str
    strategy: str
    max_concurrency: int
    timeout_seconds: Seconds | None = None
    quorum: int | None = None
    rate_per_second: float | None = None
    custom: Custom | None = None

    def machine(self, total: int) -> _native.Block:
        """Core's machine for so many steps. Raises `InvalidArgumentError`."""
        if not isinstance(self.name, str):
            raise invalid("name", f"must be text, not {self.name!r}")
        if not isinstance(self.strategy, str):
            raise invalid("strategy", f"must be a name, not {self.strategy!r}")
        if self.custom is not None and not callable(self.custom):
            raise invalid("custom", f"must be a function, not {self.custom!r}")
        # What core's types cannot hold. A bool is an int here, and no number of anything.
        return _native.Block(
            self.strategy,
            total,
            max_concurrency=_integer("max_concurrency", self.max_concurrency),
            quorum=None if self.quorum is None else _integer("quorum", self.quorum),
            rate_per_second=_number("rate_per_second", self.rate_per_second),
            timeout_seconds=_number("timeout_seconds", _forms.seconds(self.timeout_seconds)),
            has_custom=self.custom is not None,
        )


def _integer(field: str, given: Any) -> int:
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise invalid(field, f"must be a whole number, not {given!r}")
    # Core tells what is too small; nothing is too large.
    return max(-(2**63), min(int(given.__index__()), 2**63 - 1))


def _number(field: str, given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, (bool, str, bytes)):
        raise invalid(field, f"must be a number, not {given!r}")
    try:
        return float(given)
    except (TypeError, ValueError, OverflowError):
        raise invalid(field, f"must be a number, not {given!r}") from None


def listed(steps: Any) -> list[Any]:
    """The steps, all of them. Raises `InvalidArgumentError`."""
    if isinstance(steps, (str, bytes, Mapping)) or not isinstance(steps, Iterable):
        raise invalid("steps", f"must be a list, not {type(steps).__name__}")
    return list(steps)


class Block:
    """One run of a block. Lanes fill it in; whoever shares it between threads locks."""

    __slots__ = (
        "__weakref__",
        "_machine",
        "_started",
        "cancelled",
        "completed",
        "error",
        "failed",
        "first",
        "granted",
        "is_quiet",
        "prefix",
        "ready",
        "results",
        "steps",
        "terms",
        "verdict",
        "wake",
    )

    def __init__(self, terms: Terms, steps: list[Any]) -> None:
        self._machine = terms.machine(len(steps))
        self._started = clock()
        self.terms = terms
        self.steps = steps
        self.prefix = f"{terms.name}-"
        #: No single finish can end it: all is granted at once, and told at the end.
        self.is_quiet = self._machine.quiet
        #: Granted and not started, in order.
        self.ready: deque[int] = deque()
        self.granted = 0
        #: One for each step, once it ended.
        self.results: list[ParallelTaskResult[Any] | None] = [None] * len(steps)
        #: Ended since core was told last.
        self.completed = self.failed = self.cancelled = 0
        self.first: bool | None = None
        #: When core wants to be called though nothing ends, by `clock`.
        self.wake: float | None = None
        self.verdict: str | None = None
        #: What ends the block instead of a verdict.
        self.error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Nothing more starts."""
        return self.verdict is not None

    def running(self) -> int:
        """How many steps run now."""
        ended = sum(one is not None for one in self.results)
        return max(0, self.granted - len(self.ready) - ended)

    def tell(self) -> None:
        """Tells core what ended, and takes what may start."""
        completed, failed, cancelled = self.completed, self.failed, self.cancelled
        self.completed = self.failed = self.cancelled = 0
        start, end, self.wake, self.verdict = self._machine.step(
            clock(), completed, failed, cancelled, self.first
        )
        if end > start:
            self.granted = end
            self.ready.extend(range(start, end))
        if self.verdict is not None:
            # Granted, and never to start.
            self.cancelled += len(self.ready)
            self.ready.clear()

    def ended(self, index: int) -> None:
        """Counts a step whose result is there, asks the user's function, and tells core."""
        result = self.results[index]
        assert result is not None, "a step ends with its result"
        if result.status == "completed":
            self.completed += 1
        elif result.status == "failed":
            self.failed += 1
        else:
            self.cancelled += 1
        if self.first is None and result.status != "cancelled":
            self.first = result.status == "completed"
        if self.terms.custom is not None and self.verdict is None:
            self._ask(self.terms.custom, index, result)
        self.tell()

    def _ask(self, custom: Custom, index: int, last: ParallelTaskResult[Any]) -> None:
        told = self._machine.tally()
        progress = ParallelProgress(
            len(self.steps),
            told[0] + self.completed,
            told[1] + self.failed,
            told[2] + self.cancelled,
            index,
            last,
            self.results,
        )
        try:
            answer = custom(progress)
            if answer is not None and not isinstance(answer, (bool, str)):
                raise TypeError(f"it must return True, False or None, not {answer!r}")
            self._machine.answer(answer if isinstance(answer, str) else _ANSWERS[answer])
        except Exception as error:
            self.fail(
                ParallelExecutionError(
                    f"the custom function of parallel block {self.terms.name} raised "
                    f"{type(error).__name__}: {error}",
                    fields={"block_name": self.terms.name, "field": "custom"},
                ),
                error,
            )

    def fail(self, error: BaseException, cause: BaseException | None = None) -> None:
        """Ends the block: whoever waits for it gets this error."""
        if self.error is None:
            error.__cause__ = cause
            self.error = error
        self._machine.cancel()

    def cancel(self) -> None:
        """Ends the block as its caller asks."""
        self._machine.cancel()
        self.tell()

    def result(self) -> ParallelExecutionResult[Any]:
        """What became of it. Steps that left no result are cancelled."""
        # A thread that is not waited for may still write into the other list.
        results = self.results.copy()
        for index, found in enumerate(results):
            if found is None:
                results[index] = ParallelTaskResult(f"{self.prefix}{index}", "cancelled", None)
        done: list[Any] = results
        counts = {"completed": 0, "failed": 0, "cancelled": 0}
        for one in done:
            counts[one.status] += 1
        assert self.verdict is not None, "a result comes after the verdict"
        return ParallelExecutionResult(
            block_name=self.terms.name,
            # `quorum(2)` is the strategy `quorum`.
            strategy=self.terms.strategy.partition("(")[0].strip(),
            total_tasks=len(done),
            completed_tasks=counts["completed"],
            failed_tasks=counts["failed"],
            cancelled_tasks=counts["cancelled"],
            overall_status=self.verdict,
            execution_time=clock() - self._started,
            results=done,
        )


def failure(task_id: str, error: BaseException, seconds: float) -> ParallelTaskResult[Any]:
    """The result of a step that raised."""
    # The first frame is ours, and would keep the whole block alive with the error.
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next
    try:
        text = str(error) or type(error).__name__
    except Exception:
        text = type(error).__name__
    return ParallelTaskResult(task_id, "failed", None, text, seconds, None, error)

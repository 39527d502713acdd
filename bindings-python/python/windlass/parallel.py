"""Many steps at once, in this process: how they run, and when it is enough, is the strategy's.

    result = await parallel.gather(urls, fetch, max_concurrency=20)
    print(result.overall_status, result.values())

| strategy | ends |
| --- | --- |
| `all` | when every step ended |
| `any_success` | at the first success |
| `race` | at the first finish, success or failure |
| `quorum(2)` | at the second success, or when there cannot be two any more |
| `throttled` | as `all`, with so many starts a second at most |
| `custom` | when your function says so, asked after each finish |

Steps that lose are cancelled and awaited. An `async def` runs on the running loop, a plain function
on threads; a plain function that still runs when its block ends is reported as cancelled and not
waited for, and can ask `is_cancelled()`.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar, cast, overload

from windlass import _bridge
from windlass._parallel_block import Block, Custom, ParallelProgress, Terms, listed
from windlass._parallel_loop import LoopLane
from windlass._parallel_memory import Memory
from windlass._parallel_meter import Meter
from windlass._parallel_results import ParallelExecutionResult, ParallelTaskResult
from windlass._parallel_step import Call, calling, prepare
from windlass._parallel_threads import ThreadLane, is_cancelled
from windlass.executor import ExecutorInterface
from windlass.options import Seconds, invalid, later

__all__ = [
    "ParallelExecutionResult",
    "ParallelExecutor",
    "ParallelProgress",
    "ParallelStrategy",
    "ParallelTaskResult",
    "gather",
    "is_cancelled",
    "run",
]

S = TypeVar("S")
R = TypeVar("R")

#: What a block is called that has no name.
NAME = "parallel_block"


class ParallelStrategy(Enum):
    """How a block runs and what ends it. Wherever one is taken, its value is, too."""

    #: Every step runs to its end.
    ALL = "all"
    #: Ends at the first success.
    ANY_SUCCESS = "any_success"
    #: Ends at the first finish, success or failure.
    RACE = "race"
    #: As `ALL`, with so many starts a second: `rate_per_second`, else `max_concurrency`.
    THROTTLED = "throttled"
    #: Ends when the function `custom` says so.
    CUSTOM = "custom"
    #: Ends when `quorum` steps succeeded, or no longer can.
    QUORUM = "quorum"


@overload
async def gather(
    steps: Iterable[S] | AsyncIterable[S],
    function: Callable[[S], Awaitable[R]],
    *,
    strategy: str | ParallelStrategy = ...,
    max_concurrency: int = ...,
    timeout: Seconds | None = ...,
    quorum: int | None = ...,
    rate_per_second: float | None = ...,
    custom: Custom | None = ...,
    name: str = ...,
) -> ParallelExecutionResult[R]: ...


@overload
async def gather(
    steps: Iterable[S] | AsyncIterable[S],
    function: Callable[[S], R],
    *,
    strategy: str | ParallelStrategy = ...,
    max_concurrency: int = ...,
    timeout: Seconds | None = ...,
    quorum: int | None = ...,
    rate_per_second: float | None = ...,
    custom: Custom | None = ...,
    name: str = ...,
) -> ParallelExecutionResult[R]: ...


async def gather(
    steps: Iterable[Any] | AsyncIterable[Any],
    function: Callable[..., Any],
    *,
    strategy: str | ParallelStrategy = "all",
    max_concurrency: int = 10,
    timeout: Seconds | None = None,
    quorum: int | None = None,
    rate_per_second: float | None = None,
    custom: Custom | None = None,
    name: str = NAME,
) -> ParallelExecutionResult[Any]:
    """Calls `function` with each of the steps, and gives what became of them, in their order.

    At most `max_concurrency` steps run at once. After `timeout` seconds what still runs is
    cancelled; what is finished is kept. A step that raises fails and no other; nothing is raised
    for it here: `values()` of the result raises. Whoever cancels this cancels the steps, which are
    awaited. `KeyboardInterrupt` and `SystemExit` of a step are raised.

    Raises `InvalidArgumentError` before any step starts, and `ParallelExecutionError` when `custom`
    raises.
    """
    word = _word(strategy)
    terms = Terms(name, word, max_concurrency, timeout, quorum, rate_per_second, custom)
    call, is_async = prepare(function, {})
    if isinstance(steps, AsyncIterable):
        # All of them, before the first one starts.
        steps = [step async for step in steps]
    block = Block(terms, listed(steps))
    await _run(block, call, is_async)
    return block.result()


@overload
def run(
    steps: Iterable[S],
    function: Callable[[S], Awaitable[R]],
    *,
    strategy: str | ParallelStrategy = ...,
    max_concurrency: int = ...,
    timeout: Seconds | None = ...,
    quorum: int | None = ...,
    rate_per_second: float | None = ...,
    custom: Custom | None = ...,
    name: str = ...,
) -> ParallelExecutionResult[R]: ...


@overload
def run(
    steps: Iterable[S],
    function: Callable[[S], R],
    *,
    strategy: str | ParallelStrategy = ...,
    max_concurrency: int = ...,
    timeout: Seconds | None = ...,
    quorum: int | None = ...,
    rate_per_second: float | None = ...,
    custom: Custom | None = ...,
    name: str = ...,
) -> ParallelExecutionResult[R]: ...


def run(
    steps: Iterable[Any],
    function: Callable[..., Any],
    *,
    strategy: str | ParallelStrategy = "all",
    max_concurrency: int = 10,
    timeout: Seconds | None = None,
    quorum: int | None = None,
    rate_per_second: float | None = None,
    custom: Custom | None = None,
    name: str = NAME,
) -> ParallelExecutionResult[Any]:
    """The same where there is no event loop: the calling thread waits, and Ctrl-C ends the wait.

    An `async def` gets a loop of its own for the time of the block. Raises as `gather`, and
    `RuntimeError` inside a running loop.
    """
    _bridge.refuse_in_loop("`await windlass.parallel.gather`")
    word = _word(strategy)
    terms = Terms(name, word, max_concurrency, timeout, quorum, rate_per_second, custom)
    call, is_async = prepare(function, {})
    block = Block(terms, listed(steps))
    if is_async:
        asyncio.run(_run(block, call, True))
    else:
        ThreadLane(block, call).run()
    return block.result()


async def _run(block: Block, call: Call, is_async: bool) -> ThreadLane | None:
    if is_async:
        await LoopLane(block, call).run()
        return None
    lane = ThreadLane(block, call)
    await lane.run_on_loop()
    return lane


def _word(strategy: Any) -> str:
    return cast("str", strategy.value if isinstance(strategy, ParallelStrategy) else strategy)


class ParallelExecutor(ExecutorInterface):
    """Executes blocks of steps. One executor serves any number of blocks at once.

    Raises `InvalidArgumentError`; `NotImplementedYetError` for what belongs to the security and the
    observability managers.
    """

    def __init__(
        self,
        default_max_concurrency: int = 10,
        enable_security: bool = False,
        security_manager: Any = None,
        enable_observability: bool = False,
        observability_manager: Any = None,
        *,
        enable_resource_monitoring: bool = False,
    ) -> None:
        # Refused rather than run unprotected or unseen.
        for name, given in (
            ("enable_security", enable_security),
            ("security_manager", security_manager is not None),
            ("enable_observability", enable_observability),
            ("observability_manager", observability_manager is not None),
        ):
            if given:
                raise later(name)
        try:
            Terms(NAME, "all", default_max_concurrency).machine(0)
        except ValueError as error:
            raise invalid("default_max_concurrency", getattr(error, "reason", str(error))) from None
        #: Steps at once in a block that does not say.
        self.default_max_concurrency = default_max_concurrency
        #: Whether `metadata["resources"]` of each result tells what the block used.
        self.enable_resource_monitoring = enable_resource_monitoring
        self._running: set[Block] = set()
        self._executed = 0
        self._lanes: weakref.WeakSet[ThreadLane] = weakref.WeakSet()

    async def execute_parallel_block(
        self,
        parallel_block: Mapping[str, Any],
        step_executor: Callable[..., Any],
        security_context: Any = None,
    ) -> ParallelExecutionResult[Any]:
        """Executes a block: `name`, `strategy`, `steps`, `max_concurrency`, `timeout_seconds`.

        Beside these: `quorum`, `rate_per_second` and `custom` as their strategies need them;
        `enable_caching`, with which equal steps of the block run once and share the result;
        `distribution_policy`, which is a coordinator's: here every step runs in this process.

        `step_executor` is called once for each step. When it has a parameter `context` it gets a
        `dict`, with `security_context` when there is one. Raises as `gather`.
        """
        asked = _Asked(parallel_block, self.default_max_concurrency)
        return await self._execute(asked, step_executor, security_context)

    async def execute_parallel_steps(
        self,
        steps: Iterable[Any],
        step_executor: Callable[..., Any],
        strategy: str | ParallelStrategy = ParallelStrategy.ALL,
        max_concurrency: int | None = None,
        timeout_seconds: Seconds | None = None,
        security_context: Any = None,
        *,
        quorum: int | None = None,
        rate_per_second: float | None = None,
        custom: Custom | None = None,
    ) -> list[ParallelTaskResult[Any]]:
        """Executes steps, and gives what became of each, in their order. Raises as `gather`."""
        block = {
            "steps": steps,
            "strategy": strategy,
            "max_concurrency": max_concurrency,
            "timeout_seconds": timeout_seconds,
            "quorum": quorum,
            "rate_per_second": rate_per_second,
            "custom": custom,
        }
        asked = _Asked(block, self.default_max_concurrency)
        return (await self._execute(asked, step_executor, security_context)).results

    async def execute(self, task: Any, context: dict[str, Any] | None = None) -> Any:
        """Executes a block, and gives its result, or calls a function, and gives what it returns.

        A block is a mapping as `execute_parallel_block` takes it. Its step executor is beside its
        keys or in `context`, as `step_executor`; without one the steps are functions, which are
        called without arguments. A function that has a parameter `context` gets this one, which may
        hold `security_context`.
        """
        given = dict(context or {})
        security_context = given.get("security_context")
        if isinstance(task, Mapping):
            block = dict(task)
            function = block.pop("step_executor", given.get("step_executor"))
            if function is None:
                block["steps"] = listed(block.get("steps"))
                if not all(map(callable, block["steps"])):
                    raise invalid("step_executor", "is missing, and not every step is a function")
                function = calling(block["steps"], given)
            return await self.execute_parallel_block(block, function, security_context)
        if not callable(task):
            raise invalid("task", f"must be a block or a function, not {type(task).__name__}")
        asked = _Asked({"steps": [task], "name": "task"}, self.default_max_concurrency)
        result = await self._execute(asked, calling([task], given), security_context)
        [only] = result.results
        if only.exception is not None:
            raise only.exception
        if only.status == "cancelled":
            raise asyncio.CancelledError
        return only.result

    async def health_check(self) -> dict[str, Any]:
        """How the executor does: `status`, and counts of what it runs and has run."""
        running = [block.running() for block in self._running]
        return {
            "status": "healthy",
            "healthy": True,
            "default_max_concurrency": self.default_max_concurrency,
            "running_blocks": len(running),
            "running_steps": sum(running),
            "executed_blocks": self._executed,
            "abandoned_threads": sum(lane.abandoned() for lane in self._lanes),
        }

    async def _execute(
        self, asked: _Asked, function: Callable[..., Any], security_context: Any
    ) -> ParallelExecutionResult[Any]:
        context = {} if security_context is None else {"security_context": security_context}
        call, is_async = prepare(function, context)
        block = Block(asked.terms, asked.steps)
        # What a step may find differs with who asks: then nothing is shared.
        memory = Memory(block) if asked.enable_caching and not context else None
        meter = Meter() if self.enable_resource_monitoring else None
        if meter is not None:
            call = meter.around(call, is_async)
        if memory is not None:
            call = memory.around(call, is_async)
        self._running.add(block)
        try:
            lane = await _run(block, call, is_async)
        finally:
            self._running.discard(block)
            self._executed += 1
        if lane is not None and lane.abandoned():
            self._lanes.add(lane)
        result = block.result()
        if memory is not None:
            memory.mark(result)
        if meter is not None:
            result.metadata["resources"] = meter.read()
        return result


class _Asked:
    """A block as a mapping, read. Raises `InvalidArgumentError` naming the key."""

    _KEYS = frozenset(
        {
            "custom",
            "distribution_policy",
            "enable_caching",
            "max_concurrency",
            "name",
            "quorum",
            "rate_per_second",
            "steps",
            "strategy",
            "timeout_seconds",
        }
    )

    def __init__(self, block: Mapping[str, Any], default_max_concurrency: int) -> None:
        if not isinstance(block, Mapping):
            raise invalid("parallel_block", f"must be a mapping, not {type(block).__name__}")
        for key in block:
            if key not in self._KEYS:
                known = ", ".join(sorted(self._KEYS))
                raise invalid(str(key), f"is no key of a parallel block; these are: {known}")
        if "steps" not in block:
            raise invalid("steps", "is missing")
        for key, kind in (("enable_caching", bool), ("distribution_policy", str)):
            if not isinstance(block.get(key), (kind, type(None))):
                raise invalid(key, f"must be of type {kind.__name__}, not {block[key]!r}")
        self.steps = listed(block["steps"])
        self.enable_caching = bool(block.get("enable_caching"))
        most = block.get("max_concurrency")
        self.terms = Terms(
            name=_or(block.get("name"), NAME),
            strategy=_word(_or(block.get("strategy"), "all")),
            max_concurrency=default_max_concurrency if most is None else most,
            timeout_seconds=block.get("timeout_seconds"),
            quorum=block.get("quorum"),
            rate_per_second=block.get("rate_per_second"),
            custom=block.get("custom"),
        )


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given

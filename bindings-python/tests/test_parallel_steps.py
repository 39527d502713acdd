"""What steps may be, and what they may do: PAR-16, PAR-17, PAR-45."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import windlass
from windlass import parallel
from windlass.parallel import ParallelExecutionResult, ParallelExecutor


def statuses(result: ParallelExecutionResult[Any]) -> list[str]:
    return [one.status for one in result.results]


async def test_steps_may_come_one_by_one() -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    assert (await parallel.gather(numbers(), str)).values() == ["0", "1", "2"]


async def test_a_step_that_cancels_itself_is_cancelled_alone() -> None:
    async def step(number: int) -> int:
        if number == 1:
            raise asyncio.CancelledError
        if number == 2:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(60)
        if number == 3:
            task = asyncio.current_task()
            assert task is not None
            # Never met here, and by nobody else.
            task.cancel()
            return number
        await asyncio.sleep(0)
        return number

    result = await parallel.gather(range(8), step, max_concurrency=1)
    found = statuses(result)
    assert found[1:3] == ["cancelled", "cancelled"]
    assert [found[0], *found[3:]] == ["completed"] * 6
    assert result.overall_status == "partial"


async def test_what_a_step_sets_stays_with_it() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="caller's")
    mark.set("outer")

    async def step(number: int) -> str:
        seen = mark.get()
        mark.set(f"{number}'s")
        await asyncio.sleep(0)
        return seen

    def plain(number: int) -> str:
        seen = mark.get()
        mark.set(f"{number}'s")
        return seen

    result = await parallel.gather(range(6), step, max_concurrency=2)
    assert result.values() == ["outer"] * 6
    assert (await parallel.gather(range(6), plain, max_concurrency=2)).values() == ["outer"] * 6
    assert mark.get() == "outer"


async def test_a_step_may_use_timeouts_and_tasks_of_its_own() -> None:
    async def step(number: int) -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(60 if number % 2 else 0), 0.01)
        except asyncio.TimeoutError:
            return "late"
        return "in time"

    result = await parallel.gather(range(4), step, max_concurrency=1)
    assert result.values() == ["in time", "late", "in time", "late"]


async def test_steps_that_never_wait_leave_the_loop_to_others() -> None:
    turns = 0
    stop = asyncio.Event()

    async def other() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            await asyncio.sleep(0)

    def burn(step: int) -> None:
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass

    async def busy(step: int) -> None:
        burn(step)

    watching = asyncio.create_task(other())
    await parallel.gather(range(100), busy, max_concurrency=20)
    stop.set()
    await watching
    # 100 ms of steps, and a turn for others after each 5 ms or so.
    assert turns >= 8


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("on_threads", [False, True])
def test_what_ends_the_process_is_raised(kind: type[BaseException], on_threads: bool) -> None:
    cancelled = []

    async def coroutine(step: int) -> None:
        if step == 1:
            raise kind("enough")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(step)
            raise

    gate = threading.Event()

    def plain(step: int) -> None:
        if step == 1:
            raise kind("enough")
        gate.wait(60)

    try:
        with pytest.raises(kind):
            parallel.run(range(3), plain if on_threads else coroutine)
    finally:
        gate.set()
    assert on_threads or sorted(cancelled) in ([0], [0, 2])


async def test_values_raise_what_the_first_step_raised() -> None:
    # ERR-03
    def reciprocal(step: int) -> float:
        return 1 / step

    result = await parallel.gather([1, 0, 2], reciprocal, name="division")
    assert result.overall_status == "partial"
    with pytest.raises(windlass.ParallelExecutionError, match="division-1: division by zero") as e:
        result.values()
    assert isinstance(e.value.__cause__, ZeroDivisionError)
    assert isinstance(e.value, windlass.ExecutionError)
    assert e.value.fields["failed_tasks"] == 1
    enough = await parallel.gather([0, 2], reciprocal, strategy="any_success", max_concurrency=1)
    assert enough.values() == [0.5]


Call = Callable[[Any], Any]


async def test_step_executors_of_every_shape() -> None:
    # PAR-16, PAR-17
    async def with_context(step: str, context: Any = None) -> Any:
        return step, context

    async def needs_context(step: str, ctx: Any) -> Any:
        return step, ctx

    def plain_with_context(step: str, *, context: Any) -> Any:
        return step, context

    class Callable_:  # noqa: N801
        async def __call__(self, step: str, context: Any = None) -> Any:
            return step, context

        async def method(self, step: str) -> Any:
            return step, {}

    async def other_default(step: str, width: int = 320) -> Any:
        return step, {} if width == 320 else width

    @functools.wraps(with_context)
    async def open_wrapper(*args: Any, **kwargs: Any) -> Any:
        return await with_context(*args, **kwargs)

    @functools.wraps(with_context)
    def narrow_wrapper(step: str) -> Any:
        return with_context(step, {})

    shapes: list[Call] = [
        with_context,
        needs_context,
        plain_with_context,
        Callable_(),
        Callable_().method,
        other_default,
        lambda step: with_context(step, {}),
        open_wrapper,
        narrow_wrapper,
        functools.partial(with_context, context={}),
        functools.partial(other_default, width=320),
    ]
    for shape in shapes:
        [only] = (await parallel.gather(["a"], shape)).values()
        assert only == ("a", {}), shape
    assert (await parallel.gather(["1", "2"], int)).values() == [1, 2]
    bound = functools.partial(with_context, context="mine")
    assert (await parallel.gather(["a"], bound)).values() == [("a", "mine")]


def test_blocking_runs_both_kinds() -> None:
    async def coroutine(step: int) -> int:
        await asyncio.sleep(0)
        return step * 2

    assert parallel.run(range(3), coroutine).values() == [0, 2, 4]
    assert parallel.run(range(3), lambda step: step * 3).values() == [0, 3, 6]


async def test_blocking_is_refused_inside_a_loop() -> None:
    with pytest.raises(RuntimeError, match="gather"):
        parallel.run([1], str)


@pytest.mark.parametrize(
    "kind", ["coroutine", "plain", "failing coroutine", "failing plain", "cached"]
)
async def test_nothing_of_a_block_stays_behind(kind: str) -> None:
    # PAR-45
    def plain(step: int) -> int:
        if "failing" in kind:
            raise ValueError(step)
        return step

    async def coroutine(step: int) -> int:
        return plain(step)

    executor = ParallelExecutor()
    block = {"steps": range(500), "enable_caching": kind == "cached"}

    async def once() -> None:
        await executor.execute_parallel_block(block, plain if "plain" in kind else coroutine)

    await once()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(5):
            await once()
        # Without the collector: what is left are cycles, which would grow with each block.
        assert len(gc.get_objects()) - before < 500
    finally:
        gc.enable()


async def test_resources_are_there_when_asked_for_only() -> None:
    # PAR-06
    result = await ParallelExecutor().execute_parallel_block({"steps": [1]}, str)
    assert result.metadata == {}

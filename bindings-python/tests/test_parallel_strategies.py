"""What ends a block, and what its steps come to: PAR-20..25 and the law of strategies."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import windlass
from windlass import parallel
from windlass.parallel import (
    ParallelExecutionResult,
    ParallelExecutor,
    ParallelProgress,
    ParallelStrategy,
)


class Steps:
    """Async steps that the test ends one by one, in the order it wants."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.cancelled: list[Any] = []
        self._gates: dict[Any, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()

    async def __call__(self, step: Any) -> Any:
        gate: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._gates[step] = gate
        self.started.append(step)
        self._news.set()
        try:
            return await gate
        except asyncio.CancelledError:
            self.cancelled.append(step)
            raise

    async def until_started(self, number: int) -> None:
        while len(self.started) < number:
            self._news.clear()
            await self._news.wait()

    def succeed(self, step: Any) -> None:
        self._gates[step].set_result(f"did {step}")

    def fail(self, step: Any) -> None:
        self._gates[step].set_exception(ValueError(f"cannot {step}"))


Running = asyncio.Task[ParallelExecutionResult[Any]]


def start(steps: Steps, number: int, **options: Any) -> Running:
    return asyncio.create_task(parallel.gather(range(number), steps, **options))


def statuses(result: ParallelExecutionResult[Any]) -> list[str]:
    return [one.status for one in result.results]


async def test_all_runs_everything_whatever_fails() -> None:
    # PAR-21
    steps = Steps()
    running = start(steps, 4)
    await steps.until_started(4)
    steps.fail(0)
    for step in (3, 1, 2):
        steps.succeed(step)
    result = await running
    assert result.overall_status == "partial"
    assert statuses(result) == ["failed", "completed", "completed", "completed"]
    assert [one.result for one in result.results] == [None, "did 1", "did 2", "did 3"]
    failed = result.results[0]
    assert failed.error_message == "cannot 0"
    assert isinstance(failed.exception, ValueError)
    assert failed.exception.__traceback__ is not None
    assert failed.exception.__traceback__.tb_frame.f_code.co_name == "__call__"


async def test_all_fails_when_all_fail() -> None:
    async def boom(step: int) -> None:
        raise ValueError(step)

    result = await parallel.gather(range(3), boom)
    assert result.overall_status == "failed"
    assert (result.completed_tasks, result.failed_tasks, result.cancelled_tasks) == (0, 3, 0)


async def test_no_more_than_the_limit_run_at_once() -> None:
    # PAR-20
    steps = Steps()
    running = start(steps, 7, max_concurrency=3)
    for done in range(7):
        await steps.until_started(min(7, done + 3))
        await asyncio.sleep(0)
        assert len(steps.started) == min(7, done + 3)
        steps.succeed(steps.started[done])
    assert (await running).overall_status == "completed"


async def test_the_default_limit_is_the_executors() -> None:
    # PAR-20
    steps = Steps()
    executor = ParallelExecutor(default_max_concurrency=2)
    running = asyncio.create_task(executor.execute_parallel_steps(range(5), steps))
    await steps.until_started(2)
    await asyncio.sleep(0)
    assert steps.started == [0, 1]
    assert (await executor.health_check())["running_steps"] == 2
    for step in range(5):
        await steps.until_started(step + 1)
        steps.succeed(step)
    assert len(await running) == 5


async def test_any_success_ends_at_the_first_success_and_cancels_the_rest() -> None:
    # PAR-22
    steps = Steps()
    running = start(steps, 5, strategy="any_success", max_concurrency=3)
    await steps.until_started(3)
    steps.fail(0)
    await steps.until_started(4)
    steps.succeed(2)
    result = await running
    assert result.overall_status == "completed"
    assert statuses(result) == ["failed", "cancelled", "completed", "cancelled", "cancelled"]
    # The losers were told and awaited; the last one never started.
    assert (sorted(steps.cancelled), steps.started) == ([1, 3], [0, 1, 2, 3])
    assert result.results[4].execution_time == 0


async def test_any_success_fails_when_nothing_succeeds() -> None:
    async def boom(step: int) -> None:
        raise ValueError(step)

    result = await parallel.gather(range(3), boom, strategy=ParallelStrategy.ANY_SUCCESS)
    assert (result.overall_status, result.failed_tasks) == ("failed", 3)


@pytest.mark.parametrize("is_good", [True, False])
async def test_race_ends_at_the_first_finish(is_good: bool) -> None:
    # PAR-23
    steps = Steps()
    running = start(steps, 3, strategy="race")
    await steps.until_started(3)
    (steps.succeed if is_good else steps.fail)(1)
    result = await running
    winner = "completed" if is_good else "failed"
    assert result.overall_status == winner
    assert statuses(result) == ["cancelled", winner, "cancelled"]


async def test_quorum_ends_when_there_are_enough() -> None:
    steps = Steps()
    running = start(steps, 5, strategy="quorum", quorum=2)
    await steps.until_started(5)
    steps.fail(4)
    steps.succeed(3)
    await asyncio.sleep(0)
    steps.succeed(1)
    result = await running
    assert (result.overall_status, result.strategy) == ("completed", "quorum")
    assert statuses(result) == ["cancelled", "completed", "cancelled", "completed", "failed"]


async def test_quorum_ends_when_there_cannot_be_enough() -> None:
    steps = Steps()
    running = start(steps, 3, strategy="quorum(2)")
    await steps.until_started(3)
    steps.fail(0)
    steps.fail(2)
    result = await running
    assert (result.overall_status, result.strategy) == ("failed", "quorum")
    assert statuses(result) == ["failed", "cancelled", "failed"]


async def test_throttled_starts_no_more_than_its_rate() -> None:
    # PAR-24
    starts = []

    async def stamp(step: int) -> None:
        starts.append(time.perf_counter())

    result = await parallel.gather(
        range(12), stamp, strategy="throttled", max_concurrency=5, rate_per_second=100
    )
    assert (result.overall_status, result.completed_tasks) == ("completed", 12)
    # Eleven intervals of 10 ms; one that wakes late may catch up by 100 ms, and no more.
    assert starts[-1] - starts[0] >= 11 / 100 - 0.1 - 0.001
    assert result.execution_time >= 11 / 100 - 0.001


async def test_throttled_runs_no_more_than_its_number() -> None:
    # PAR-24
    steps = Steps()
    running = start(steps, 4, strategy="throttled", max_concurrency=2, rate_per_second=1e6)
    await steps.until_started(2)
    await asyncio.sleep(0.01)
    assert steps.started == [0, 1]
    for step in range(4):
        await steps.until_started(step + 1)
        steps.succeed(step)
    assert (await running).overall_status == "completed"


@pytest.mark.parametrize(("answer", "overall"), [(True, "completed"), (False, "failed")])
@pytest.mark.parametrize("on_threads", [False, True])
async def test_custom_asks_after_each_finish(answer: bool, overall: str, on_threads: bool) -> None:
    # PAR-25
    asked: list[ParallelProgress] = []

    def enough(progress: ParallelProgress) -> bool | None:
        asked.append(progress)
        return answer if progress.completed == 2 else None

    def plain(step: int) -> int:
        if step == 1:
            raise ValueError(step)
        return step

    async def coroutine(step: int) -> int:
        return plain(step)

    result = await parallel.gather(
        range(9),
        plain if on_threads else coroutine,
        strategy="custom",
        custom=enough,
        max_concurrency=1,
    )
    assert result.overall_status == overall
    assert statuses(result) == ["completed", "failed", "completed", *["cancelled"] * 6]
    assert [(one.total, one.completed, one.failed) for one in asked] == [
        (9, 1, 0),
        (9, 1, 1),
        (9, 2, 1),
    ]
    assert [(one.index, one.last.status) for one in asked] == [
        (0, "completed"),
        (1, "failed"),
        (2, "completed"),
    ]
    assert asked[-1].results[1] is asked[1].last


async def test_custom_that_never_decides_is_judged_as_all() -> None:
    # PAR-25
    async def same(step: int) -> int:
        return step

    result = await parallel.gather(range(3), same, strategy="custom", custom=lambda _: None)
    assert result.overall_status == "completed"


@pytest.mark.parametrize("on_threads", [False, True])
async def test_a_custom_function_that_raises_ends_the_block(on_threads: bool) -> None:
    wrong = KeyError("mine")
    cancelled = []

    def broken(progress: ParallelProgress) -> bool:
        raise wrong

    async def coroutine(step: int) -> None:
        try:
            await asyncio.sleep(60 if step else 0)
        except asyncio.CancelledError:
            cancelled.append(step)
            raise

    def plain(step: int) -> None:
        return None

    with pytest.raises(windlass.ParallelExecutionError, match="custom function") as caught:
        await parallel.gather(
            range(3),
            plain if on_threads else coroutine,
            strategy="custom",
            custom=broken,
            name="mine",
        )
    assert caught.value.__cause__ is wrong
    assert caught.value.fields == {"block_name": "mine", "field": "custom"}
    assert sorted(cancelled) == ([] if on_threads else [1, 2])


@pytest.mark.parametrize(
    ("answer", "overall"),
    [("satisfied", "completed"), ("failed", "failed"), ("keep_going", "partial")],
)
async def test_custom_answers_in_words(answer: str, overall: str) -> None:
    # PAR-25
    async def reciprocal(step: int) -> float:
        return 1 / step

    result = await parallel.gather(
        [1, 0], reciprocal, strategy="custom", custom=lambda _: answer, max_concurrency=1
    )
    assert result.overall_status == overall


@pytest.mark.parametrize("answer", ["yes", 1, {}])
async def test_a_custom_answer_that_is_none_ends_the_block(answer: Any) -> None:
    async def same(step: int) -> int:
        return step

    with pytest.raises(windlass.ParallelExecutionError, match="custom function") as caught:
        await parallel.gather([1], same, strategy="custom", custom=lambda _: answer)
    assert repr(answer) in str(caught.value) or answer in str(caught.value)


async def test_finished_results_survive_a_timeout() -> None:
    # PAR-13
    steps = Steps()
    running = start(steps, 4, timeout=0.5, max_concurrency=3)
    await steps.until_started(3)
    steps.succeed(1)
    result = await running
    assert result.overall_status == "timeout"
    assert statuses(result) == ["cancelled", "completed", "cancelled", "cancelled"]
    assert result.results[1].result == "did 1"
    assert sorted(steps.cancelled) == [0, 2, 3]
    assert result.execution_time >= 0.5


async def test_a_loser_is_awaited_and_may_finish_anyway() -> None:
    ended = []

    async def stubborn(step: int) -> str:
        if step == 0:
            return "first"
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.append(step)
            if step == 2:
                raise ValueError("cannot stop") from None
            return "anyway"
        raise AssertionError

    # The winner comes last: the others run by then.
    result = await parallel.gather([1, 2, 0], stubborn, strategy="race")
    assert sorted(ended) == [1, 2]
    assert statuses(result) == ["completed", "failed", "completed"]
    assert result.results[0].result == "anyway"
    assert result.overall_status == "completed"


async def test_an_empty_block_is_completed() -> None:
    async def never(step: int) -> int:
        raise AssertionError

    for strategy in ("all", "any_success", "race", "throttled"):
        result = await parallel.gather([], never, strategy=strategy)
        assert (result.overall_status, result.results, result.total_tasks) == ("completed", [], 0)


async def test_cancelling_the_caller_cancels_and_awaits_the_steps() -> None:
    steps = Steps()
    running = start(steps, 3)
    await steps.until_started(3)
    steps.succeed(1)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(steps.cancelled) == [0, 2]


async def test_cancelling_twice_waits_all_the_same() -> None:
    ended = []
    started = asyncio.Event()

    async def slow_to_stop(step: int) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            ended.append(step)

    running = asyncio.create_task(parallel.gather([1], slow_to_stop))
    await started.wait()
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [1]

"""Plain steps run on threads, which nothing can interrupt."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest
from conftest import Spawn, finish, line
from windlass import parallel
from windlass.parallel import ParallelExecutor, is_cancelled


def test_steps_run_at_once_up_to_the_limit() -> None:
    # PAR-20
    together = threading.Barrier(4, timeout=30)

    def meet(step: int) -> int:
        together.wait()
        return step

    result = parallel.run(range(8), meet, max_concurrency=4)
    assert result.values() == list(range(8))
    running = most = 0
    lock = threading.Lock()
    three = threading.Barrier(3, timeout=30)

    def count(step: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        three.wait()
        with lock:
            running -= 1

    assert len(parallel.run(range(39), count, max_concurrency=3).values()) == 39
    assert most == 3


async def test_the_loop_goes_on_while_steps_block() -> None:
    gate = threading.Event()

    def block(step: int) -> bool:
        return gate.wait(30)

    running = asyncio.create_task(parallel.gather(range(3), block))
    # Set by the loop, which therefore is not blocked.
    asyncio.get_running_loop().call_later(0.01, gate.set)
    assert (await running).values() == [True] * 3


@pytest.mark.parametrize("on_loop", [False, True])
def test_a_timeout_does_not_wait_for_threads(on_loop: bool) -> None:
    # PAR-13
    gate, told = threading.Event(), threading.Event()

    def hang(step: int) -> int:
        if step == 0:
            return 0
        gate.wait(30)
        if is_cancelled():
            told.set()
        return step

    try:
        if on_loop:
            result = asyncio.run(parallel.gather(range(3), hang, timeout=0.5, max_concurrency=2))
        else:
            result = parallel.run(range(3), hang, timeout=0.5, max_concurrency=2)
    finally:
        gate.set()
    assert result.overall_status == "timeout"
    assert [one.status for one in result.results] == ["completed", "cancelled", "cancelled"]
    assert told.wait(30)
    # What it returned at last is dropped.
    assert result.results[1].result is None


def test_the_first_success_ends_the_block() -> None:
    # PAR-22
    gate = threading.Event()

    def one_is_quick(step: int) -> str:
        if step == 0:
            raise ValueError("no")
        if step == 2:
            return "quick"
        gate.wait(30)
        return "slow"

    try:
        result = parallel.run(range(9), one_is_quick, strategy="any_success", max_concurrency=3)
    finally:
        gate.set()
    assert (result.overall_status, result.values()) == ("completed", ["quick"])
    assert [one.status for one in result.results[:3]] == ["failed", "cancelled", "completed"]


def test_throttled_starts_no_more_than_its_rate() -> None:
    # PAR-24
    result = parallel.run(
        range(12), str, strategy="throttled", max_concurrency=5, rate_per_second=100
    )
    assert (result.overall_status, result.completed_tasks) == ("completed", 12)
    assert result.execution_time >= 11 / 100 - 0.001


async def test_cancelling_the_caller_starts_nothing_more() -> None:
    gate, started = threading.Event(), threading.Event()
    seen = []

    def block(step: int) -> None:
        seen.append(step)
        started.set()
        gate.wait(30)

    running = asyncio.create_task(parallel.gather(range(50), block, max_concurrency=1))
    await asyncio.to_thread(started.wait, 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.set()
    assert seen == [0]


async def test_an_executor_tells_of_threads_that_hang() -> None:
    gate = threading.Event()
    executor = ParallelExecutor()
    try:
        block = {"steps": [1, 2], "timeout_seconds": 0.05}
        result = await executor.execute_parallel_block(block, lambda step: gate.wait(30))
        assert result.overall_status == "timeout"
        health = await executor.health_check()
        assert (health["abandoned_threads"], health["running_blocks"]) == (2, 0)
    finally:
        gate.set()


async def test_coroutines_of_plain_functions_are_awaited_and_cancelled() -> None:
    cancelled = []

    async def wait(step: int) -> str:
        if step == 0:
            return "first"
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            cancelled.append(step)
            raise
        raise AssertionError

    result = await parallel.gather([1, 0], lambda step: wait(step), strategy="any_success")
    assert result.values() == ["first"]
    assert cancelled in ([1], [])
    assert result.results[0].status == "cancelled"


def test_coroutines_of_plain_functions_need_a_loop() -> None:
    async def wait(step: int) -> None: ...

    result = parallel.run([1], lambda step: wait(step))
    assert result.results[0].error_message is not None
    assert "gather" in result.results[0].error_message


async def test_equal_plain_steps_run_once_with_caching() -> None:
    # PAR-15
    ran = []

    def upper(step: object) -> str:
        ran.append(step)
        return str(step).upper()

    block = {"steps": ["a", 1, "a", True, 1.0, "a"], "enable_caching": True}
    result = await ParallelExecutor().execute_parallel_block(block, upper)
    assert [one.result for one in result.results] == ["A", "1", "A", "TRUE", "1.0", "A"]
    assert sorted(map(repr, ran)) == ["'a'", "1", "1.0", "True"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_ctrl_c_ends_a_blocking_run(spawn: Spawn, kind: str) -> None:
    wait = "await asyncio.sleep(60)" if kind == "async def" else "time.sleep(60)"
    process = spawn(
        code=f"""
import asyncio, time
from windlass import parallel

{kind} step(number):
    print("started", flush=True)
    {wait}

try:
    parallel.run([1], step)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    )
    line(process, "started")
    process.send_signal(signal.SIGINT)
    out, _ = finish(process)
    assert "interrupted" in out

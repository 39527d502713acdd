"""Advice on concurrency and batches; the guide's examples, and what they leave open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import _native, parallel
from windlass.parallel import ParallelExecutor
from windlass.resilience import (
    AdaptiveExecutor,
    BatchProcessor,
    ChunkReader,
    calculate_optimal_concurrency,
)


def test_concurrency_fits_the_kind_of_work_and_this_machine() -> None:
    # RES-03..07
    machine = _native.Machine()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = calculate_optimal_concurrency("cpu_intensive")
    assert 1 <= cores <= (usable or 1)
    if machine.cores_physical is not None:
        assert cores <= machine.cores_physical
    assert calculate_optimal_concurrency("io_intensive") == min(cores * 8, 200)
    by_memory = min(int(machine.memory_gb / 2), 50)
    assert calculate_optimal_concurrency("memory_intensive") == max(1, by_memory)
    assert calculate_optimal_concurrency("mixed") == cores * 2
    assert calculate_optimal_concurrency("anything else") == cores * 4


def test_advice_for_machines_of_others() -> None:
    # RES-03..07: physical cores, logical cores, GiB
    advice = _native.optimal_concurrency
    assert advice("cpu_intensive", 8, 16, 64.0) == 8
    assert advice("io_intensive", 8, 16, 64.0) == 64
    assert advice("io_intensive", 64, 128, 64.0) == 200
    assert advice("memory_intensive", 8, 16, 64.0) == 32
    assert advice("memory_intensive", 8, 16, 512.0) == 50
    assert advice("mixed", 8, 16, 64.0) == 16
    # A container that does not tell, and one with less than 2 GiB.
    assert advice("cpu_intensive", None, 3, 1.0) == 3
    assert advice("memory_intensive", None, 3, 1.0) == 1


async def test_adaptive_concurrency_as_in_the_guide() -> None:
    # RES-08
    async def task_processor(task: int) -> int:
        await asyncio.sleep(0)
        return task * 2

    executor = AdaptiveExecutor(task_processor)
    assert executor.base_concurrency == calculate_optimal_concurrency("mixed")
    assert (executor.current_load, executor.performance_history) == (0, [])
    results = await executor.execute_with_adaptive_concurrency(range(50))
    assert [one.result for one in results] == [2 * n for n in range(50)]
    [entry] = executor.performance_history
    assert (entry["level"], entry["concurrency"]) == ("base", executor.base_concurrency)
    assert (entry["tasks"], entry["failed_tasks"]) == (50, 0)
    assert entry["execution_time"] > 0
    base = executor.base_concurrency
    assert executor.concurrency in (min(base * 2, 100), base, max(base // 2, 1))


async def test_adaptive_concurrency_limits_what_runs() -> None:
    # RES-08
    running = most = 0

    async def count(task: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    executor = AdaptiveExecutor(count, base_concurrency=7)
    await executor.execute_with_adaptive_concurrency(range(50))
    assert most == 7


def test_adaptive_levels_follow_the_machine() -> None:
    # RES-08
    adaptive = _native.Adaptive(60)
    seen = [adaptive.concurrency()]
    for processors in (0.1, 0.95, 0.8):
        adaptive.measured(100, 1.0, processors, 0.1)
        seen.append(adaptive.concurrency())
    # Twice the base is 100 at most.
    assert seen == [60, 100, 30, 60]
    one = _native.Adaptive(1)
    one.measured(100, 1.0, 0.95, 0.1)
    assert one.concurrency() == 1


async def test_subclasses_bring_their_processor() -> None:
    # RES-08, RES-11
    class Mine(AdaptiveExecutor):
        async def task_processor(self, task: int) -> int:
            return task + 1

    class Batches(BatchProcessor):
        async def batch_processor(self, batch: list[int]) -> int:
            return sum(batch)

    [one] = await Mine().execute_with_adaptive_concurrency([1])
    assert one.result == 2
    [one] = await Batches().process_in_optimal_batches([1, 2, 3], "api_calls")
    assert one.result == 6


def test_batch_sizes_fit_the_kind_of_work() -> None:
    # RES-09, RES-10
    processor = BatchProcessor()
    assert processor.optimal_batch_sizes == {
        "database_writes": 1000,
        "api_calls": 50,
        "file_processing": 100,
        "ml_inference": 32,
    }
    size = processor.get_optimal_batch_size
    assert size("api_calls", 5_000) == 50
    assert size("anything else", 5_000) == 100
    assert (size("api_calls", 20), size("database_writes", 999)) == (20, 999)
    assert (size("database_writes", 1000), size("api_calls", 100_000)) == (1000, 50)
    assert size("api_calls", 100_001) == 100
    # The guide's own answer is 0 here, and then its loop over batches raises.
    assert size("api_calls", 0) == 1
    processor.optimal_batch_sizes["api_calls"] = 7
    assert size("api_calls", 5_000) == 7


async def test_data_is_processed_in_batches() -> None:
    # RES-11
    running = most = 0
    seen = []

    async def batch_processor(batch: list[int]) -> int:
        nonlocal running, most
        seen.append(len(batch))
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return sum(batch)

    data = list(range(1234))
    processor = BatchProcessor(batch_processor)
    results = await processor.process_in_optimal_batches(data, "api_calls")
    assert seen == [*[50] * 24, 34]
    assert sum(one.result for one in results) == sum(data)
    assert [one.result for one in results] == [sum(data[i : i + 50]) for i in range(0, 1234, 50)]
    assert most == 10
    assert await processor.process_in_optimal_batches([], "api_calls") == []


async def test_a_source_is_read_in_chunks() -> None:
    # RES-12
    read = 0

    def numbers() -> Any:
        nonlocal read
        for number in range(25_000):
            read += 1
            yield number

    sizes = []
    async for chunk in ChunkReader(numbers()).read_chunks():
        sizes.append(len(chunk))
        # Never ahead of whoever processes it.
        assert read == sum(sizes)
    assert sizes == [10_000, 10_000, 5_000]

    async def letters() -> AsyncIterator[str]:
        for letter in "abc":
            yield letter

    assert [chunk async for chunk in ChunkReader(letters()).read_chunks(2)] == [["a", "b"], ["c"]]
    assert [chunk async for chunk in ChunkReader([]).read_chunks(2)] == []


async def test_chunks_go_through_blocks() -> None:
    # PAR-45, RES-12
    data_source = ChunkReader(range(95))
    done = 0
    async for chunk in data_source.read_chunks(10):
        result = await parallel.gather(chunk, str, max_concurrency=2)
        done += result.completed_tasks
    assert done == 95


async def test_bad_input_is_named() -> None:
    async def read(size: Any) -> None:
        async for _ in ChunkReader([1]).read_chunks(size):
            pass

    processor = BatchProcessor(len)
    cases: list[tuple[str, Any]] = [
        ("task_type", lambda: calculate_optimal_concurrency(5)),  # type: ignore[arg-type]
        ("task_type", lambda: processor.get_optimal_batch_size(None, 5)),  # type: ignore[arg-type]
        ("data_size", lambda: processor.get_optimal_batch_size("api_calls", -1)),
        ("data_size", lambda: processor.get_optimal_batch_size("api_calls", True)),
        ("task_processor", lambda: AdaptiveExecutor(5)),  # type: ignore[arg-type]
        ("batch_processor", lambda: BatchProcessor("len")),  # type: ignore[arg-type]
        ("executor", lambda: AdaptiveExecutor(len, executor=5)),  # type: ignore[arg-type]
        ("base_concurrency", lambda: AdaptiveExecutor(len, base_concurrency=0)),
        ("base_concurrency", lambda: AdaptiveExecutor(len, base_concurrency=True)),
        ("source", lambda: ChunkReader(5)),  # type: ignore[arg-type]
    ]
    for field, call in cases:
        with pytest.raises(windlass.InvalidArgumentError) as caught:
            call()
        assert fields(caught.value) == ("invalid_argument", field)
    for size in (0, -1, True, 1.5):
        with pytest.raises(windlass.InvalidArgumentError) as caught:
            await read(size)
        assert fields(caught.value) == ("invalid_argument", "chunk_size")
    for missing in (
        AdaptiveExecutor().execute_with_adaptive_concurrency([1]),
        BatchProcessor().process_in_optimal_batches([1], "api_calls"),
    ):
        with pytest.raises(windlass.InvalidArgumentError, match="missing"):
            await missing


async def test_an_executor_of_ones_own_is_used() -> None:
    executor = ParallelExecutor(enable_resource_monitoring=True)
    await AdaptiveExecutor(str, executor=executor).execute_with_adaptive_concurrency([1])
    await BatchProcessor(len, executor=executor).process_in_optimal_batches([1], "api_calls")
    assert (await executor.health_check())["executed_blocks"] == 2

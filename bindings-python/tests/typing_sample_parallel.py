"""What type checkers make of strategies; `test_package.py` runs mypy on this file and never Python.

A line that ends in `# wrong: CODE` must be refused with this code, every other one accepted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

from typing_extensions import assert_type
from windlass import parallel
from windlass.dynamic import DynamicParallelExecutor, DynamicWorkerPool, ExecutionTask, TaskPriority
from windlass.executor import ExecutorInterface
from windlass.parallel import (
    ParallelExecutionResult,
    ParallelExecutor,
    ParallelProgress,
    ParallelStrategy,
    ParallelTaskResult,
)
from windlass.resilience import BatchProcessor, ChunkReader, calculate_optimal_concurrency


async def fetch(url: str) -> bytes:
    return url.encode()


def size(url: str) -> int:
    return len(url)


async def urls() -> AsyncIterator[str]:
    yield "a"


def enough(progress: ParallelProgress) -> bool | None:
    return progress.completed > 2 or None


async def main() -> None:
    result = await parallel.gather(["a"], fetch, max_concurrency=3, timeout=dt.timedelta(seconds=5))
    assert_type(result, ParallelExecutionResult[bytes])
    assert_type(result.values(), list[bytes])
    assert_type(result.results, list[ParallelTaskResult[bytes]])
    assert_type(result.results[0].result, bytes | None)
    assert_type((await parallel.gather(urls(), fetch)).values(), list[bytes])
    assert_type((await parallel.gather(["a"], size, strategy="race")).values(), list[int])
    await parallel.gather(["a"], size, strategy=ParallelStrategy.CUSTOM, custom=enough)
    await parallel.gather([1], fetch)  # wrong: arg-type
    await parallel.gather(["a"], fetch, limit=3)  # wrong: call-overload
    await parallel.gather(["a"], fetch, timeout="5")  # wrong: call-overload

    executor: ExecutorInterface = ParallelExecutor(default_max_concurrency=3)
    await executor.execute({"steps": ["a"]}, {"step_executor": fetch})
    steps = await ParallelExecutor().execute_parallel_steps(["a"], fetch, max_concurrency=3)
    assert_type(steps[0].error_message, str | None)
    async for chunk in ChunkReader(["a"]).read_chunks(10):
        assert_type(chunk, list[str])
    await BatchProcessor(size).process_in_optimal_batches(["a"], "api_calls")


assert_type(parallel.run(["a"], size).values(), list[int])
assert_type(parallel.run(["a"], fetch).values(), list[bytes])
assert_type(calculate_optimal_concurrency("mixed"), int)
parallel.run(urls(), fetch)  # wrong: call-overload

task = ExecutionTask("a", size, ("a",), priority=TaskPriority.HIGH, dependencies={"b"})
DynamicParallelExecutor(max_workers=3).execute_parallel([task], timeout=5)
DynamicWorkerPool().submit_task("a")  # wrong: arg-type
ExecutionTask("a", "size")  # wrong: arg-type

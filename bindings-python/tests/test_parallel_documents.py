"""The reference documents' examples of parallel execution: only imports and brand names differ."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import inspect
import pickle
from collections.abc import AsyncIterator
from enum import Enum
from multiprocessing import cpu_count
from typing import Any

import pytest
from windlass.executor import ExecutorInterface
from windlass.parallel import (
    ParallelExecutionResult,
    ParallelExecutor,
    ParallelStrategy,
    ParallelTaskResult,
)


async def test_basic_parallel_execution(capsys: pytest.CaptureFixture[str]) -> None:
    # CORE-01, PAR-01, PAR-08..12, PAR-16
    # fmt: off
    async def basic_parallel_example():
        # Initialize executor
        executor = ParallelExecutor(default_max_concurrency=10)

        # Define step executor
        async def process_item(item, context=None):
            # Simulate processing
            await asyncio.sleep(0.1)
            return f"processed_{item}"

        # Execute parallel block
        parallel_block = {
            'name': 'data_processing',
            'strategy': 'all',
            'steps': ['item1', 'item2', 'item3', 'item4', 'item5'],
            'max_concurrency': 3
        }

        result = await executor.execute_parallel_block(
            parallel_block,
            process_item
        )

        print(f"Completed {result.completed_tasks} tasks")
        print(f"Results: {[r.result for r in result.results]}")
    # fmt: on

    await basic_parallel_example()
    assert capsys.readouterr().out == (
        "Completed 5 tasks\n"
        "Results: ['processed_item1', 'processed_item2', 'processed_item3', "
        "'processed_item4', 'processed_item5']\n"
    )


async def test_the_example_of_execute_parallel_block() -> None:
    # PAR-08..13, PAR-27..42
    executor = ParallelExecutor()
    # fmt: off
    parallel_block = {
        'name': 'data_processing',
        'strategy': 'all',
        'steps': ['step1', 'step2', 'step3'],
        'max_concurrency': 5,
        'timeout_seconds': 30.0
    }

    async def step_executor(step, context=None):
        # Your step implementation
        return f"result_for_{step}"

    result = await executor.execute_parallel_block(
        parallel_block,
        step_executor
    )
    # fmt: on

    assert isinstance(result, ParallelExecutionResult)
    assert result.block_name == "data_processing"
    assert result.strategy == "all"
    assert (result.total_tasks, result.completed_tasks) == (3, 3)
    assert (result.failed_tasks, result.cancelled_tasks) == (0, 0)
    assert result.overall_status == "completed"
    assert 0 < result.execution_time < 30
    assert result.metadata == {}
    assert [one.result for one in result.results] == [f"result_for_step{n}" for n in (1, 2, 3)]
    first = result.results[0]
    assert isinstance(first, ParallelTaskResult)
    assert first.task_id == "data_processing-0"
    assert (first.status, first.error_message, first.metadata) == ("completed", None, {})
    assert 0 <= first.execution_time <= result.execution_time


def test_the_strategies_are_the_documents_and_one_of_ours() -> None:
    # PAR-21..25
    assert issubclass(ParallelStrategy, Enum)
    assert [one.value for one in ParallelStrategy] == [
        "all",
        "any_success",
        "race",
        "throttled",
        "custom",
        "quorum",
    ]
    assert ParallelStrategy("any_success") is ParallelStrategy.ANY_SUCCESS


def test_the_records_take_what_the_documents_give_them() -> None:
    # PAR-27..42
    task = ParallelTaskResult("t", "failed", None, "boom", 0.5)
    assert (task.error_message, task.execution_time, task.metadata) == ("boom", 0.5, {})
    assert ParallelTaskResult("t", "completed", 1) == ParallelTaskResult(
        task_id="t", status="completed", result=1
    )
    result = ParallelExecutionResult(
        block_name="b",
        strategy="all",
        total_tasks=1,
        completed_tasks=0,
        failed_tasks=1,
        cancelled_tasks=0,
        overall_status="failed",
        execution_time=0.5,
        results=[task],
    )
    assert result.metadata == {}
    assert task.metadata is not ParallelTaskResult("t", "failed", None).metadata
    task.metadata["a"] = 1
    assert task.metadata == {"a": 1}
    assert ParallelTaskResult("t", "failed", None, metadata={"b": 2}).metadata == {"b": 2}
    assert [one.name for one in dataclasses.fields(task)][:6] == [
        "task_id",
        "status",
        "result",
        "error_message",
        "execution_time",
        "metadata",
    ]
    plain = ParallelTaskResult("t", "completed", 1)
    for copied in (pickle.loads(pickle.dumps(plain)), dataclasses.replace(plain)):
        assert (copied, copied.metadata) == (plain, {})
    assert dataclasses.asdict(plain)["metadata"] == {}
    assert "metadata={}" in repr(plain)
    with pytest.raises(AttributeError, match="nothing"):
        plain.nothing  # noqa: B018


def test_the_signatures_are_the_documents() -> None:
    # PAR-01..05, PAR-08, PAR-18
    def given(function: Any) -> dict[str, Any]:
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is not p.KEYWORD_ONLY}

    empty = inspect.Parameter.empty
    assert given(ParallelExecutor) == {
        "default_max_concurrency": 10,
        "enable_security": False,
        "security_manager": None,
        "enable_observability": False,
        "observability_manager": None,
    }
    assert given(ParallelExecutor().execute_parallel_block) == {
        "parallel_block": empty,
        "step_executor": empty,
        "security_context": None,
    }
    assert given(ParallelExecutor().execute_parallel_steps) == {
        "steps": empty,
        "step_executor": empty,
        "strategy": ParallelStrategy.ALL,
        "max_concurrency": None,
        "timeout_seconds": None,
        "security_context": None,
    }


async def test_a_guides_executor_with_resources() -> None:
    # PAR-06, PAR-07
    executor = ParallelExecutor(
        default_max_concurrency=min(50, cpu_count() * 4), enable_resource_monitoring=True
    )

    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    result = await executor.execute_parallel_block({"steps": range(100)}, double)
    used = result.metadata["resources"]
    assert used["cpu_seconds"] > 0
    assert used["max_rss_bytes"] > 1_000_000
    assert used["peak_concurrency"] == min(50, cpu_count() * 4)


async def test_steps_with_a_processor_as_in_the_guide() -> None:
    # PAR-18, PAR-19
    executor = ParallelExecutor()

    async def processor(task: int) -> int:
        return task + 1

    results = await executor.execute_parallel_steps([1, 2, 3], processor, max_concurrency=2)
    assert isinstance(results, list)
    assert [(one.status, one.result) for one in results] == [
        ("completed", 2),
        ("completed", 3),
        ("completed", 4),
    ]


async def test_processing_a_large_data_set_in_chunks() -> None:
    # PAR-45, RES-12
    executor = ParallelExecutor()
    processed = 0

    async def process_single_item(item: bytes) -> bytes:
        nonlocal processed
        processed += 1
        return item * 100

    held: list[int] = []

    class Source:
        async def read_chunks(self, size: int) -> AsyncIterator[list[bytes]]:
            for _ in range(6):
                yield [b"x"] * size
                # The block of this chunk is over.
                held.append(len(gc.get_objects()))

    data_source = Source()

    # fmt: off
    async def process_large_dataset(data_source):
        # Process in chunks to avoid memory issues
        chunk_size = 10000

        async for chunk in data_source.read_chunks(chunk_size):
            parallel_block = {
                'name': 'chunk_processing',
                'strategy': 'all',
                'steps': chunk,
                'max_concurrency': 10  # Limit concurrency for memory control
            }

            result = await executor.execute_parallel_block(
                parallel_block,
                process_single_item
            )

            # Clear processed data from memory
            del chunk, result
            gc.collect()
    # fmt: on

    await process_large_dataset(data_source)
    assert processed == 60_000
    # Nothing of a block stays behind: fewer objects than one in a hundred steps would be.
    assert held[-1] - held[1] < 400


async def test_a_block_under_high_load_as_the_guide_degrades_it() -> None:
    # PAR-15
    request = {"name": "loaded", "steps": ["a", "b", "a", "a", "b"], "max_concurrency": 4}

    def high_load(request: dict[str, Any]) -> dict[str, Any]:
        """Handle high load with reduced concurrency."""
        # Reduce concurrency and use caching aggressively
        parallel_block = request.copy()
        parallel_block["max_concurrency"] = max(1, parallel_block.get("max_concurrency", 10) // 2)
        parallel_block["enable_caching"] = True
        return parallel_block

    ran = []

    async def upper(step: str) -> str:
        ran.append(step)
        await asyncio.sleep(0)
        return step.upper()

    result = await ParallelExecutor().execute_parallel_block(high_load(request), upper)
    assert [one.result for one in result.results] == ["A", "B", "A", "A", "B"]
    assert sorted(ran) == ["a", "b"]
    assert [one.metadata.get("cached", False) for one in result.results].count(True) == 3


async def test_a_step_executor_finds_the_security_context() -> None:
    # PAR-17
    class SecurityContext:
        user_id = "user123"

    given = SecurityContext()
    seen = []

    async def secure_process(item, context=None):
        security_ctx = context.get("security_context")
        seen.append(security_ctx)
        return f"secure_processed_{item} for {security_ctx.user_id}"

    parallel_block = {"name": "secure", "strategy": "all", "steps": ["data1", "data2"]}
    result = await ParallelExecutor().execute_parallel_block(
        parallel_block, secure_process, security_context=given
    )
    assert [one.result for one in result.results] == [
        "secure_processed_data1 for user123",
        "secure_processed_data2 for user123",
    ]
    steps = await ParallelExecutor().execute_parallel_steps(
        ["data3"], secure_process, security_context=given
    )
    assert steps[0].status == "completed"
    assert seen == [given, given, given]


async def test_every_engine_is_used_through_the_interface() -> None:
    # CORE-07..11
    async def shout(word: str) -> str:
        return word.upper()

    engine: ExecutorInterface = ParallelExecutor()
    result = await engine.execute({"steps": ["a", "b"]}, {"step_executor": shout})
    assert [one.result for one in result.results] == ["A", "B"]
    result = await engine.execute({"steps": ["c"], "step_executor": shout})
    assert result.values() == ["C"]
    # Steps that are functions need nothing else.
    result = await engine.execute({"steps": [lambda: 1, lambda: 2]})
    assert result.values() == [1, 2]
    assert await engine.execute(lambda: 5) == 5

    async def task(context: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return context["tenant"]

    assert await engine.execute(task, {"tenant": "ada"}) == "ada"
    result = await engine.execute({"steps": [task, lambda: 2]}, {"tenant": "ada"})
    assert result.values() == ["ada", 2]
    with pytest.raises(ZeroDivisionError):
        await engine.execute(lambda: 1 / 0)
    health = await engine.health_check()
    assert health["status"] == "healthy"
    assert health["default_max_concurrency"] == 10
    assert health["running_steps"] == 0


def test_the_interface_cannot_be_made_and_takes_engines_of_others() -> None:
    # CORE-07..09
    with pytest.raises(TypeError):
        ExecutorInterface()  # type: ignore[abstract]
    assert ExecutorInterface.__abstractmethods__ == {"execute", "health_check"}
    for name in ExecutorInterface.__abstractmethods__:
        assert inspect.iscoroutinefunction(getattr(ExecutorInterface, name))

    class Mine(ExecutorInterface):
        async def execute(self, task: Any, context: dict[str, Any] | None = None) -> Any:
            return task

        async def health_check(self) -> dict[str, Any]:
            return {"status": "healthy"}

    assert asyncio.run(Mine().execute("x")) == "x"

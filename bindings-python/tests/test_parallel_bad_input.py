"""What a block refuses, before any step starts."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import parallel
from windlass.parallel import ParallelExecutor, ParallelStrategy

GOOD: dict[str, Any] = {"name": "n", "steps": [1, 2, 3]}
ran: list[Any] = []


async def step_executor(step: Any) -> None:
    ran.append(step)


@pytest.fixture(autouse=True)
def _nothing_runs() -> Any:
    ran.clear()
    yield
    assert ran == []


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("strategy", {"strategy": "most"}),
        ("strategy", {"strategy": ""}),
        ("strategy", {"strategy": 5}),
        ("max_concurrency", {"max_concurrency": 0}),
        ("max_concurrency", {"max_concurrency": -1}),
        ("max_concurrency", {"max_concurrency": True}),
        ("max_concurrency", {"max_concurrency": 1.5}),
        ("max_concurrency", {"max_concurrency": "3"}),
        ("max_concurrency", {"max_concurrency": -(10**30)}),
        ("timeout_seconds", {"timeout_seconds": 0}),
        ("timeout_seconds", {"timeout_seconds": -1.5}),
        ("timeout_seconds", {"timeout_seconds": math.nan}),
        ("timeout_seconds", {"timeout_seconds": True}),
        ("timeout_seconds", {"timeout_seconds": "30"}),
        ("timeout_seconds", {"timeout_seconds": dt.timedelta(seconds=-1)}),
        ("quorum", {"strategy": "quorum"}),
        ("quorum", {"strategy": "quorum", "quorum": 5}),
        ("quorum", {"strategy": "quorum(5)"}),
        ("quorum", {"strategy": "quorum", "quorum": 0}),
        ("quorum", {"strategy": "quorum", "quorum": True}),
        ("quorum", {"strategy": "all", "quorum": 2}),
        ("rate_per_second", {"strategy": "throttled", "rate_per_second": 0}),
        ("rate_per_second", {"strategy": "throttled", "rate_per_second": math.nan}),
        ("rate_per_second", {"strategy": "throttled", "rate_per_second": "5"}),
        ("rate_per_second", {"strategy": "all", "rate_per_second": 5}),
        ("custom", {"strategy": "custom"}),
        ("custom", {"strategy": "custom", "custom": "always"}),
        ("custom", {"strategy": "all", "custom": print}),
        ("steps", {"steps": "abc"}),
        ("steps", {"steps": {"a": 1}}),
        ("steps", {"steps": 3}),
        ("steps", {"steps": None}),
        ("name", {"name": 5}),
        ("enable_caching", {"enable_caching": "yes"}),
        ("distribution_policy", {"distribution_policy": 1}),
        ("max_concurency", {"max_concurency": 3}),
    ],
)
async def test_a_block_names_what_is_wrong(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await ParallelExecutor().execute_parallel_block({**GOOD, **given}, step_executor)
    assert fields(caught.value) == ("invalid_argument", field)
    assert isinstance(caught.value, ValueError)


async def test_an_unknown_strategy_is_told_the_known_ones() -> None:
    # PAR-10
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await parallel.gather([1], step_executor, strategy="most")
    for strategy in ParallelStrategy:
        assert strategy.value in caught.value.reason


async def test_a_block_is_a_mapping_with_steps() -> None:
    executor = ParallelExecutor()
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await executor.execute_parallel_block([1, 2], step_executor)  # type: ignore[arg-type]
    assert fields(caught.value) == ("invalid_argument", "parallel_block")
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await executor.execute_parallel_block({"name": "empty"}, step_executor)
    assert fields(caught.value) == ("invalid_argument", "steps")


@pytest.mark.parametrize("given", [None, "step_executor", 5, {}])
async def test_the_step_executor_is_a_function(given: Any) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await ParallelExecutor().execute_parallel_block(GOOD, given)
    assert fields(caught.value) == ("invalid_argument", "step_executor")
    with pytest.raises(windlass.InvalidArgumentError):
        await parallel.gather([1], given)


@pytest.mark.parametrize("given", [0, -1, True, 1.5, "10", None])
def test_an_executor_checks_its_default(given: Any) -> None:
    # PAR-01
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        ParallelExecutor(default_max_concurrency=given)
    assert fields(caught.value) == ("invalid_argument", "default_max_concurrency")


async def test_a_task_of_the_interface_is_a_block_or_a_function() -> None:
    # CORE-08
    executor = ParallelExecutor()
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await executor.execute(5)
    assert fields(caught.value) == ("invalid_argument", "task")
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await executor.execute({"steps": ["no function"]})
    assert fields(caught.value) == ("invalid_argument", "step_executor")


async def test_steps_that_cannot_be_listed_start_nothing() -> None:
    def broken() -> Any:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await parallel.gather(broken(), step_executor)


@pytest.mark.parametrize(
    "name",
    ["enable_security", "security_manager", "enable_observability", "observability_manager"],
)
def test_what_needs_the_managers_is_refused(name: str) -> None:
    # Not built yet: refused rather than run unprotected or unseen.
    with pytest.raises(windlass.NotImplementedYetError) as caught:
        ParallelExecutor(**{name: True})
    assert caught.value.fields == {"feature": name}
    assert isinstance(ParallelExecutor(**{name: False if "enable" in name else None}), object)

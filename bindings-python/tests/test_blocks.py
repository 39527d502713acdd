"""Durable blocks: steps as tasks under a strategy, judged in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import Client
from windlass.parallel import ParallelExecutionResult, ParallelTaskResult
from windlass.testing import TestApp

SOON = 20.0


@pytest.fixture
def hold() -> Iterator[threading.Event]:
    """Steps called `hold` run until it is set or they are cancelled."""
    hold = threading.Event()
    yield hold
    hold.set()


@pytest.fixture
def working(app: windlass.App, hold: threading.Event) -> Iterator[windlass.App]:
    @app.task(max_retries=0)
    def step(ctx: windlass.Context, payload: Any) -> Any:
        if payload == "fail":
            raise LookupError("no")
        while payload == "hold" and not ctx.is_cancelled and not hold.wait(0.02):
            pass
        return f"{payload}!"

    @app.task(default=True)
    def anything(payload: Any) -> Any:
        return payload

    with app.worker(concurrency=4).background():
        yield app


def test_all_steps_of_a_block_are_one_result(working: windlass.App) -> None:
    client = working.client
    block = client.submit_block(["a", "b", "fail"], task_type="step", name="letters")
    assert repr(block) == f"BlockHandle('{block.task_id}')"
    result = block.wait(SOON)
    assert isinstance(result, ParallelExecutionResult)
    assert (result.block_name, result.strategy, result.overall_status) == (
        "letters",
        "all",
        "partial",
    )
    assert (result.total_tasks, result.completed_tasks, result.failed_tasks) == (3, 2, 1)
    assert [(step.status, step.result, step.error_message) for step in result.results] == [
        ("completed", "a!", None),
        ("completed", "b!", None),
        ("failed", None, "no"),
    ]
    assert isinstance(result.results[0], ParallelTaskResult)
    assert result.execution_time >= 0
    assert client.block_handle(block.task_id).status() == result
    with pytest.raises(windlass.ParallelExecutionError):
        block.result()
    assert client.submit_block(["a", "b"], task_type="step").result(SOON) == ["a!", "b!"]
    task = client.get_task(result.results[0].task_id)
    assert (task.block_id, client.get_task(block.task_id).kind) == (block.task_id, "block")
    members = [entry for entry in block.stream() if entry.kind == "member"]
    assert [entry.status for entry in members].count("completed") == 2


@pytest.mark.parametrize(
    ("strategy", "steps", "given", "verdict"),
    [
        ("any_success", ["fail", "hold", "a"], {}, "completed"),
        ("quorum", ["a", "hold", "b"], {"quorum": 2}, "completed"),
        ("race", ["hold", "fail"], {}, "failed"),
        ("throttled", ["a", "b"], {"rate_per_second": 1000}, "completed"),
        ("all", [], {}, "completed"),
    ],
)
def test_a_strategy_decides_and_losers_are_stopped(
    working: windlass.App, strategy: str, steps: list[str], given: dict[str, Any], verdict: str
) -> None:
    block = working.client.submit_block(steps, strategy, task_type="step", **given)
    result = block.wait(SOON)
    assert result.overall_status == verdict
    if "hold" in steps:
        held = result.results[steps.index("hold")]
        assert (held.status, held.result) == ("cancelled", None)


def test_a_block_has_a_timeout_and_can_be_cancelled(working: windlass.App) -> None:
    client = working.client
    late = client.submit_block(["a", "hold"], task_type="step", timeout=0.5).wait(SOON)
    assert (late.overall_status, late.completed_tasks) == ("timeout", 1)
    block = client.submit_block(["hold", "hold"], task_type="step", max_concurrency=1)
    assert block.status().overall_status == "running"
    assert block.cancel().overall_status == "cancelled"
    assert block.wait(SOON).cancelled_tasks == 2


def test_a_block_is_a_mapping_too(working: windlass.App) -> None:
    # PYC-03
    block = {"name": "b", "strategy": "all", "steps": [{"n": 1}, {"n": 2}], "timeout_seconds": 60}
    assert working.client.submit_block(block).result(SOON) == [{"n": 1}, {"n": 2}]
    key = {"idempotency_key": "once"}
    first = working.client.submit_block(block, **key)  # type: ignore[arg-type]
    again = working.client.submit_block(block, **key)  # type: ignore[arg-type]
    assert (again.task_id, first.deduplicated, again.deduplicated) == (first.task_id, False, True)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"strategy": "fastest"}, "invalid_argument", "strategy"),
    ({"strategy": "custom"}, "invalid_argument", "strategy"),
    ({"strategy": "quorum", "quorum": 5}, "invalid_argument", "quorum"),
    ({"max_concurrency": 0}, "invalid_argument", "max_concurrency"),
    ({"max_concurrency": -1}, "invalid_argument", "max_concurrency"),
    ({"timeout": 0}, "invalid_argument", "timeout_seconds"),
    ({"block": [1, object()]}, "invalid_payload", "steps[1]"),
    ({"block": "abc"}, "invalid_argument", "steps"),
    ({"block": {"steps": [1], "stps": 1}}, "invalid_argument", "stps"),
]


@pytest.mark.parametrize(("given", "code", "field"), REFUSED)
def test_what_is_wrong_with_a_block_is_named(
    client: Client, given: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(windlass.WindlassError) as caught:
        client.submit_block(**{"block": [1, 2, 3], **given})
    assert fields(caught.value) == (code, field)
    assert client.count_tasks().count == 0
    assert list(client.list_tasks(kind="block")) == []


def test_a_block_that_is_not_there(client: Client) -> None:
    for nobody in ("01a1f8eb-2016-7659-bf31-42a9239b3c28", client.submit_task(1).task_id):
        with pytest.raises(windlass.TaskNotFoundError):
            client.block_handle(nobody).status()


async def test_coroutines_have_blocks(working: windlass.App) -> None:
    client = working.async_client
    block = await client.submit_block(["a", "b"], task_type="step")
    result = await block
    assert (result.overall_status, await block.result(SOON)) == ("completed", ["a!", "b!"])
    assert await block.status() == result
    held = await client.submit_block(["hold"], task_type="step")
    assert (await held.cancel()).overall_status == "cancelled"
    assert client.block_handle(held.task_id).task_id == held.task_id


def test_an_app_under_test_runs_blocks() -> None:
    with TestApp() as app:

        @app.task
        async def double(payload: int) -> int:
            return 2 * payload

        block = app.client.submit_block([1, 2, 3], task_type="double", max_concurrency=2)
        with pytest.raises(RuntimeError, match="run_until_idle"):
            block.wait()
        app.run_until_idle()
        assert block.result() == [2, 4, 6]

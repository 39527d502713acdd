"""The small client of document 000: each call made once, dictionaries out."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import windlass
from stub_server import Answer, Stub, problem
from windlass import AsyncClient
from windlass.rest import RestClient
from windlass.testing import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("memory:", api_key="open-sesame") as server:
        yield server


async def test_the_small_client_makes_two_calls(server: Server) -> None:
    # PYC-01..04
    client = RestClient(base_url=f"{server.url}//", api_key="open-sesame", timeout=30.0)
    assert (client.base_url, client.api_key, client.timeout) == (server.url, "open-sesame", 30.0)
    async with AsyncClient(server.url, api_key="open-sesame") as other:
        task = await other.submit_task(1)
        status = await client.get_task_status(task.task_id)
        assert (status["task_id"], status["status"]) == (task.task_id, "pending")
        await other.cancel_task(task.task_id)
        assert (await client.get_task_status(task.task_id))["status"] == "cancelled"
    # A block is a task: its steps wait for workers here.
    block = await client.submit_parallel_task({"name": "b", "strategy": "all", "steps": [1]})
    assert block["status"] == "running"
    status = await client.get_task_status(block["task_id"])
    assert (status["status"], status.get("result")) == ("running", None)
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        await client.submit_parallel_task({"name": "b", "strategy": "custom", "steps": [1]})
    assert (caught.value.field, caught.value.status_code) == ("strategy", 400)
    await client.close()
    with pytest.raises(windlass.ClientClosedError):
        await client.get_task_status(task.task_id)


async def test_the_small_client_sends_what_it_is_given(stub: Stub) -> None:
    # PYC-03
    block = {"name": "b", "strategy": "all", "steps": ["a", "b"], "max_concurrency": 2}
    stub.answers = [Answer(200, {"task_id": "t", "status": "completed", "result": [1, 2]})]
    async with RestClient(stub.url, api_key="k") as client:
        assert await client.submit_parallel_task(block) == {
            "task_id": "t",
            "status": "completed",
            "result": [1, 2],
        }
    (asked,) = stub.asked
    # With a key of the transport's own, so that a block which is sent again runs once.
    key = asked.body.pop("idempotency_key")
    assert key.startswith("auto:")
    assert (asked.method, asked.path, asked.body) == ("POST", "/api/v1/parallel/execute", block)
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        (problem(404, "task_not_found", task_id="t"), windlass.TaskNotFoundError, 404),
        (Answer(401), windlass.AuthenticationError, 401),
        (Answer(429), windlass.RateLimitError, 429),
        (Answer(500), windlass.APIError, 500),
        (Answer(None), windlass.StoreUnavailableError, 503),
    ],
)
async def test_the_small_client_raises_what_is_no_success(
    stub: Stub, answer: Answer, kind: type[windlass.APIError], status: int
) -> None:
    # PYC-05
    stub.answers = [answer]
    task_id = "01a1f8eb-2016-7659-bf31-42a9239b3c28"
    async with RestClient(stub.url) as client:
        for call in (client.get_task_status(task_id), client.submit_parallel_task({"name": "b"})):
            with pytest.raises(kind) as caught:
                await call
            assert caught.value.status_code == status
    assert len(stub.asked) == 2


async def test_the_small_client_has_one_timeout_for_all() -> None:
    # PYC-01
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with RestClient(url, timeout=0.2) as client:
            with pytest.raises(windlass.StoreUnavailableError):
                await client.submit_parallel_task({"name": "b"})

"""The SDK guide's examples, word for word but for the brand; what they leave out is filled in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import windlass
from windlass import AsyncClient, Client
from windlass.testing import Server


@pytest.fixture(autouse=True, params=["sqlite", "server"])
def _worker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker with a default handler, and one for `process_data`; the same with a server."""
    with contextlib.ExitStack() as stack:
        if request.param == "server":
            server = stack.enter_context(Server("sqlite:documents.db", api_key="your-api-key"))
            monkeypatch.setenv("WINDLASS_API_ENDPOINT", server.url)
            monkeypatch.setenv("WINDLASS_API_KEY", "your-api-key")
        else:
            monkeypatch.setenv("WINDLASS_URL", "sqlite:documents.db")
        app = windlass.App()
        stack.enter_context(_working(app))
        yield


def _working(app: windlass.App) -> contextlib.AbstractContextManager[windlass.Worker]:

    @app.task(default=True)
    async def anything(ctx: windlass.Context, payload: Any) -> Any:
        await ctx.progress(50, "half way")
        await ctx.log("done soon")
        if isinstance(payload, dict) and payload.get("action") == "increment":
            ctx.state["counter"] += 1
        return payload

    @app.task
    def process_data(function: str, data: Any) -> Any:
        return data

    return app.worker().background()


def test_basic_usage() -> None:
    # GPY-01, GPY-07, GPY-08
    # Initialize with environment variables
    client = Client()
    # A worker that has worked is known to the store.
    client.handle(client.submit_task(payload=1).task_id).result(30)

    # Check cluster health
    health = client.cluster_health()
    print(f"Cluster healthy: {health.healthy}")
    print(f"Active nodes: {health.nodes['active']}")
    assert health.healthy
    assert health.nodes["active"] == 1


def test_stateless_tasks() -> None:
    # GPY-10..15; tee_required comes with its own issue (GPY-16)
    client = Client()
    # Simple task
    result = client.submit_task(payload={"numbers": [1, 2, 3, 4, 5]}, task_type="stateless")
    print(f"Task ID: {result.task_id}")

    # With all options
    result = client.submit_task(
        payload={"function": "process_data", "data": {"key": "value"}},
        task_type="stateless",
        priority="high",
        timeout=300,
        idempotency_key="process-123",
        labels={"env": "production", "team": "ml"},
    )
    assert client.wait_for_task(result.task_id).result == {"key": "value"}


def test_stateful_tasks() -> None:
    # GPY-17, STA-01, STA-02, STA-03
    client = Client()
    # Create stateful task with initial state
    result = client.submit_task(
        payload={"action": "initialize"},
        task_type="stateful",
        state_key="session-12345",  # Unique key for state
        initial_state={"counter": 0},
    )
    client.wait_for_task(result.task_id)
    assert client.get_state("session-12345") == {"counter": 0}

    # Update state in subsequent call
    result = client.submit_task(
        payload={"action": "increment"},
        task_type="stateful",
        state_key="session-12345",  # Same key to access state
    )
    assert client.wait_for_task(result.task_id).status == "completed"
    assert client.get_state("session-12345") == {"counter": 1}


def test_batch_tasks() -> None:
    # BAT-01..03
    client = Client()
    # Prepare batch
    tasks = [{"payload": {"id": i, "data": f"item-{i}"}} for i in range(100)]

    # Submit batch
    result = client.submit_batch(tasks=tasks, task_type="stateless", priority="normal")

    print(f"Submitted {len(result.task_ids)} tasks")
    print(f"Batch ID: {result.batch_id}")
    assert len(result.task_ids) == 100

    # Monitor multiple tasks
    task_ids = result.task_ids[:3]
    statuses = client.get_batch_status(task_ids)

    for task_id, status in statuses.items():
        print(f"{task_id}: {status.status}")

    # Wait for all to complete
    results = client.wait_for_batch(
        task_ids,
        timeout=300,
        fail_fast=False,  # Continue even if some fail
    )
    assert [result.result["id"] for result in results] == [0, 1, 2]


def test_pipelines(capsys: pytest.CaptureFixture[str]) -> None:
    # PIP-01..05
    client = Client()
    # Define pipeline
    pipeline = client.create_pipeline("data-processing")

    # Add stages
    stage1 = pipeline.add_stage(name="extract", payload={"source": "s3://bucket/data.csv"})

    stage2 = pipeline.add_stage(
        name="transform",
        payload={"operations": ["normalize", "filter"]},
        depends_on=[stage1],  # Wait for extraction
    )

    stage3 = pipeline.add_stage(
        name="load",
        payload={"destination": "postgres://..."},
        depends_on=[stage2],  # Wait for transformation
    )

    # Execute pipeline
    result = pipeline.execute(
        priority="high",
        timeout=3600,  # 1 hour for entire pipeline
    )

    # Monitor pipeline
    for status in pipeline.monitor():
        print(f"Stage {status.stage}: {status.status}")
        if status.is_terminal:
            break

    told = capsys.readouterr().out.splitlines()
    done = [line for line in told if line.endswith("completed")]
    assert done == [f"Stage {name}: completed" for name in ("extract", "transform", "load", None)]
    assert result.status().record["timeout_seconds"] == 3600
    assert client.get_task(stage1.task_id or "").priority == 2
    assert pipeline.result(stage3) == {"destination": "postgres://..."}


def test_polling_status(capsys: pytest.CaptureFixture[str]) -> None:
    # GPY-18, GPY-19
    client = Client()
    given = client.submit_task(payload={"x": 1}).task_id
    # Get status once
    status = client.get_task_status(given)
    print(f"Status: {status.status}")
    print(f"Progress: {status.progress}%")

    # Wait for completion
    status = client.wait_for_task(
        given,
        timeout=300,  # Max wait time
        poll_interval=2.0,  # Seconds between checks
    )

    if status.status == "completed":
        print(f"Result: {status.result}")
    else:
        print(f"Failed: {status.error}")
    assert "Result: {'x': 1}" in capsys.readouterr().out


def test_streaming_updates(capsys: pytest.CaptureFixture[str]) -> None:
    # STR-01, STR-02
    client = Client()
    given = client.submit_task(payload={"x": 1}).task_id
    # Stream status updates
    for update in client.stream_task(given):
        print(f"[{update.timestamp}] {update.status}: {update.message}")

        if update.status in ("completed", "failed", "cancelled"):
            break
    out = capsys.readouterr().out
    assert "running: half way" in out
    assert "completed: " in out


def test_explicit_configuration() -> None:
    # GPY-02
    # Or with explicit configuration
    client = Client(
        endpoint=os.environ.get("WINDLASS_API_ENDPOINT", "sqlite:documents.db"),
        api_key="your-api-key",
        tenant_id="your-tenant",
        timeout=30.0,
    )
    assert client.get_task(client.submit_task({}).task_id).record["tenant"] == "your-tenant"


def test_error_handling(capsys: pytest.CaptureFixture[str]) -> None:
    # ERR-24, ERR-30..35
    from windlass import (
        APIError,
        AuthenticationError,
        Client,
        QuotaExceededError,
        RateLimitError,
        TaskNotFoundError,
        TaskTimeoutError,
    )

    client = Client()

    def handled(action: Callable[[], object]) -> str:
        try:
            action()

        except AuthenticationError as e:
            print(f"Check your API key: {e}")

        except RateLimitError as e:
            # SDK handles retries automatically, but may still raise
            print(f"Rate limited, retry after: {e.retry_after}s")

        except QuotaExceededError as e:
            print(f"Quota exceeded: {e.quota_type}")
            print(f"Current: {e.current}, Limit: {e.limit}")

        except TaskTimeoutError as e:
            print(f"Task {e.task_id} timed out after {e.timeout}s")

        except APIError as e:
            print(f"API error {e.status_code}: {e.message}")
        return capsys.readouterr().out

    def submit() -> None:
        result = client.submit_task(payload={"data": "..."}, task_type="stateless")
        assert result.task_id

    assert handled(submit) == ""
    nobody = client.submit_task(payload={"data": "..."}, task_type="nobody", queue="nobody")
    told = handled(lambda: client.wait_for_task(nobody.task_id, timeout=0.01))
    assert told == f"Task {nobody.task_id} timed out after 0.01s\n"
    told = handled(lambda: client.submit_task(priority="urgent"))
    assert told.startswith("API error 400: ")
    assert handled(lambda: client.get_task("task-id")).startswith("API error 404: ")
    with pytest.raises(TaskNotFoundError):
        client.get_task("task-id")
    if "WINDLASS_API_ENDPOINT" in os.environ:
        told = handled(lambda: Client(api_key="old").submit_task(payload={}))
        assert told.startswith("Check your API key: ")


def test_handle_errors_gracefully() -> None:
    # ERR-31, ERR-32; best practice 4
    from windlass import QuotaExceededError, RateLimitError

    later: list[object] = []
    queue_for_later, payload = later.append, {"data": "..."}

    def alert_ops_team() -> None:
        raise AssertionError("there are no quotas here")

    with Server("memory:", queue_depth_limit=1) as full:
        client = Client(full.url, timeout=0.1)
        for _ in range(2):
            try:
                client.submit_task(payload=payload)
            except RateLimitError:
                # Already retried by SDK, now truly limited
                queue_for_later(payload)
            except QuotaExceededError:
                alert_ops_team()
                raise
    assert later == [payload]


def test_rest_api_client() -> None:
    # PYC-01..05; document 000
    from windlass.rest import RestClient

    async def main() -> None:
        task = Client().submit_task(payload={"x": 1})
        Client().wait_for_task(task.task_id)
        with Server("sqlite:documents.db", api_key="secret") as server:
            client = RestClient(server.url + "/", api_key="secret")
            status = await client.get_task_status(task.task_id)
            assert (status["status"], status["result"]) == ("completed", {"x": 1})
            assert status["execution_time"] >= 0
            block = await client.submit_parallel_task(
                {"name": "data_processing", "strategy": "all", "steps": ["item1", "item2"]}
            )
            Client().wait_for_task(block["task_id"])
            status = await client.get_task_status(block["task_id"])
            assert status["status"] == "completed"
            assert [step["result"] for step in status["result"]["results"]] == ["item1", "item2"]
            with pytest.raises(windlass.AuthenticationError):
                await RestClient(server.url).get_task_status(task.task_id)

    asyncio.run(main())


def test_custom_retry_policy() -> None:
    # GPY-03, GPY-25; what it does to calls: test_http.py
    from windlass import Client, RetryConfig

    client = Client(
        retry_config=RetryConfig(
            max_retries=5,
            initial_delay=0.5,
            max_delay=30.0,
            exponential_base=2,
            jitter=0.1,
            retryable_errors=[500, 502, 503, 504],
        )
    )
    assert client.wait_for_task(client.submit_task({"id": 1}).task_id).status == "completed"


def test_circuit_breaker() -> None:
    # GPY-04, CB-09, CB-11; what it does to calls over HTTP: test_http.py
    from windlass import CircuitBreakerConfig, Client, QuotaExceededError

    client = Client(
        circuit_breaker=CircuitBreakerConfig(
            failure_threshold=5,  # Open after 5 failures
            success_threshold=3,  # Close after 3 successes
            timeout=30.0,  # Half-open after 30s
            excluded_exceptions=[QuotaExceededError],
        )
    )
    assert client.wait_for_task(client.submit_task({"id": 1}).task_id).status == "completed"


def test_connection_pooling() -> None:
    # GPY-05, PAT-05; how many connections there are: test_http.py
    items = range(10)
    # Create client once, reuse for all requests
    client = Client(max_connections=20)

    # Good: reuse client
    for item in items:
        client.submit_task(payload={"item": item})
    assert sum(count.count for count in client.counts()) == 10


def test_async_client() -> None:
    # GPY-28
    async def main() -> None:
        client = AsyncClient()

        # Submit concurrently
        tasks = await asyncio.gather(
            client.submit_task(payload={"id": 1}),
            client.submit_task(payload={"id": 2}),
            client.submit_task(payload={"id": 3}),
        )

        # Wait for all
        results = await asyncio.gather(*[client.wait_for_task(t.task_id) for t in tasks])

        await client.close()
        assert [status.result["id"] for status in results] == [1, 2, 3]

    asyncio.run(main())


def test_context_manager(capsys: pytest.CaptureFixture[str]) -> None:
    # GPY-06
    with Client() as client:
        result = client.submit_task(payload={"data": "..."})
        status = client.wait_for_task(result.task_id)
        print(status.result)
    # Connection automatically closed
    assert "..." in capsys.readouterr().out
    with pytest.raises(windlass.ClientClosedError):
        client.counts()


def test_idempotent_submission() -> None:
    # PAT-01, GPY-14
    client = Client()
    ids = {
        client.submit_task(
            payload={"order_id": "12345"}, idempotency_key="order-12345-process"
        ).task_id
        for _ in range(3)
    }
    # Same idempotency_key returns same task_id without re-execution
    assert len(ids) == 1
    status = client.wait_for_task(ids.pop())
    assert client.get_task(status.task_id).attempt == 1


def test_backpressure() -> None:
    # GPY-09, GPY-27, PAT-02
    client = Client()
    # Python - automatic with retries
    result = client.submit_task(payload={"data": "..."})

    # Or check queue depth first
    health = client.cluster_health()
    if health.queue.depth > 10000:
        print("Queue is deep, consider delaying submission")
    assert result.task_id
    assert health.queue.depth <= 1

    # 5. Monitor Queue Depth
    while True:
        health = client.cluster_health()
        if health.queue.depth < 1000:
            break
        else:
            time.sleep(10)


def test_fan_out_fan_in() -> None:
    # PAT-03, BAT-04
    client, items = Client(), [1, 2, 3]

    def aggregate(results: list[windlass.TaskStatus]) -> int:
        return sum(status.result["item"] for status in results)

    # Python - Fan-out
    task_ids = []
    for item in items:
        result = client.submit_task(payload={"item": item})
        task_ids.append(result.task_id)

    # Fan-in - wait for all
    results = client.wait_for_batch(task_ids)
    combined = aggregate(results)
    assert combined == 6


def test_timeouts() -> None:
    # GPY-13
    client, large_data = Client(), list(range(100))
    # Short timeout for quick tasks
    result = client.submit_task(
        payload={"quick": True},
        timeout=10,  # 10 seconds
    )
    assert client.get_task(result.task_id).record["timeout_seconds"] == 10

    # Longer timeout for batch processing
    result = client.submit_task(
        payload={"batch": large_data},
        timeout=3600,  # 1 hour
    )
    assert client.wait_for_task(result.task_id).status == "completed"


def test_labels_for_filtering() -> None:
    # GPY-15, GPY-24, PAT-04
    client = Client()
    result = client.submit_task(
        payload={},
        labels={"env": "production", "team": "data-engineering", "pipeline": "etl-daily"},
    )

    # Later: find tasks
    tasks = client.list_tasks(labels={"pipeline": "etl-daily"})
    assert [task.task_id for task in tasks] == [result.task_id]


def test_troubleshooting(caplog: pytest.LogCaptureFixture) -> None:
    # GPY-29
    client = Client()
    # Enable debug logging
    logging.getLogger("windlass").setLevel(logging.DEBUG)

    # Test connectivity
    try:
        client.cluster_health()
    except Exception as e:
        print(f"Connection failed: {e}")
    logging.getLogger("windlass").setLevel(logging.NOTSET)
    assert client.location in caplog.text


def test_task_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    # GPY-20..23, QUO-05
    client = Client()
    given = client.submit_task(payload={}).task_id
    client.wait_for_task(given)
    # Get task details
    task = client.get_task(given)
    print(f"Created: {task.created_at}")
    print(f"Started: {task.started_at}")
    print(f"Node: {task.executed_on}")
    print(f"Duration: {task.duration_ms}ms")

    # Get execution logs
    logs = client.get_task_logs(given)
    for entry in logs:
        print(f"[{entry.level}] {entry.message}")
    out = capsys.readouterr().out
    assert "[info] done soon" in out
    assert "None" not in out

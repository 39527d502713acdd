"""The clients: every verb, on memory and SQLite, blocking and in coroutines."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import windlass
from conftest import Connect
from windlass import AsyncClient, Client
from windlass.testing import ManualClock


def take(client: Client, handler: str = "", worker: str = "w1") -> dict[str, Any]:
    """Leases the next task."""
    leased: dict[str, Any] = client.lease(worker, handlers=[handler])["tasks"][0]
    return leased


def settle(client: Client, leased: dict[str, Any], **outcome: Any) -> Any:
    """Hands in an outcome of a task leased by hand."""
    record = {"task_id": leased["task"]["task_id"], "token": leased["token"], **outcome}
    return client.settle([record])[0]


def test_the_url_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GPY-01
    assert Client().location.endswith("windlass.db")
    assert (tmp_path / "windlass.db").exists()
    monkeypatch.setenv("WINDLASS_API_ENDPOINT", "memory:endpoint")
    assert "memory:endpoint" in repr(Client())
    monkeypatch.setenv("WINDLASS_URL", "memory:url")
    assert "memory:url" in repr(Client())
    assert "memory:argument" in repr(Client("memory:argument"))


def test_tenants_do_not_see_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GPY-02, ENV-03
    url = f"sqlite:{tmp_path / 'tenants.db'}"
    mine = Client(endpoint=url, api_key="no key is needed", tenant_id="mine", timeout=30.0)
    monkeypatch.setenv("WINDLASS_TENANT_ID", "other")
    other = Client(url)
    task = mine.submit_task({"a": 1})
    assert mine.get_task(task.task_id).record["tenant"] == "mine"
    assert other.counts() == []
    with pytest.raises(windlass.TaskNotFoundError):
        other.get_task(task.task_id)


def test_a_context_manager_closes_the_client() -> None:
    # GPY-06
    with Client("memory:") as client:
        client.submit_task(1)
    with pytest.raises(windlass.ClientClosedError):
        client.submit_task(2)
    client.close()


def test_health_tells_depth_and_workers(app: windlass.App) -> None:
    # GPY-07, GPY-08, GPY-09
    client = app.client
    client.submit_task(1)
    client.submit_task(2, delay=60)
    health = client.cluster_health()
    assert (health.healthy, health.nodes["active"], health.queue.depth) == (True, 0, 2)
    assert (health.status, health.queue.pending, health.queue.running) == ("ok", 1, 0)
    assert health.queue.oldest_age_seconds >= 0
    assert health.queue.untaken == [], "it has not waited for long"
    assert health.workers == {"live": 0, "deaf": 0}

    @app.task
    def nothing() -> None: ...

    with app.worker().background():
        nothing.submit().result(timeout=10)
        assert client.cluster_health().nodes == {"active": 1, "total": 1}


def test_a_task_is_stored_with_everything_it_was_given(client: Client) -> None:
    # GPY-10..15, GPY-17
    at = dt.datetime(2031, 5, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    stored = client.submit_task(
        payload={"function": "process", "data": {"key": "wert ü"}},
        task_type="stateless",
        priority="high",
        timeout=300,
        idempotency_key="process-123",
        labels={"env": "production", "n": 7, "b": True},
        state_key="session-1",
        initial_state={"counter": 0},
        queue="slow",
        run_at=at,
        max_retries=5,
        retry={"initial_delay": 0.5, "max_delay": dt.timedelta(minutes=1), "jitter": 0},
        metadata={"by": "me"},
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    assert (stored.status, stored.deduplicated, stored.batch_id) == ("scheduled", False, None)
    task = client.get_task(stored.task_id)
    assert task.payload == {"function": "process", "data": {"key": "wert ü"}}
    assert (task.task_type, task.record["handler"], task.queue) == ("stateless", "process", "slow")
    assert (task.priority, task.status, task.attempt, task.retry_count) == (2, "scheduled", 0, 0)
    assert task.labels == {"env": "production", "n": "7", "b": "true"}
    assert (task.state_key, task.initial_state) == ("session-1", {"counter": 0})
    assert task.run_at == at
    assert task.metadata == {"by": "me"}
    assert task.record["timeout_seconds"] == 300
    assert task.record["retry"] == {
        "max_retries": 5,
        "initial_delay_seconds": 0.5,
        "max_delay_seconds": 60.0,
        "jitter": 0.0,
    }
    assert task.idempotency_key == "process-123"
    assert (task.started_at, task.finished_at, task.executed_on, task.duration_ms) == (None,) * 4


@pytest.mark.parametrize(
    ("given", "number"),
    [("critical", 1), ("high", 2), ("normal", 3), ("low", 4), ("background", 5), (4, 4), (None, 3)],
)
def test_priorities_have_names_and_numbers(given: int | str | None, number: int) -> None:
    # GPY-12
    with Client("memory:") as client:
        assert client.get_task(client.submit_task(1, priority=given).task_id).priority == number


def test_without_a_type_a_task_is_stateless(client: Client) -> None:
    # GPY-11
    assert client.get_task(client.submit_task(payload={"a": 1}).task_id).task_type == "stateless"


def test_one_key_is_one_task(client: Client) -> None:
    # GPY-14, PAT-01
    first = client.submit_task({"order_id": "12345", "n": 1}, idempotency_key="order-12345")
    again = client.submit_task({"n": 1.0, "order_id": "12345"}, idempotency_key="order-12345")
    assert (again.task_id, again.deduplicated) == (first.task_id, True)
    with pytest.raises(windlass.IdempotencyConflictError) as caught:
        client.submit_task({"order_id": "6"}, idempotency_key="order-12345")
    assert (caught.value.key, caught.value.task_id) == ("order-12345", first.task_id)
    assert [count.count for count in client.counts()] == [1]


def test_status_result_and_error_of_ended_tasks(client: Client) -> None:
    # GPY-18..23
    good, bad, gone = (client.submit_task({"i": i}).task_id for i in range(3))
    leased = take(client)
    assert client.get_task_status(good).status == "running"
    assert settle(client, leased, outcome="complete", result={"x": [1, None]}) == {
        "task_id": good,
        "status": "completed",
    }
    error = {"code": "handler_error", "message": "no", "retryable": False}
    settle(client, take(client), outcome="fail", error=error)
    client.cancel_task(gone)

    status = client.wait_for_task(good, timeout=300, poll_interval=2.0)
    assert (status.status, status.progress, status.result) == ("completed", 100.0, {"x": [1, None]})
    assert status.error is None
    assert status.is_final
    # A task that failed is a status like another.
    failed = client.wait_for_task(bad)
    assert (failed.status, failed.result) == ("failed", None)
    assert failed.error is not None
    assert (str(failed.error), failed.error.code, failed.error.retryable) == (
        "no",
        "handler_error",
        False,
    )
    assert client.wait_for_task(gone).status == "cancelled"

    task = client.get_task(good)
    assert task.executed_on == "w1"
    assert task.started_at is not None
    assert task.created_at <= task.started_at
    assert task.duration_ms is not None
    assert task.duration_ms >= 0
    assert client.handle(good).result() == {"x": [1, None]}
    with pytest.raises(windlass.TaskFailedError) as caught:
        client.handle(bad).result()
    assert caught.value.error["message"] == "no"
    assert caught.value.task_id == bad
    with pytest.raises(windlass.TaskCancelledError):
        client.handle(gone).result()


def test_a_wait_that_ends_first_does_not_touch_the_task(client: Client) -> None:
    # ERR-11, ERR-33
    task_id = client.submit_task(1, task_type="nobody").task_id
    with pytest.raises(windlass.WorkerNotAvailableError) as caught:
        client.wait_for_task(task_id, timeout=0.05)
    assert (caught.value.task_id, caught.value.task_type) == (task_id, "nobody")
    assert caught.value.timeout >= 0.05
    assert isinstance(caught.value, TimeoutError)
    assert client.get_task_status(task_id).status == "pending"
    take(client, "nobody")
    with pytest.raises(windlass.TaskTimeoutError) as slow:
        client.wait_for_task(task_id, timeout=dt.timedelta(milliseconds=20))
    assert not isinstance(slow.value, windlass.WorkerNotAvailableError)
    assert (slow.value.task_id, slow.value.code) == (task_id, "task_timeout")


def test_tasks_are_listed_by_labels_newest_first(client: Client) -> None:
    # GPY-24, PAT-04
    ids = [
        client.submit_task(i, labels={"pipeline": "etl-daily", "even": i % 2 == 0}).task_id
        for i in range(5)
    ]
    assert [t.task_id for t in client.list_tasks(labels={"pipeline": "etl-daily"})] == ids[::-1]
    assert [t.task_id for t in client.list_tasks({"even": True}, limit=2)] == [ids[4], ids[2]]
    client.cancel_task(ids[0])
    assert [t.payload for t in client.list_tasks(status="cancelled")] == [0]
    assert len(list(client.list_tasks(status=["pending", "cancelled"]))) == 5
    assert list(client.list_tasks(queue="other")) == []
    assert list(client.list_tasks(task_type="other")) == []
    newest = client.get_task(ids[-1]).created_at
    assert list(client.list_tasks(since=newest + dt.timedelta(seconds=1))) == []
    assert list(client.list_tasks(until=newest - dt.timedelta(days=1))) == []
    assert len(list(client.list_tasks(until=newest + dt.timedelta(seconds=1)))) == 5


def test_tasks_that_match_are_counted_cancelled_and_retried(client: Client) -> None:
    ids = [client.submit_task(i, labels={"even": i % 2 == 0}).task_id for i in range(5)]
    assert (tally := client.count_tasks()).count == 5 and tally.exact
    assert (some := client.count_tasks({"even": True}, most=2)).count == 2 and not some.exact
    assert (done := client.cancel_tasks({"even": True}, most=2)).changed == 2 and done.more
    statuses = [client.get_task(task_id).status for task_id in ids]
    assert statuses == ["pending", "pending", "cancelled", "pending", "cancelled"]
    assert client.retry_tasks(status="cancelled").changed == 2
    assert client.count_tasks(status="pending").count == 5
    with pytest.raises(windlass.InvalidArgumentError) as refused:
        client.cancel_tasks()
    assert refused.value.field == "filter"
    assert client.count_tasks(status="pending").count == 5


def test_a_list_goes_on_over_pages(client: Client) -> None:
    batch = client.submit_batch([{"payload": i} for i in range(450)])
    listed = [task.payload for task in client.list_tasks(batch_id=batch.batch_id)]
    assert listed == list(range(450))[::-1]
    assert len(list(client.list_tasks(limit=300))) == 300


def test_a_batch_is_stored_whole_with_one_id(client: Client) -> None:
    # BAT-01
    batch = client.submit_batch(
        tasks=[{"payload": {"id": i}} for i in range(98)]
        + [{"payload": None, "priority": 1, "task_type": "other"}, {}],
        task_type="stateless",
        priority="low",
    )
    assert len(batch.task_ids) == len(batch) == 100
    tasks = [client.get_task(task_id) for task_id in batch.task_ids]
    assert {task.batch_id for task in tasks} == {batch.batch_id}
    assert tasks[0].payload == {"id": 0}
    assert [(t.task_type, t.priority) for t in tasks[96:]] == [
        ("stateless", 4),
        ("stateless", 4),
        ("other", 1),
        ("stateless", 4),
    ]
    empty = client.submit_batch([])
    assert (empty.task_ids, empty.status().status) == ([], "completed")
    assert client.wait_for_batch([]) == []


def test_batches_are_watched_and_awaited(client: Client) -> None:
    # BAT-02, BAT-03, BAT-04
    ids = client.submit_batch([{"payload": i} for i in range(3)]).task_ids
    statuses = client.get_batch_status(ids)
    assert list(statuses) == ids
    assert {status.status for status in statuses.values()} == {"pending"}
    error = {"code": "handler_error", "message": "no", "retryable": False}
    settle(client, take(client), outcome="complete", result=10)
    settle(client, take(client), outcome="fail", error=error)
    first = client.wait_for_batch(ids, timeout=300, fail_fast=True)
    assert [status.status for status in first] == ["completed", "failed", "pending"]
    assert first.first_failure is not None
    assert first.first_failure.task_id == ids[1]
    settle(client, take(client), outcome="complete", result=30)
    results = client.wait_for_batch(ids)
    assert [status.result for status in results] == [10, None, 30]
    assert [status.task_id for status in client.wait_for_batch(ids[::-1])] == ids[::-1]


def test_a_batch_that_fails_fast_can_cancel_the_rest(client: Client) -> None:
    ids = client.submit_batch([{"payload": i} for i in range(3)]).task_ids
    client.cancel_task(ids[1])
    left = client.wait_for_batch(ids, fail_fast=True)
    assert [status.status for status in left] == ["pending", "cancelled", "pending"]
    ended = client.wait_for_batch(ids, fail_fast=True, cancel_rest=True)
    assert [status.status for status in ended] == ["cancelled"] * 3


@pytest.mark.parametrize("library", ["tqdm", "rich"])
def test_a_batch_shows_a_bar(
    client: Client,
    library: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if library == "rich":
        monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    ids = client.submit_batch([{"payload": i} for i in range(3)]).task_ids
    for task_id in ids:
        client.cancel_task(task_id)
    assert len(client.wait_for_batch(ids, progress=True)) == 3
    shown = "".join(capfd.readouterr())
    assert "3/3" in shown
    assert "failed" in shown


def test_a_bar_without_a_library_says_what_to_install(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("tqdm", "rich", "rich.progress"):
        monkeypatch.setitem(__import__("sys").modules, library, None)
    ids = client.submit_batch([{"payload": 1}]).task_ids
    with pytest.raises(windlass.NotImplementedYetError, match=r"windlass\[progress\]"):
        client.wait_for_batch(ids, progress=True)


def test_a_history_is_streamed_from_where_one_asks(client: Client) -> None:
    # STR-01, STR-02
    task_id = client.submit_task(1).task_id
    leased = take(client)
    client.renew(
        [
            {
                "task_id": task_id,
                "token": leased["token"],
                "started_seconds_ago": 0,
                "updates": [
                    {"kind": "progress", "progress": 40, "message": "half"},
                    {"kind": "log", "level": "warning", "message": "hm"},
                ],
            }
        ]
    )
    settle(client, leased, outcome="complete", result=7)
    seen = []
    for update in client.stream_task(task_id):
        seen.append((update.seq, update.status, update.message))
        assert update.timestamp.tzinfo is not None
        if update.status in ("completed", "failed", "cancelled"):
            break
    assert seen == [
        (1, "pending", ""),
        (2, "running", ""),
        (3, "running", "half"),
        (4, "running", "hm"),
        (5, "completed", ""),
    ]
    rest = list(client.stream_task(task_id, after=3))
    assert [update.kind for update in rest] == ["log", "status"]
    assert (rest[0].level, rest[1].result, rest[1].is_final) == ("warning", 7, True)
    # QUO-05
    assert [(entry.level, entry.message) for entry in client.get_task_logs(task_id)] == [
        ("warning", "hm")
    ]


def test_a_cancelled_task_can_be_retried(client: Client) -> None:
    task_id = client.submit_task(1).task_id
    assert client.cancel_task(task_id).status == "cancelled"
    assert client.cancel_task(task_id).status == "cancelled"
    assert client.retry_task(task_id).status == "pending"
    with pytest.raises(windlass.InvalidTransitionError) as caught:
        client.retry_task(task_id)
    assert (caught.value.status, caught.value.verb) == ("pending", "retry")


def test_it_tells_why_a_task_waits(client: Client) -> None:
    why = client.why(client.submit_task(1, task_type="nobody").task_id)
    assert (why.reason, why.status) == ("no_worker", "pending")
    assert str(why)
    later = client.why(client.submit_task(1, delay=60).task_id)
    assert later.reason == "delayed"
    assert later.until is not None


def test_a_full_queue_is_told_after_its_patience(connect: Connect) -> None:
    # GPY-27
    client = connect({"patience": 0.2}, queue_depth_limit=2)
    client.submit_task(1)
    client.submit_task(2)
    with pytest.raises(windlass.QueueFullError) as caught:
        client.submit_task(3)
    assert (caught.value.queue, caught.value.limit) == ("default", 2)
    assert caught.value.retry_after > 0
    assert isinstance(caught.value, windlass.RateLimitError)
    assert caught.value.status_code == 429
    take(client)
    assert client.submit_task(3).status == "pending"


def test_a_full_queue_is_waited_for(connect: Connect) -> None:
    # GPY-27: room is made while the submit keeps trying.
    client = connect({"timeout": 10}, queue_depth_limit=1)
    client.submit_task(1)
    threading.Timer(0.1, lambda: take(client)).start()
    assert client.submit_task(2).status == "pending"


def test_time_moves_by_hand(connect: Connect) -> None:
    clock = ManualClock()
    start = clock.now()
    client = connect({}, clock=clock, seedless_jitter=True)
    task_id = client.submit_task(1, delay=10).task_id
    assert client.sweep() == {"promoted": 0, "rescued": 0, "pruned": 0}
    clock.advance(10)
    assert clock.now() - start == dt.timedelta(seconds=10)
    assert client.sweep()["promoted"] == 1
    leased = take(client)
    assert leased["task"]["task_id"] == task_id
    renewal = {"task_id": task_id, "token": leased["token"], "lease_seconds": 5}
    assert client.renew([renewal]) == ["held"]
    client.cancel_task(task_id)
    assert client.renew([renewal]) == ["cancel_requested"]
    clock.advance(dt.timedelta(seconds=61))
    assert client.sweep()["rescued"] == 1
    assert client.renew([renewal]) == ["lost"]
    lost = settle(client, leased, outcome="complete", result=1)
    assert isinstance(lost, windlass.LeaseLostError)
    assert lost.task_id == task_id


def test_retention_and_counts_are_taken(tmp_path: Path) -> None:
    clock = ManualClock()
    url = f"sqlite:{tmp_path / 't.db'}"
    client = Client(
        url,
        clock=clock,
        durability="normal",
        retention=dt.timedelta(hours=1),
        keep_finished=1000,
        updates_per_task=100,
    )
    task_id = client.submit_task(1).task_id
    client.cancel_task(task_id)
    clock.advance(3599)
    assert client.sweep()["pruned"] == 0
    clock.advance(2)
    assert client.sweep()["pruned"] == 1
    with pytest.raises(windlass.TaskNotFoundError):
        client.get_task(task_id)


def test_opening_a_file_logs_its_absolute_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "windlass")
    Client("sqlite:tasks.db").close()
    assert str(tmp_path.resolve() / "tasks.db") in caplog.text


def test_the_logger_s_level_can_change_at_any_time(caplog: pytest.LogCaptureFixture) -> None:
    # GPY-29
    client = Client("memory:")
    client.cluster_health()
    assert caplog.text == ""
    logging.getLogger("windlass").setLevel(logging.DEBUG)
    try:
        client.cluster_health()
    finally:
        logging.getLogger("windlass").setLevel(logging.NOTSET)
    assert {record.name for record in caplog.records} == {"windlass"}


def test_a_wait_that_finds_no_worker_says_what_to_run(caplog: pytest.LogCaptureFixture) -> None:
    client = Client("memory:")
    task_id = client.submit_task(1, task_type="thumbnail").task_id
    with pytest.raises(windlass.WorkerNotAvailableError):
        client.wait_for_task(task_id, timeout=2.3)
    assert "windlass worker" in caplog.text
    assert "thumbnail" in caplog.text


# Every verb of the asynchronous client, on one task. GPY-28
ASYNC: list[Callable[[AsyncClient, str], Awaitable[Any]]] = [
    lambda c, i: c.get_task(i),
    lambda c, i: c.get_task_status(i),
    lambda c, i: c.get_batch_status([i]),
    lambda c, i: c.wait_for_task(i),
    lambda c, i: c.wait_for_batch([i]),
    lambda c, i: c.wait_for_batch([i], progress=True),
    lambda c, i: c.wait_for_batch([i], fail_fast=True, cancel_rest=True),
    lambda c, i: c.get_task_logs(i),
    lambda c, i: c.cancel_task(i),
    lambda c, i: c.why(i),
    lambda c, i: c.counts(),
    lambda c, i: c.cluster_health(),
    lambda c, i: c.list_tasks(limit=1),
    lambda c, i: c.count_tasks({"a": "b"}),
    lambda c, i: c.cancel_tasks(queue="none"),
    lambda c, i: c.retry_tasks(status="failed"),
    lambda c, i: c.retry_task(i),
    lambda c, i: c.submit_task(payload={"id": 1}, labels={"a": "b"}),
    lambda c, i: c.submit_batch([{"payload": 1}]),
    lambda c, i: c.lease("w", handlers=[""]),
    lambda c, i: c.renew([]),
    lambda c, i: c.settle([]),
    lambda c, i: c.sweep(),
]


async def test_the_asynchronous_client_has_the_same_verbs(url: str) -> None:
    async with AsyncClient(url) as client:
        task_id = (await client.submit_task(1)).task_id
        await client.cancel_task(task_id)
        for verb in ASYNC:
            assert await verb(client, task_id) is not None
        assert (await anext(client.stream_task(task_id, after=1))).status == "cancelled"
        assert [t.task_id async for t in client.list_tasks(limit=2)]
        assert (await client.handle(task_id).astatus()).task_id == task_id
        assert client.location
        with pytest.raises(windlass.TaskNotFoundError):
            await client.get_task("nope")
        with pytest.raises(windlass.InvalidArgumentError):
            await client.list_tasks(status="done")
    with pytest.raises(windlass.ClientClosedError):
        await client.submit_task(1)


async def test_a_cancelled_wait_leaves_the_task_and_the_loop_alone(url: str) -> None:
    async with AsyncClient(url) as client:
        task_id = (await client.submit_task(1)).task_id
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.wait_for_task(task_id), 0.05)
        waits = [asyncio.ensure_future(client.wait_for_task(task_id)) for _ in range(50)]
        await asyncio.sleep(0)
        for wait in waits[::2]:
            wait.cancel()
        await client.cancel_task(task_id)
        ended = await asyncio.gather(*waits, return_exceptions=True)
        assert sum(isinstance(e, windlass.TaskStatus) for e in ended) == 25


async def test_many_submits_at_once_are_all_stored(url: str) -> None:
    async with AsyncClient(url) as client:
        stored = await asyncio.gather(*(client.submit_task(i) for i in range(500)))
        assert len({one.task_id for one in stored}) == 500
        assert sum(count.count for count in await client.counts()) == 500


def test_threads_share_a_client(client: Client) -> None:
    ids: list[str] = []

    def submit() -> None:
        for i in range(50):
            ids.append(client.submit_task(i).task_id)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 400


def test_two_clients_share_a_named_memory_and_a_file(tmp_path: Path) -> None:
    for url in ("memory:shared-by-two", f"sqlite:{tmp_path / 't.db'}"):
        with Client(url) as one, Client(url) as two:
            assert two.get_task(one.submit_task({"a": 1}).task_id).payload == {"a": 1}
    assert Client("memory:").counts() == Client("memory:").counts() == []


def test_views_show_what_they_are() -> None:
    with Client("memory:") as client:
        stored = client.submit_task(1)
        assert stored.task_id in repr(stored)
        assert client.get_task(stored.task_id) == client.get_task(stored.task_id)
        assert len({client.get_task(stored.task_id), client.get_task(stored.task_id)}) == 1
        assert "memory" in repr(client)

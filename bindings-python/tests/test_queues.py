"""Queues, batches and what happens to all tasks, in process and by HTTP alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import AsyncClient, Client


def take(client: Client, **request: Any) -> Any:
    return client.lease("w", handlers=["work"], **request)["tasks"]


def end(client: Client, leased: Any, **outcome: Any) -> None:
    settle = {"task_id": leased["task"]["task_id"], "token": leased["token"], **outcome}
    assert isinstance(client.settle([settle])[0], dict)


DONE = {"outcome": "complete", "result": None}
FAILED = {"outcome": "fail", "error": {"code": "handler_error", "message": "no"}}


def test_a_paused_queue_gives_nothing_until_it_is_resumed(client: Client) -> None:
    client.submit_task(1, "work", queue="mail")
    client.submit_task(2, "work", queue="mail", delay=60)
    paused = client.pause_queue("mail")
    assert (paused.name, paused.paused, paused.depth) == ("mail", True, 2)
    assert paused.counts == {"pending": 1, "scheduled": 1}
    assert take(client, queues=["mail"]) == []
    (queue,) = client.queues()
    assert queue == paused
    assert queue.oldest_pending_at is not None
    assert client.pause_queue("mail").paused
    assert not client.resume_queue("mail").paused
    (leased,) = take(client, queues=["mail"])
    assert leased["task"]["payload"] == 1


def test_a_paused_queue_is_why_a_task_waits(client: Client) -> None:
    client.pause_queue("default")
    task = client.submit_task(1, "work")
    assert client.why(task.task_id).reason == "paused"


def test_a_batch_is_counted_as_it_goes(client: Client) -> None:
    given = client.submit_batch(
        [{"payload": n, "max_retries": 0} for n in range(3)], task_type="work"
    )
    assert given.batch_id is not None
    batch = client.get_batch(given.batch_id)
    assert (batch.batch_id, batch.status, batch.total) == (given.batch_id, "pending", 3)
    first, second = take(client, limit=2)
    end(client, first, **DONE)
    end(client, second, **FAILED)
    batch = client.get_batch(given.batch_id)
    assert (batch.status, batch.is_final) == ("running", False)
    assert batch.counts == {"completed": 1, "failed": 1, "pending": 1}
    batch = client.cancel_batch(given.batch_id)
    assert (batch.status, batch.is_final) == ("failed", True)
    assert batch.counts == {"completed": 1, "failed": 1, "cancelled": 1}


REFUSED: list[tuple[Callable[[Client], Any], str, str | None]] = [
    (lambda c: c.pause_queue(""), "invalid_argument", "queue"),
    (lambda c: c.resume_queue("q" * 129), "invalid_argument", "queue"),
    (lambda c: c.get_batch("nope"), "batch_not_found", None),
    (lambda c: c.cancel_batch("01a1f8eb-2016-7659-bf31-42a9239b3c28"), "batch_not_found", None),
]


@pytest.mark.parametrize(("call", "code", "field"), REFUSED)
def test_what_is_not_there_is_refused(
    client: Client, call: Callable[[Client], Any], code: str, field: str | None
) -> None:
    with pytest.raises(windlass.APIError) as caught:
        call(client)
    assert fields(caught.value) == (code, field)


async def test_coroutines_have_the_same_verbs(url: str) -> None:
    async with AsyncClient(url) as client:
        given = await client.submit_batch([{"payload": 1}], task_type="work", queue="mail")
        assert given.batch_id is not None
        assert (await client.pause_queue("mail")).paused
        assert [queue.name for queue in await client.queues()] == ["mail"]
        assert not (await client.resume_queue("mail")).paused
        assert (await client.get_batch(given.batch_id)).status == "pending"
        assert (await client.cancel_batch(given.batch_id)).status == "cancelled"
        health = await client.cluster_health()
        assert (health.healthy, health.queue.depth) == (True, 0)


def test_events_tell_the_life_of_every_task(client: Client) -> None:
    events = client.events(queue="mail")
    task = client.submit_task(1, "work", queue="mail", max_retries=0)
    other = client.submit_task(1, "work", queue="elsewhere")
    (leased,) = take(client, queues=["mail"])
    end(client, leased, **FAILED)
    client.retry_task(task.task_id)
    client.cancel_task(task.task_id)
    seen = [next(events) for _ in range(5)]
    assert [event.event.removeprefix("task.") for event in seen] == [
        "submitted",
        "started",
        "failed",
        "pending",
        "cancelled",
    ]
    assert {event.task_id for event in seen} == {task.task_id} != {other.task_id}
    assert [event.seq for event in seen] == [1, 2, 3, 4, 5]
    submitted, started, failed, *_ = seen
    assert (submitted.queue, submitted.task_type, submitted.status) == ("mail", "work", "pending")
    assert (started.attempt, failed.message) == (1, "no")
    assert failed.error is not None
    assert failed.error.code == "handler_error"
    assert submitted.timestamp <= failed.timestamp


async def test_events_are_awaited_too(url: str) -> None:
    async with AsyncClient(url) as client:
        events = client.events(task_type="work")
        await client.submit_task(0, "rest")
        task = await client.submit_task(1, "work")
        async for event in events:
            assert (event.task_id, event.event) == (task.task_id, "task.submitted")
            break


def test_a_closed_client_ends_its_events(client: Client) -> None:
    events = client.events()
    told: list[BaseException | None] = []

    def read() -> None:
        try:
            told.extend([None for _ in events])
        except windlass.ClientClosedError as error:
            told.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    client.close()
    reader.join(timeout=20)
    assert not reader.is_alive()
    assert isinstance(told[0], windlass.ClientClosedError)
    assert list(events) == []

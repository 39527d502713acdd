"""Batches: one id, one progress, one end; what runs then, and tasks that come bit by bit."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import AsyncClient, Client

SOON = 20.0


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def working(app: windlass.App, seen: list[Any]) -> Iterator[windlass.App]:
    """Handlers that double, fail, and write down what they find."""

    @app.task
    def double(n: int) -> int:
        return 2 * n

    @app.task(max_retries=0)
    def fail(n: int) -> None:
        raise LookupError(f"no {n}")

    @app.task
    def report(ctx: windlass.Context, title: str = "") -> list[str]:
        counts = ctx.upstream["batch"]
        seen.append((title, counts["total"], counts["counts"], sorted(ctx.upstream)))
        return list(ctx.upstream)

    with app.worker().background():
        yield app


def test_a_batch_is_a_handle(client: Client) -> None:
    # BAT-01
    batch = client.submit_batch(
        tasks=[{"payload": {"id": i}} for i in range(3)], task_type="stateless", priority="normal"
    )
    assert (len(batch), len(batch.task_ids), batch.deduplicated) == (3, 3, False)
    assert repr(batch) == f"BatchHandle('{batch.batch_id}', tasks=3)"
    assert [s.task_id for s in batch.submissions] == batch.task_ids
    assert {(s.status, s.batch_id) for s in batch.submissions} == {("pending", batch.batch_id)}
    status = batch.status()
    assert (status.status, status.total, status.counts) == ("pending", 3, {"pending": 3})
    assert (status.progress, batch.progress, status.is_final) == (0.0, 0.0, False)
    assert status.created_at is not None
    client.cancel_task(batch.task_ids[0])
    assert batch.progress == pytest.approx(100 / 3)
    assert batch.cancel().counts == {"cancelled": 3}
    ended = batch.wait(SOON)
    assert (ended.status, ended.cancelled, ended.progress) == ("cancelled", 3, 100.0)
    assert ended.finished_at is not None
    same = client.batch_handle(batch.batch_id)
    assert (same, same.status()) == (batch, ended)
    assert client.get_batch(batch.batch_id) == ended


def test_an_empty_batch_is_completed(client: Client) -> None:
    batch = client.submit_batch([])
    assert (batch.task_ids, batch.wait(SOON).status, batch.progress) == ([], "completed", 100.0)


def test_a_batch_runs_what_was_asked_for_its_end(working: windlass.App, seen: list[Any]) -> None:
    client, calls = working.client, working.handlers
    good = client.submit_batch(
        [calls["double"].bind(n) for n in range(5)],
        name="nightly",
        on_complete=calls["report"].bind(title="complete"),
        on_success={"task_type": "report", "payload": {"title": "success"}},
        on_failure={"task_type": "report", "payload": {"title": "failure"}},
    )
    ended = good.wait(SOON)
    assert (ended.status, ended.completed, ended.name) == ("completed", 5, "nightly")
    hooks = ended.hooks
    assert list(hooks) == ["on_complete", "on_success", "on_failure"]
    statuses = client.wait_for_batch(list(hooks.values()), timeout=SOON)
    assert [status.status for status in statuses] == ["completed", "completed", "cancelled"]
    assert statuses[2].error is not None
    assert statuses[2].error.code == "condition_not_met"
    counts = {"completed": 5}
    assert sorted(seen) == [("complete", 5, counts, ["batch"]), ("success", 5, counts, ["batch"])]
    assert [s.result for s in client.wait_for_batch(good.task_ids)] == [0, 2, 4, 6, 8]

    bad = client.submit_batch(
        [calls["double"].bind(1), calls["fail"].bind(2)],
        on_success=calls["report"].bind("success"),
        on_failure=calls["report"].bind("failure"),
    ).wait(SOON)
    assert (bad.status, bad.counts) == ("failed", {"completed": 1, "failed": 1})
    statuses = client.wait_for_batch(list(bad.hooks.values()), timeout=SOON)
    assert [status.status for status in statuses] == ["cancelled", "completed"]
    assert seen[-1] == ("failure", 2, {"completed": 1, "failed": 1}, ["batch"])


def test_one_stream_tells_of_all_tasks(working: windlass.App) -> None:
    calls = working.handlers
    batch = working.client.submit_batch([calls["double"].bind(1), calls["fail"].bind(2)])
    entries = list(batch.stream())
    members = [entry for entry in entries if entry.kind == "member"]
    assert {(e.member_id, e.status) for e in members} == {
        (batch.task_ids[0], "completed"),
        (batch.task_ids[1], "failed"),
    }
    assert [entry.is_final for entry in entries] == [False] * (len(entries) - 1) + [True]
    assert entries[-1].status == "failed"
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    again = list(batch.stream(after=entries[-2].seq))
    assert again == entries[-1:]


def test_a_batch_goes_on_when_a_task_is_retried(working: windlass.App) -> None:
    client = working.client
    batch = client.submit_batch([working.handlers["fail"].bind(1)])
    assert batch.wait(SOON).status == "failed"
    client.retry_task(batch.task_ids[0])
    assert batch.wait(SOON).status == "failed"
    assert client.get_task(batch.task_ids[0]).attempt >= 1
    ends = [entry.status for entry in batch.stream() if entry.kind == "member"]
    assert ends.count("failed") == 2


def test_one_key_is_one_batch(client: Client) -> None:
    tasks = [{"payload": n} for n in range(3)]
    first = client.submit_batch(tasks, task_type="work", idempotency_key="night")
    again = client.submit_batch(tasks, task_type="work", idempotency_key="night")
    assert (again.batch_id, again.deduplicated) == (first.batch_id, True)
    assert again.task_ids == first.task_ids
    with pytest.raises(windlass.IdempotencyConflictError):
        client.submit_batch(tasks[:2], task_type="work", idempotency_key="night")
    assert client.count_tasks(task_type="work").count == 3


def test_labels_are_those_of_the_batch_and_its_tasks(client: Client) -> None:
    batch = client.submit_batch(
        [{"payload": 1}, {"payload": 2, "labels": {"shop": "south"}}], labels={"shop": "north"}
    )
    found = [task.task_id for task in client.list_tasks(labels={"shop": "north"})]
    assert found == batch.task_ids[:1]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"tasks": [{"payload": 1}, {"payload": 2, "prio": 1}]}, "invalid_argument", "prio"),
    ({"tasks": [{"payload": 1}, {"payload": object()}]}, "invalid_payload", "payload"),
    ({"tasks": [1]}, "invalid_argument", "tasks"),
    ({"tasks": [], "on_complete": 1}, "invalid_argument", "on_complete"),
    ({"tasks": [], "on_success": {"payload": {1: object()}}}, "invalid_payload", "payload"),
    ({"tasks": [{"payload": 1}], "priority": 9}, "invalid_argument", "priority"),
    ({"tasks": [{"payload": 1}], "name": "n" * 129}, "invalid_argument", "name"),
]


@pytest.mark.parametrize(("given", "code", "field"), REFUSED)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    client: Client, given: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(windlass.WindlassError) as caught:
        client.submit_batch(**given)
    assert fields(caught.value) == (code, field)
    assert client.count_tasks().count == 0


def test_a_batch_that_is_not_there_has_no_verbs(client: Client) -> None:
    nobody = client.batch_handle("01a1f8eb-2016-7659-bf31-42a9239b3c28")
    for verb in (nobody.status, nobody.cancel):
        with pytest.raises(windlass.BatchNotFoundError):
            verb()
    with pytest.raises(windlass.TaskNotFoundError):
        nobody.wait(0)


def test_nobody_sees_a_batch_before_its_seal(client: Client) -> None:
    batch = client.open_batch(task_type="work", name="bit by bit")
    assert batch.add({"payload": n} for n in range(3)) == 3
    assert batch.add({"payload": 3}) == batch.total == 4
    assert list(client.list_tasks()) == []
    with pytest.raises(windlass.BatchNotFoundError):
        client.get_batch(batch.batch_id)
    handle = batch.seal()
    assert (handle.batch_id, len(handle)) == (batch.batch_id, 4)
    assert [task.payload for task in client.list_tasks()] == [3, 2, 1, 0]
    assert handle.status().name == "bit by bit"
    with pytest.raises(windlass.BatchNotFoundError):
        batch.add({"payload": 4})
    # Who asks again, as after an answer that was lost, is told the same.
    assert batch.seal().task_ids == handle.task_ids
    assert handle.status().total == 4


def test_a_block_seals_its_batch_unless_it_fails(client: Client) -> None:
    with client.open_batch(task_type="work") as batch:
        batch.add([{"payload": 1}])
    assert batch.handle is not None
    assert batch.handle.status().total == 1
    with pytest.raises(LookupError), client.open_batch(task_type="other") as batch:
        batch.add([{"payload": 1}])
        raise LookupError
    assert batch.handle is None
    assert client.count_tasks(task_type="other").count == 0


def test_an_iterable_that_raises_stores_nothing(client: Client) -> None:
    def tasks() -> Iterator[dict[str, Any]]:
        for n in range(6_000):
            yield {"payload": n}
        raise LookupError

    with pytest.raises(LookupError):
        client.submit_batch(tasks())
    assert client.count_tasks().count == 0


def test_a_hundred_thousand_tasks_go_in_chunks_with_flat_memory(tmp_path: Path) -> None:
    text = "x" * 300
    with Client(f"sqlite:{tmp_path / 'tasks.db'}", durability="normal") as client:
        tracemalloc.start()
        try:
            batch = client.submit_batch(
                ({"payload": {"n": n, "text": text}} for n in range(100_000)), task_type="work"
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # The ids alone are 9 MB; the records would be more than 40.
        assert peak < 20_000_000, peak
        assert len(batch) == batch.status().total == 100_000
        assert client.get_task(batch.task_ids[99_999]).payload["n"] == 99_999
        with pytest.raises(windlass.InvalidArgumentError):
            client.submit_batch(({"payload": n} for n in range(100_001)), task_type="much")
        assert client.count_tasks(task_type="much").count == 0


def test_a_large_batch_passes_the_limit_of_one_request(client: Client, kind: str) -> None:
    payload = "x" * 1_000_000
    batch = client.submit_batch({"payload": payload} for _ in range(18))
    assert batch.status().total == 18


def test_a_wait_has_a_timeout_of_its_own(client: Client) -> None:
    batch = client.submit_batch([{"payload": 1}])
    with pytest.raises(windlass.TaskTimeoutError):
        batch.wait(0.05)
    assert batch.status().status == "pending"


async def test_coroutines_have_the_same_verbs(working: windlass.App) -> None:
    calls, client = working.handlers, working.async_client

    async def tasks() -> AsyncIterator[Any]:
        for n in range(3):
            await asyncio.sleep(0)
            yield calls["double"].bind(n)

    batch = await client.submit_batch(tasks(), on_complete=calls["report"].bind("done"))
    ended = await batch
    assert (ended.status, ended.completed, await batch.progress) == ("completed", 3, 100.0)
    assert await batch.status() == await client.get_batch(batch.batch_id) == ended
    assert (await batch.cancel()).status == "completed"
    entries = [entry async for entry in batch.stream()]
    assert [e.kind for e in entries].count("member") == 3
    async with client.open_batch("double") as more:
        assert await more.add([{"payload": {"n": 1}}]) == 1
        assert await more.add(tasks()) == 4
        assert await more.add(calls["double"].bind(9)) == 5
    assert more.handle is not None
    assert (await more.handle.wait(SOON)).completed == 5
    assert repr(more).startswith("AsyncOpenBatch(")
    many = await client.submit_batch(({"payload": {"n": n}} for n in range(5_500)), "double")
    assert (await many.status()).total == 5_500


async def test_a_cancelled_wait_leaves_the_batch_alone(url: str) -> None:
    async with AsyncClient(url) as client:
        batch = await client.submit_batch([{"payload": 1}], task_type="work")
        waiting = asyncio.create_task(batch.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await batch.status()).status == "pending"


def test_submit_many_of_a_handler_is_a_batch(working: windlass.App) -> None:
    handles = working.handlers["double"].submit_many([(1,), (2,)])
    assert [handle.result(SOON) for handle in handles] == [2, 4]
    assert handles.batch_id is not None
    assert working.client.get_batch(handles.batch_id).status == "completed"


def test_threads_add_to_batches_of_their_own(client: Client) -> None:
    made: list[Any] = []

    def submit(n: int) -> None:
        made.append(client.submit_batch([{"payload": n}] * 10))

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert len({batch.batch_id for batch in made}) == 8
    assert {batch.status().total for batch in made} == {10}

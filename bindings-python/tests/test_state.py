"""State: tasks with one key, one after the other, each with what the one before left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import windlass
from conftest import Spawn, finish
from windlass import Client
from windlass.testing import Server, TestApp

SOON = 30.0


@pytest.fixture
def working(app: windlass.App) -> Iterator[windlass.App]:
    @app.task
    def count(ctx: windlass.Context, action: str, by: int = 1) -> Any:
        """Changes the state in every way there is."""
        if action == "initialize":
            return ctx.state
        if action == "increment":
            ctx.state["counter"] += by
        elif action == "assign":
            ctx.state = {"counter": by}
        elif action == "append":
            ctx.state["list"] = [*ctx.state.get("list", []), by]
        elif action == "clear":
            ctx.state = None
        return ctx.state

    @app.task
    async def acount(ctx: windlass.Context, by: int = 1) -> int:
        ctx.state["counter"] += by
        counter: int = ctx.state["counter"]
        return counter

    @app.task(max_retries=3)
    def spoil(ctx: windlass.Context, how: str) -> None:
        if how == "raise":
            ctx.state["counter"] = -1
            raise windlass.Fail("spoiled")
        if how == "cancel":
            ctx.state["counter"] = -1
            raise windlass.Cancel("enough")
        ctx.state["counter"] = {"object": object(), "nan": float("nan")}[how]

    @app.task(max_retries=0)
    def without(ctx: windlass.Context) -> Any:
        before = ctx.state
        ctx.state = 1
        return before

    with app.worker(concurrency=4).background():
        yield app


def run(client: Client, handler: str, key: str = "k", first: Any = None, **given: Any) -> Any:
    task = client.submit_task(given, task_type=handler, state_key=key, initial_state=first).task_id
    return client.wait_for_task(task, SOON)


def test_a_state_goes_from_task_to_task(working: windlass.App) -> None:
    # STA-01, STA-02, STA-03
    client = working.client
    assert client.get_state("k") is None
    assert run(client, "count", first={"counter": 0}, action="initialize").result == {"counter": 0}
    assert run(client, "count", action="increment").result == {"counter": 1}
    assert client.get_state("k") == {"counter": 1}
    # There is a state: another initial one is not used.
    assert run(client, "count", first={"counter": 50}, action="increment").result["counter"] == 2
    assert run(client, "acount", by=5).result == 7
    assert run(client, "count", action="append", by=1).result["list"] == [1]
    assert run(client, "count", action="append", by=2).result["list"] == [1, 2]
    assert client.get_state("k") == {"counter": 7, "list": [1, 2]}
    run(client, "count", action="assign", by=3)
    assert client.get_state("k") == {"counter": 3}
    run(client, "count", action="clear")
    assert client.get_state("k") is None
    assert client.get_state("other") is None


def test_a_state_of_a_task_without_key_is_refused(working: windlass.App) -> None:
    client = working.client
    status = client.wait_for_task(client.submit_task({}, task_type="without").task_id, SOON)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.error_type == "windlass.errors.InvalidArgumentError"
    assert "state_key" in status.error.message
    kept = client.submit_task({}, task_type="without", state_key="w")
    assert client.wait_for_task(kept.task_id, SOON).status == "completed"
    assert client.get_state("w") == 1


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("object", "failed", "invalid_payload"),
        ("nan", "failed", "invalid_payload"),
        ("raise", "failed", "handler_error"),
        ("cancel", "cancelled", None),
    ],
)
def test_what_does_not_complete_stores_no_state(
    working: windlass.App, how: str, status: str, code: str | None
) -> None:
    client = working.client
    run(client, "count", action="assign", by=1)
    ended = run(client, "spoil", how=how)
    assert ended.status == status
    if code is not None:
        assert ended.error is not None
        assert (ended.error.code, ended.error.retryable) == (code, False)
    if code == "invalid_payload":
        assert "state of handler spoil" in str(ended.error)
    assert client.get_task(ended.task_id).attempt == 1
    assert client.get_state("k") == {"counter": 1}
    # The line goes on.
    assert run(client, "count", action="increment").result == {"counter": 2}


def test_a_state_that_is_too_large_fails_its_task(working: windlass.App) -> None:
    client = working.client

    @working.task
    def unused() -> None:
        """Not known to the worker that runs already."""

    run(client, "count", action="assign", by=1)
    ended = run(client, "count", action="append", by="x" * 900_000)
    assert ended.status == "completed"
    ended = run(client, "count", action="append", by="x" * 900_000)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.code == "payload_too_large"
    assert len(client.get_state("k")["list"]) == 1


def test_tasks_of_one_key_take_turns_in_the_order_of_their_submits(client: Client) -> None:
    first, second, other = (
        client.submit_task(1, task_type="work", state_key=key) for key in ("a", "a", "b")
    )
    assert [client.get_task(t.task_id).status for t in (first, second, other)] == [
        "pending",
        "blocked",
        "pending",
    ]
    leased = client.lease("w", handlers=["work"], limit=10)["tasks"]
    assert {one["task"]["task_id"] for one in leased} == {first.task_id, other.task_id}
    head = next(one for one in leased if one["task"]["task_id"] == first.task_id)
    done = {"task_id": first.task_id, "token": head["token"], "outcome": "complete"}
    client.settle([{**done, "result": 1, "state": {"n": 1}}])
    assert client.get_task(second.task_id).status == "pending"
    (leased,) = client.lease("w", handlers=["work"], limit=10)["tasks"]
    assert leased["state"] == {"n": 1}


def test_ten_clients_count_to_a_thousand(app: windlass.App, url: str, kind: str) -> None:
    """On memory and over HTTP by threads, each with a client of its own where it can have one."""

    @app.task
    def increment(ctx: windlass.Context) -> None:
        ctx.state["counter"] += 1

    def submit() -> None:
        client = app.client if kind == "memory" else Client(url)
        for _ in range(100):
            client.submit_task(
                {}, task_type="increment", state_key="sum", initial_state={"counter": 0}
            )
        if kind != "memory":
            client.close()

    threads = [threading.Thread(target=submit) for _ in range(10)]
    with app.worker(concurrency=8).background():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        last = app.client.submit_task({}, task_type="increment", state_key="sum")
        assert app.client.wait_for_task(last.task_id, 90).status == "completed"
    assert app.client.get_state("sum") == {"counter": 1001}
    assert app.client.count_tasks(task_type="increment", status="completed").count == 1001


COUNTING = """
import sys
import windlass

app = windlass.App(sys.argv[1])

@app.task
def increment(ctx: windlass.Context) -> None:
    ctx.state["counter"] += 1

with app.worker(concurrency=2).background():
    client = app.client
    ids = [
        client.submit_task(
            {}, task_type="increment", state_key="sum", initial_state={"counter": 0}
        ).task_id
        for _ in range(100)
    ]
    ended = client.wait_for_batch(ids, timeout=100)
    assert {status.status for status in ended} == {"completed"}
    print("counted", flush=True)
    # Others still need workers.
    sys.stdin.read()
"""


@pytest.mark.parametrize("where", ["sqlite", "http"])
def test_ten_processes_count_to_a_thousand(where: str, tmp_path: Any, spawn: Spawn) -> None:
    url = f"sqlite:{tmp_path / 'sum.db'}"
    with Server(url) as server, Client(server.url) as client:
        given = server.url if where == "http" else url
        processes = [spawn(given, code=COUNTING) for _ in range(10)]
        for process in processes:
            finish(process, timeout=110)
        assert client.get_state("sum") == {"counter": 1000}
        assert client.count_tasks(status="completed").count == 1000


def test_keys_and_dependencies_never_wait_for_each_other_in_a_circle(app: windlass.App) -> None:
    """A task joins the line of its key when what it depends on is done: then no circle can be."""

    @app.task
    def step(ctx: windlass.Context) -> None:
        ctx.state = [*(ctx.state or []), ctx.stage]

    pipelines = []
    for _ in range(5):
        pipeline = app.client.create_pipeline("crossed")
        # In the order of submits a line by key alone would be a deadlock: b before a, a before b.
        pipeline.add_stage("late", {}, ["early"], "step", state_key="x")
        pipeline.add_stage("early", {}, ["first"], "step", state_key="y")
        pipeline.add_stage("first", {}, (), "step", state_key="x")
        pipeline.add_stage("last", {}, ["late"], "step", state_key="y")
        pipelines.append(pipeline.execute())
    with app.worker(concurrency=4).background():
        assert {pipeline.wait(SOON).status for pipeline in pipelines} == {"completed"}
    assert sorted(app.client.get_state("x")) == ["first"] * 5 + ["late"] * 5
    assert sorted(app.client.get_state("y")) == ["early"] * 5 + ["last"] * 5


def test_an_app_under_test_has_states() -> None:
    with TestApp() as app:

        @app.task
        async def count(ctx: windlass.Context) -> int:
            ctx.state["n"] += 1
            found: int = ctx.state["n"]
            return found

        given = {"state_key": "k", "initial_state": {"n": 0}}
        handles = [count.options(**given).submit() for _ in range(3)]  # type: ignore[arg-type]
        app.run_until_idle()
        assert [handle.result() for handle in handles] == [1, 2, 3]
        assert app.client.get_state("k") == {"n": 3}


async def test_coroutines_read_states(working: windlass.App) -> None:
    client = working.async_client
    task = await client.submit_task(
        {}, task_type="acount", state_key="k", initial_state={"counter": 1}
    )
    assert (await client.wait_for_task(task.task_id, SOON)).result == 2
    assert await client.get_state("k") == {"counter": 2}
    assert await client.get_state("nothing") is None

"""Handlers: how they are declared, submitted and bound to payloads."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import uuid
from typing import Any

import pydantic
import pytest
import windlass
from conftest import fields
from windlass import Context


def test_a_decorated_function_still_runs_plainly(memory_app: windlass.App) -> None:
    @memory_app.task(max_retries=3, timeout=30)
    def double(x: int) -> int:
        """Doubles."""
        return 2 * x

    assert double(4) == 8
    assert (double.name, double.__doc__) == ("double", "Doubles.")


async def test_a_decorated_coroutine_function_still_runs_plainly(memory_app: windlass.App) -> None:
    @memory_app.task
    async def double(x: int) -> int:
        return 2 * x

    assert await double(4) == 8


def test_arguments_travel_by_position_and_by_name(app: windlass.App) -> None:
    @app.task
    def area(width: int, height: int = 3, *, unit: str = "cm") -> str:
        return f"{width * height} {unit}"

    with app.worker().background():
        assert area.submit(2).result(timeout=10) == "6 cm"
        assert area.submit(2, 4, unit="m").result(timeout=10) == "8 m"
        assert area.submit(height=5, width=1).result(timeout=10) == "5 cm"


def test_options_hold_for_what_is_submitted(memory_app: windlass.App) -> None:
    @memory_app.task(queue="images", priority="low", labels={"team": "ml"}, max_retries=7)
    def thumbnail(path: str) -> None: ...

    client = memory_app.client
    plain = client.get_task(thumbnail.submit("a").task_id)
    assert (plain.task_type, plain.queue, plain.priority) == ("thumbnail", "images", 4)
    assert plain.labels == {"team": "ml"}
    # What a handler declares about its attempts is the worker's to send.
    assert plain.record["retry"] == {}
    handle = thumbnail.options(idempotency_key="thumb-a", priority="high").submit(path="a.jpg")
    special = client.get_task(handle.task_id)
    assert (special.priority, special.queue, special.idempotency_key) == (2, "images", "thumb-a")
    assert handle.submission is not None
    assert not handle.submission.deduplicated
    again = thumbnail.options(idempotency_key="thumb-a").submit(path="a.jpg")
    assert again.task_id == handle.task_id
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        thumbnail.options(prio=1).submit("a")  # type: ignore[call-arg]
    assert caught.value.field == "prio"


def test_many_calls_are_one_batch(app: windlass.App) -> None:
    @app.task
    def add(a: int, b: int = 1) -> int:
        return a + b

    @app.task
    def whole(payload: Any) -> Any:
        return payload

    with app.worker().background():
        handles = add.submit_many([{"a": 1}, (2, 5), {"a": 3, "b": 3}])
        assert [handle.result(timeout=10) for handle in handles] == [2, 7, 6]
        statuses = app.client.wait_for_batch(handles.task_ids)
        assert [status.result for status in statuses] == [2, 7, 6]
        batch = {task.batch_id for task in app.client.list_tasks(batch_id=handles.batch_id)}
        assert batch == {handles.batch_id}
        assert [h.result(timeout=10) for h in whole.submit_many([(1, 2), {"x": 1}, None])] == [
            [1, 2],
            {"x": 1},
            None,
        ]
    assert add.submit_many([]).batch_id is None
    with pytest.raises(windlass.InvalidArgumentError):
        add.submit_many(["a"])
    with pytest.raises(windlass.InvalidPayloadError):
        add.submit_many([{"a": 1}, {"b": 1}])


async def test_coroutines_submit_and_await(app: windlass.App) -> None:
    @app.task
    async def double(x: int) -> int:
        return 2 * x

    worker = app.worker()
    with worker.background():
        handle = await double.asubmit(4)
        assert await handle == 8
        assert await handle.aresult(timeout=5) == 8
        many = await double.asubmit_many([{"x": i} for i in range(10)])
        assert [await h for h in many] == [2 * i for i in range(10)]
        assert (await handle.astatus()).status == "completed"
        assert (await handle.awhy()).reason == "finished"
        assert (await handle.acancel()).status == "completed"
        assert [update.status async for update in handle.updates()][-1] == "completed"
        optioned = double.options(queue="nobody")
        assert (await (await optioned.asubmit(1)).acancel()).status == "cancelled"
        # A blocking wait would stop this loop, the worker's news with it.
        with pytest.raises(RuntimeError, match="await"):
            handle.result()
        with pytest.raises(RuntimeError, match="async for"):
            next(handle.updates())


def test_a_context_is_given_by_name_or_annotation(app: windlass.App) -> None:
    @app.task(timeout=60)
    def by_name(ctx, x: int) -> list[Any]:  # type: ignore[no-untyped-def]
        return [ctx.task_id, ctx.attempt, ctx.task_type, ctx.labels, ctx.metadata, x]

    @app.task
    async def by_annotation(x: int, context: Context) -> list[Any]:
        deadline = context.deadline
        return [context.traceparent, context.queue, deadline and deadline.tzinfo is not None, x]

    with app.worker(queues=["default", "q"]).background():
        first = by_name.options(labels={"a": "b"}, metadata={"m": [1]}).submit(x=1)  # type: ignore[call-arg]
        assert first.result(timeout=10) == [
            first.task_id,
            1,
            "by_name",
            {"a": "b"},
            {"m": [1]},
            1,
        ]
        second = app.client.submit_task(
            {"x": 2}, "by_annotation", queue="q", traceparent="00-a-b-01", timeout=5
        )
        assert app.client.handle(second.task_id).result(timeout=10) == ["00-a-b-01", "q", True, 2]


def test_hints_for_type_checkers_only_spoil_no_others(memory_app: windlass.App) -> None:
    def handler(given, at, other):  # type: ignore[no-untyped-def]
        return [given.attempt, at.year, other]

    handler.__annotations__ = {"given": "nowhere.Context", "at": "dt.datetime", "other": "Unknown"}
    task = memory_app.task(handler)
    with memory_app.worker().background():
        sent = task.submit(at=AT, other=1)
        assert sent.result(timeout=10) == [1, 2026, 1]


def test_progress_and_logs_can_be_told_plainly_and_awaited(app: windlass.App) -> None:
    # QUO-05
    @app.task
    async def coroutine(ctx: Context) -> None:
        await ctx.progress(25, "a quarter")
        ctx.progress(50)
        await ctx.log("first")
        ctx.log("second", level="error")

    @app.task
    def plain(ctx: Context) -> str:
        ctx.progress(75.5, "more")
        ctx.log("line")
        with pytest.raises(windlass.InvalidArgumentError):
            ctx.progress(101)
        with pytest.raises(windlass.InvalidArgumentError):
            ctx.log("x", level="loud")
        with pytest.raises(windlass.PayloadTooLargeError):
            ctx.log("x" * 20_000)
        return "told"

    with app.worker().background():
        handle = coroutine.submit()
        kinds = [(u.kind, u.progress, u.message) for u in handle.updates()]
        assert kinds[2:-1] == [
            ("progress", 25.0, "a quarter"),
            ("progress", 50.0, ""),
            ("log", None, "first"),
            ("log", None, "second"),
        ]
        logs = app.client.get_task_logs(handle.task_id)
        assert [(entry.level, entry.message) for entry in logs] == [
            ("info", "first"),
            ("error", "second"),
        ]
        assert logs[0].timestamp <= logs[1].timestamp
        told = plain.submit()
        assert told.result(timeout=10) == "told"
        assert (told.status().progress, told.status().message) == (100.0, "more")


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    at: dt.datetime | None = None
    inner: list[Point] = dataclasses.field(default_factory=list)


class Order(pydantic.BaseModel):
    id: int
    total: decimal.Decimal


ID = uuid.UUID("01a1f8eb-2016-7659-bf31-42a9239b3c28")
AT = dt.datetime(2026, 11, 20, 12, 0, 0, 250000, tzinfo=dt.timezone.utc)

# The value, its annotation, its JSON form.
FORMS: list[tuple[Any, Any, Any]] = [
    (AT, dt.datetime, "2026-11-20T12:00:00.250000Z"),
    (dt.date(2026, 1, 2), dt.date, "2026-01-02"),
    (dt.time(1, 2, 3), dt.time, "01:02:03"),
    (dt.timedelta(minutes=1, milliseconds=5), dt.timedelta, 60.005),
    (decimal.Decimal("1.10"), decimal.Decimal, "1.10"),
    (ID, uuid.UUID, str(ID)),
    (Colour.RED, Colour, "red"),
    (b"\x00\xff", bytes, "AP8="),
    ({3}, set[int], [3]),
    (frozenset({"a"}), frozenset[str], ["a"]),
    ((1, "a"), tuple[int, str], [1, "a"]),
    ((ID,), tuple[uuid.UUID, ...], [str(ID)]),
    (pathlib.Path("/a/b"), pathlib.Path, "/a/b"),
    (Point(1, AT, [Point(2)]), Point, None),
    (Order(id=1, total=decimal.Decimal("9.90")), Order, {"id": 1, "total": "9.90"}),
    ([ID], list[uuid.UUID], [str(ID)]),
    ({"k": AT}, dict[str, dt.datetime], None),
    (None, dt.datetime | None, None),
    (AT, dt.datetime | None, None),
    (5, int | uuid.UUID, 5),
    (ID, int | uuid.UUID, str(ID)),
    ("text", str, "text"),
    (1.5, float, 1.5),
]


@pytest.mark.parametrize(("value", "annotation", "form"), FORMS, ids=[str(f[1]) for f in FORMS])
def test_a_value_has_one_form_and_comes_back(
    memory_app: windlass.App, value: Any, annotation: Any, form: Any
) -> None:
    seen: list[Any] = []

    def echo(value):  # type: ignore[no-untyped-def]
        seen.append(value)
        return value

    echo.__annotations__ = {"value": annotation, "return": annotation}
    handler = memory_app.task(echo)
    with memory_app.worker().background():
        handle = handler.submit(value)
        back = handle.result(timeout=10)
    assert seen == [value]
    assert (type(back), back) == (type(value), value)
    if form is not None:
        assert memory_app.client.get_task(handle.task_id).payload == {"value": form}


@pytest.mark.parametrize(
    "value", [dt.datetime(2026, 1, 1), decimal.Decimal("NaN"), {1: 1, "1": 2}, object(), 1j]
)
def test_a_value_without_a_form_is_refused_at_submit(memory_app: windlass.App, value: Any) -> None:
    @memory_app.task
    def take(value: Any) -> None: ...

    with pytest.raises(windlass.InvalidPayloadError) as caught:
        take.submit(value)
    assert fields(caught.value) == ("invalid_payload", "payload")
    assert memory_app.client.counts() == []


MISFITS: list[tuple[Any, str]] = [
    ({"width": 1}, "missing path"),
    ({"path": "a", "depth": 1}, "unexpected depth"),
    ({}, "missing path"),
    (None, "must be an object"),
    ([1], "must be an object"),
    ({"path": "a", "at": "tomorrow"}, "argument at"),
    ({"path": "a", "point": {"y": 1}}, "argument point"),
    ({"path": "a", "point": 7}, "argument point"),
]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_payload_that_does_not_fit_fails_at_once(app: windlass.App, kind: str) -> None:
    """The message names the arguments, and nothing is retried."""
    runs: list[Any] = []

    if kind == "def":

        @app.task
        def thumbnail(
            path: str, width: int = 1, at: dt.datetime | None = None, point: Point | None = None
        ) -> None:
            runs.append(path)
    else:

        @app.task(name="thumbnail")
        async def athumbnail(
            path: str, width: int = 1, at: dt.datetime | None = None, point: Point | None = None
        ) -> None:
            runs.append(path)

    with app.worker().background():
        ids = app.client.submit_batch(
            [{"payload": payload} for payload, _ in MISFITS], task_type="thumbnail"
        ).task_ids
        statuses = app.client.wait_for_batch(ids, timeout=20)
    for status, (_, text) in zip(statuses, MISFITS, strict=True):
        assert status.status == "failed"
        assert status.error is not None
        assert (status.error.code, status.error.retryable) == ("invalid_payload", False)
        assert "thumbnail" in str(status.error)
        assert text in str(status.error)
        assert app.client.get_task(status.task_id).attempt == 1
    assert runs == []


def test_arguments_that_do_not_fit_are_refused_at_submit(memory_app: windlass.App) -> None:
    @memory_app.task
    def thumbnail(path: str, *, width: int) -> None: ...

    wrong: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((), {}, "missing path, width"),
        (("a",), {"width": 1, "depth": 2}, "unexpected depth"),
        (("a", 1), {}, "too many"),
        (("a",), {"path": "b", "width": 1}, "given twice"),
    ]
    for args, kwargs, text in wrong:
        with pytest.raises(windlass.InvalidPayloadError, match=text):
            thumbnail.submit(*args, **kwargs)
    assert memory_app.client.counts() == []


def test_a_lone_payload_takes_everything(app: windlass.App) -> None:
    @app.task
    def whole(payload: Any) -> Any:
        return payload

    @app.task
    def more(x: int, **rest: Any) -> Any:
        return [x, rest]

    @app.task
    def none() -> str:
        return "ran"

    with app.worker().background():
        for payload in ({"a": 1}, [1], None, "text", 5):
            assert whole.submit(payload).result(timeout=10) == payload
            task = app.client.submit_task(payload, "whole")
            assert app.client.handle(task.task_id).result(timeout=10) == payload
        assert more.submit(1, a=2).result(timeout=10) == [1, {"a": 2}]
        for payload in (None, {}):
            task = app.client.submit_task(payload, "none")
            assert app.client.handle(task.task_id).result(timeout=10) == "ran"


def test_stateless_tasks_are_named_by_their_function_or_fall_to_the_default(
    app: windlass.App,
) -> None:
    # GPY-11
    @app.task
    def process_data(function: str, data: Any) -> Any:
        return ["process_data", data]

    @app.task(default=True)
    async def fallback(payload: Any) -> Any:
        return ["fallback", payload]

    client = app.client
    with app.worker().background():
        named = client.submit_task({"function": "process_data", "data": 1}, "stateless")
        assert client.wait_for_task(named.task_id, 10).result == ["process_data", 1]
        for payload in ({"numbers": [1]}, {"function": 7}, None):
            other = client.submit_task(payload)
            assert client.wait_for_task(other.task_id, 10).result == ["fallback", payload]
        assert fallback.submit({"function": "process_data"}).result(timeout=10)[0] == "fallback"


def test_declarations_are_checked_where_they_are_written(memory_app: windlass.App) -> None:
    def handler(x: int) -> None: ...

    memory_app.task(handler)
    memory_app.task(name="other", default=True)(handler)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "name"),
        ({"name": "other"}, "name"),
        ({"name": "third", "default": True}, "default"),
        ({"name": "a" * 129}, "task_type"),
        ({"name": "b", "max_retries": -1}, "max_retries"),
        ({"name": "b", "timeout": 0}, "timeout_seconds"),
        ({"name": "b", "timeout": -1}, "timeout_seconds"),
        ({"name": "b", "priority": "urgent"}, "priority"),
        ({"name": "b", "retry": {"jitter": 2}}, "jitter"),
        ({"name": "b", "colour": 1}, "colour"),
    ]
    for options, field in wrong:
        with pytest.raises(windlass.InvalidArgumentError) as caught:
            memory_app.task(**options)(handler)
        assert caught.value.field == field, options
    with pytest.raises(windlass.InvalidArgumentError, match=r"\*args"):
        memory_app.task(lambda *args: None)
    with pytest.raises(windlass.InvalidArgumentError, match="position only"):
        memory_app.task(lambda x, /: None)
    assert set(memory_app.handlers) == {"handler", "other"}


def test_a_worker_s_options_are_checked(memory_app: windlass.App) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        memory_app.worker().start()
    assert caught.value.field == "handlers"

    @memory_app.task
    def handler() -> None: ...

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": -1}, "concurrency"),
        ({"concurrency": 10_001}, "concurrency"),
        ({"queues": []}, "queues"),
        ({"queues": [""]}, "queues"),
        ({"lease": 0.5}, "lease_seconds"),
        ({"lease": -1}, "lease_seconds"),
        ({"drain_grace": -1}, "drain_grace"),
        ({"cancel_grace": float("nan")}, "cancel_grace"),
        ({"worker_id": ""}, "worker_id"),
    ]
    for options, field in wrong:
        with pytest.raises(windlass.InvalidArgumentError) as caught:
            memory_app.worker(**options).run()
        assert caught.value.field == field, options
    with pytest.raises(windlass.InvalidArgumentError):
        memory_app.worker(queues="default")


def test_an_app_connects_when_it_is_first_needed(tmp_path: pathlib.Path) -> None:
    app = windlass.App()
    assert app.url == "sqlite:windlass.db"
    app.close()
    assert not (tmp_path / "windlass.db").exists()
    assert app.client.counts() == []
    assert (tmp_path / "windlass.db").exists()
    app.connect_to("memory:", "someone")
    task = app.client.submit_task(1)
    assert app.client.get_task(task.task_id).record["tenant"] == "someone"

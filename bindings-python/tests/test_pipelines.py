"""Pipelines: stages that wait for each other, read each other's results, and end together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import windlass
from conftest import Spawn, fields, line
from windlass import AsyncClient, Client, Pipeline
from windlass.testing import TestApp

SOON = 20.0


@dataclass
class Rows:
    count: int
    source: str


@pytest.fixture
def broken() -> threading.Event:
    """While it is set, the stage `shaky` fails."""
    return threading.Event()


@pytest.fixture
def working(app: windlass.App, broken: threading.Event) -> Iterator[windlass.App]:
    @app.task
    def extract(source: str) -> Rows:
        return Rows(3, source)

    @app.task
    def transform(ctx: windlass.Context, factor: int = 2) -> dict[str, Any]:
        found = ctx.upstream["extract"]
        return {"count": found["count"] * factor, "stage": ctx.stage, "names": sorted(ctx.upstream)}

    @app.task
    async def load(ctx: windlass.Context, destination: str) -> str:
        rows = await ctx.upstream["transform"]
        return f"{rows['count']} to {destination}"

    @app.task(max_retries=0)
    def shaky(n: int = 0) -> int:
        if broken.is_set():
            raise LookupError("not now")
        return n

    @app.task(default=True)
    def anything(payload: Any) -> Any:
        return payload

    with app.worker(concurrency=4).background():
        yield app


def etl(client: Client) -> Pipeline:
    pipeline = client.create_pipeline("etl", labels={"team": "data"})
    extract = pipeline.add_stage("extract", {"source": "s3"}, task_type="extract")
    pipeline.add_stage("transform", {}, [extract], "transform")
    pipeline.add_stage(
        name="load", payload={"destination": "pg"}, depends_on=["transform"], task_type="load"
    )
    return pipeline


def test_stages_run_in_turn_and_read_what_the_others_returned(working: windlass.App) -> None:
    # PIP-01, PIP-02, PIP-03, PIP-05
    pipeline = etl(working.client)
    assert repr(pipeline) == "Pipeline('etl', stages=3)"
    assert pipeline.execute(priority="high", timeout=3600) is pipeline
    ended = pipeline.wait(SOON)
    assert (ended.status, ended.progress, ended.completed, ended.total) == ("completed", 100, 3, 3)
    assert (ended.name, ended.labels, ended.error) == ("etl", {"team": "data"}, None)
    assert ended.record["timeout_seconds"] == 3600
    assert ended.finished_at is not None
    assert ended.finished_at >= ended.created_at
    assert pipeline.results() == {
        "extract": {"count": 3, "source": "s3"},
        "transform": {"count": 6, "stage": "transform", "names": ["extract"]},
        "load": "6 to pg",
    }
    assert pipeline.result("load") == "6 to pg"
    stages = ended.stages
    assert [(s.name, s.depends_on, s.status, s.is_final) for s in stages.values()] == [
        ("extract", [], "completed", True),
        ("transform", ["extract"], "completed", True),
        ("load", ["transform"], "completed", True),
    ]
    one, two = stages["extract"], stages["transform"]
    assert one.finished_at is not None
    assert two.started_at is not None
    assert two.started_at >= one.finished_at
    assert (one.attempt, one.error, one.task_type) == (1, None, "extract")
    task = working.client.get_task(two.task_id)
    assert (task.pipeline_id, task.stage, task.priority) == (pipeline.pipeline_id, "transform", 2)


def test_handlers_are_stages_with_their_types(working: windlass.App) -> None:
    extract, transform = working.handlers["extract"], working.handlers["transform"]
    pipeline = working.client.create_pipeline("typed")
    first = pipeline.add_stage("extract", task=extract.bind(source="a"))
    second = pipeline.add_stage(
        "double", task=transform.options(priority=1).bind(factor=10), depends_on=first, delay=0.01
    )
    pipeline.execute("low").wait(SOON)
    assert pipeline.result(first) == Rows(3, "a")
    assert pipeline.results()["extract"] == Rows(3, "a")
    assert pipeline.result(second)["count"] == 30
    priorities = [
        working.client.get_task(stage.task_id or "").priority for stage in pipeline.stages.values()
    ]
    assert priorities == [4, 1]
    with pytest.raises(windlass.InvalidPayloadError):
        extract.bind(sauce="a")


def test_a_monitor_tells_every_change_and_then_the_end_once(working: windlass.App) -> None:
    # PIP-04
    pipeline = etl(working.client).execute()
    changes = list(pipeline.monitor())
    assert [change.is_terminal for change in changes] == [False] * (len(changes) - 1) + [True]
    last = changes[-1]
    assert (last.stage, last.status, last.progress, last.error) == (None, "completed", 100.0, None)
    assert last.task_id == pipeline.pipeline_id
    for name in ("extract", "transform", "load"):
        told = [change.status for change in changes if change.stage == name]
        assert told[-1] == "completed"
        assert "running" in told
    ends = [change for change in changes if change.status == "completed"]
    assert [change.stage for change in ends] == ["extract", "transform", "load", None]
    assert [round(change.progress) for change in ends] == [33, 67, 100, 100]
    assert [change.seq for change in changes] == sorted({change.seq for change in changes})
    # It can be read again, and from anywhere: what had ended before still counts.
    again = working.client.get_pipeline(pipeline.pipeline_id)
    for at, change in enumerate(changes):
        assert list(again.monitor(after=change.seq)) == changes[at + 1 :]
    assert list(pipeline.monitor()) == changes
    kinds = [entry.kind for entry in pipeline.stream()]
    assert kinds.count("member") == len(changes) - 1


def test_what_depends_on_a_failure_is_cancelled_and_a_retry_goes_on(
    working: windlass.App, broken: threading.Event
) -> None:
    client = working.client
    broken.set()
    pipeline = client.create_pipeline("shaky")
    first = pipeline.add_stage("first", {"n": 1}, task_type="anything")
    shaky = pipeline.add_stage("shaky", {"n": 2}, [first], "shaky")
    pipeline.add_stage("after", {"n": 3}, [shaky])
    pipeline.add_stage("last", {"n": 4}, ["after"])
    pipeline.add_stage("aside", {"n": 5}, [first])
    failed = pipeline.execute().wait(SOON)
    assert failed.status == "failed"
    assert failed.error is not None
    assert {name: stage.status for name, stage in failed.stages.items()} == {
        "first": "completed",
        "shaky": "failed",
        "after": "cancelled",
        "last": "cancelled",
        "aside": "completed",
    }
    cause = failed.stages["after"].error
    assert cause is not None
    assert (cause.code, "shaky" in cause.message) == ("upstream_failed", True)
    assert failed.stages["shaky"].error is not None
    assert failed.stages["shaky"].error.message == "not now"
    assert set(pipeline.results()) == {"first", "aside"}
    with pytest.raises(windlass.TaskFailedError):
        pipeline.result(shaky)
    with pytest.raises(windlass.TaskCancelledError):
        pipeline.result("after")
    broken.clear()
    # Workers may be done with it before the answer is here.
    assert pipeline.retry(shaky).status in ("running", "completed")
    ended = pipeline.wait(SOON)
    assert ended.status == "completed"
    assert pipeline.results()["last"] == {"n": 4}
    assert ended.stages["first"].attempt == 1
    terminal = [change for change in pipeline.monitor() if change.is_terminal]
    assert [change.status for change in terminal] == ["completed"]
    for stage in (None, "first"):
        with pytest.raises(windlass.InvalidTransitionError):
            pipeline.retry(stage)
    with pytest.raises(windlass.InvalidArgumentError):
        pipeline.retry("nobody")


def test_a_pipeline_is_cancelled_whole(client: Client) -> None:
    pipeline = etl(client).execute()
    with pytest.raises(windlass.TaskTimeoutError):
        pipeline.wait(0.05)
    assert pipeline.status().status == "running"
    cancelled = pipeline.cancel()
    assert {stage.status for stage in cancelled.stages.values()} == {"cancelled"}
    assert cancelled.status == pipeline.wait(SOON).status == "cancelled"
    assert pipeline.cancel().status == "cancelled"
    assert pipeline.results() == {}
    assert [c.status for c in pipeline.monitor() if c.is_terminal] == ["cancelled"]


def test_pipelines_are_found_again(client: Client) -> None:
    pipeline = etl(client).execute()
    assert pipeline.pipeline_id is not None
    found = client.get_pipeline(pipeline.pipeline_id)
    assert (found.name, list(found.stages)) == ("etl", ["extract", "transform", "load"])
    assert found.stages["load"].depends_on == ("transform",)
    assert found.stages["load"].task_id == pipeline.stages["load"].task_id
    assert found.status() == pipeline.status()
    with pytest.raises(windlass.InvalidArgumentError):
        found.execute()
    other = client.create_pipeline("other")
    other.add_stage("only", 1)
    other.execute()
    listed = list(client.list_pipelines())
    assert [one.name for one in listed] == ["other", "etl"]
    assert [one.pipeline_id for one in listed] == [other.pipeline_id, pipeline.pipeline_id]
    assert (listed[1].total, listed[1].progress, listed[1].status) == (3, 0.0, "running")
    assert [one.name for one in client.list_pipelines({"team": "data"})] == ["etl"]
    assert [one.name for one in client.list_pipelines(limit=1)] == ["other"]
    other.cancel()
    assert [one.name for one in client.list_pipelines(status="cancelled")] == ["other"]
    # They are no tasks of a list, but their stages are.
    assert client.count_tasks().count == 4
    for nobody in ("01a1f8eb-2016-7659-bf31-42a9239b3c28", "nonsense"):
        with pytest.raises(windlass.PipelineNotFoundError):
            client.get_pipeline(nobody)


def test_one_key_is_one_pipeline(client: Client) -> None:
    def make(payload: int = 1) -> Pipeline:
        pipeline = client.create_pipeline("once", idempotency_key="night")
        pipeline.add_stage("only", payload)
        return pipeline

    first, again = make().execute(), make().execute()
    assert (again.pipeline_id, again.deduplicated) == (first.pipeline_id, True)
    assert again.stages["only"].task_id == first.stages["only"].task_id
    with pytest.raises(windlass.IdempotencyConflictError):
        make(2).execute()
    assert make(2).execute(idempotency_key="day").pipeline_id != first.pipeline_id


Build = Callable[[Pipeline], Any]
GRAPHS: list[tuple[Build, str, str]] = [
    (lambda p: p.add_stage("a", 1, ["b"]) and p.add_stage("b", 1, ["a"]), "depends_on", "a"),
    (lambda p: p.add_stage("self", 1, ["self"]), "depends_on", "self"),
    (lambda p: p.add_stage("a", 1, ["ghost"]), "depends_on", "ghost"),
    (lambda p: p.add_stage("twin", 1) and p.add_stage("twin", 2), "name", "twin"),
    (lambda p: p.add_stage("a", 1) and p.add_stage("b", 1, ["a", "a"]), "depends_on", "a"),
    (lambda p: None, "stages", ""),
    (lambda p: p.add_stage("", 1), "name", ""),
]


@pytest.mark.parametrize(("build", "field", "culprit"), GRAPHS)
def test_a_graph_that_makes_no_sense_is_refused_whole(
    client: Client, build: Build, field: str, culprit: str
) -> None:
    pipeline = client.create_pipeline("wrong")
    build(pipeline)
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        pipeline.execute()
    assert field in caught.value.field
    assert culprit in str(caught.value)
    assert pipeline.pipeline_id is None
    assert list(client.list_pipelines()) == []
    assert client.count_tasks().count == 0


def test_what_is_wrong_with_a_stage_is_told_at_once(client: Client) -> None:
    one, two = client.create_pipeline("one"), client.create_pipeline("two")
    foreign = one.add_stage("foreign", 1)
    with pytest.raises(windlass.InvalidArgumentError, match="another pipeline") as caught:
        two.add_stage("a", 1, [foreign])
    assert fields(caught.value) == ("invalid_argument", "depends_on")
    with pytest.raises(windlass.InvalidArgumentError):
        two.add_stage("a", 1, [1])  # type: ignore[list-item]
    with pytest.raises(windlass.InvalidPayloadError):
        two.add_stage("a", object())
    call = windlass.TaskCall(1, {"task_type": "t"})
    with pytest.raises(windlass.InvalidArgumentError):
        two.add_stage("a", 1, task=call)  # type: ignore[call-overload]
    assert two.stages == {}
    for verb in (one.status, one.wait, one.cancel, one.monitor, one.retry, one.results):
        with pytest.raises(windlass.InvalidArgumentError, match="not executed"):
            verb()
    one.execute()
    with pytest.raises(windlass.InvalidArgumentError, match="executed"):
        one.add_stage("late", 1)
    with pytest.raises(windlass.InvalidArgumentError, match="executed"):
        one.execute()
    for stage in ("nobody", two.add_stage("foreign", 1)):
        with pytest.raises(windlass.InvalidArgumentError, match="no stage"):
            one.task(stage)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"priority": 9}, "priority"),
    ({"timeout": -1}, "timeout_seconds"),
    ({"idempotency_key": "k"}, "idempotency_key"),
    ({"prio": 1}, "prio"),
]


@pytest.mark.parametrize(("given", "field"), OPTIONS)
def test_options_of_a_stage_are_those_of_a_task(
    client: Client, given: dict[str, Any], field: str
) -> None:
    pipeline = client.create_pipeline("wrong")
    pipeline.add_stage("good", 1)
    pipeline.add_stage("bad", 1, **given)
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        pipeline.execute()
    assert field in caught.value.field
    assert client.count_tasks().count == 0


def test_a_timeout_ends_the_whole(app: windlass.App) -> None:
    reached, go_on = threading.Event(), threading.Event()

    @app.task
    def slow(ctx: windlass.Context) -> None:
        reached.set()
        while not ctx.is_cancelled and not go_on.wait(0.02):
            pass

    pipeline = app.client.create_pipeline("slow")
    pipeline.add_stage("slow", {}, task_type="slow")
    pipeline.add_stage("after", {}, ["slow"], "slow")
    with app.worker().background():
        pipeline.execute(timeout=0.5)
        assert reached.wait(SOON)
        ended = pipeline.wait(SOON)
        go_on.set()
        assert ended.status == "failed"
        assert ended.error is not None
        assert ended.error.code == "task_timeout"
        assert pipeline.status().stages["after"].status == "cancelled"


def test_a_name_that_is_not_upstream_is_a_typed_key_error(working: windlass.App) -> None:
    found: dict[str, Any] = {}

    with TestApp() as app:

        @app.task
        def one() -> int:
            return 1

        @app.task
        def two(ctx: windlass.Context) -> None:
            upstream = ctx.upstream
            found["sync"] = (dict(upstream), "one" in upstream, "x" in upstream, len(upstream))
            with pytest.raises(windlass.MissingUpstreamError) as caught:
                upstream["x"]
            assert isinstance(caught.value, KeyError)
            assert "'x'" in str(caught.value)
            assert upstream.get("x", 5) == 5

        @app.task
        async def three(ctx: windlass.Context) -> None:
            upstream = ctx.upstream
            with pytest.raises(RuntimeError, match="names"):
                list(upstream)
            found["async"] = [name async for name in upstream]
            assert await upstream.names() == found["async"]
            assert "one" in upstream
            assert await upstream["one"] == 1
            with pytest.raises(KeyError):
                await upstream["x"]

        @app.task
        def alone(ctx: windlass.Context) -> None:
            found["alone"] = dict(ctx.upstream)

        pipeline = app.client.create_pipeline("names")
        first = pipeline.add_stage("one", task=one.bind())
        pipeline.add_stage("two", task=two.bind(), depends_on=[first])
        pipeline.add_stage("three", task=three.bind(), depends_on=[first])
        pipeline.execute()
        lonely = alone.submit()
        app.run_until_idle()
        assert pipeline.wait().status == "completed", app.story()
        lonely.result()
        assert found == {"sync": ({"one": 1}, True, False, 1), "async": ["one"], "alone": {}}


def test_upstream_of_a_task_is_read_from_outside(working: windlass.App) -> None:
    client = working.client
    pipeline = etl(client).execute()
    pipeline.wait(SOON)
    load = pipeline.stages["load"].task_id or ""
    assert client.upstream_names(load) == ["transform"]
    assert client.upstream(load, "transform")["count"] == 6
    with pytest.raises(windlass.MissingUpstreamError):
        client.upstream(load, "extract")
    with pytest.raises(windlass.TaskNotFoundError):
        client.upstream("01a1f8eb-2016-7659-bf31-42a9239b3c28", "extract")


def test_a_graph_is_drawn(client: Client) -> None:
    pipeline = client.create_pipeline("drawn")
    a = pipeline.add_stage('a "quoted"', 1)
    pipeline.add_stage("b", 1, [a])
    drawn = pipeline.to_mermaid()
    assert drawn.startswith("flowchart ")
    assert "-->" in drawn
    assert '"quoted"' not in drawn
    live = pipeline.execute().status().to_mermaid()
    assert "blocked" in live
    assert "pending" in live


async def test_coroutines_have_pipelines(working: windlass.App) -> None:
    client = working.async_client
    pipeline = client.create_pipeline("async")
    extract = pipeline.add_stage("extract", task=working.handlers["extract"].bind("s3"))
    transform = pipeline.add_stage("transform", {}, [extract], "transform")
    assert await pipeline.execute(priority="high", timeout=60) is pipeline
    changes = [change async for change in pipeline.monitor()]
    assert [change.is_terminal for change in changes].count(True) == 1
    assert [change async for change in pipeline.monitor(changes[1].seq)] == changes[2:]
    assert changes[-1].status == "completed"
    ended = await pipeline
    assert ended == await pipeline.wait(SOON) == await pipeline.status()
    assert await pipeline.result(extract) == Rows(3, "s3")
    assert (await pipeline.results())["transform"]["count"] == 6
    assert (await pipeline.result(transform))["stage"] == "transform"
    assert (await pipeline.cancel()).status == "completed"
    with pytest.raises(windlass.InvalidTransitionError):
        await pipeline.retry()
    assert pipeline.pipeline_id is not None
    found = await client.get_pipeline(pipeline.pipeline_id)
    assert list(found.stages) == ["extract", "transform"]
    assert [one.name for one in await client.list_pipelines()] == ["async"]
    assert [one.name async for one in client.list_pipelines(limit=1)] == ["async"]
    assert await client.upstream_names(transform.task_id or "") == ["extract"]
    assert (await client.upstream(transform.task_id or "", "extract"))["count"] == 3


async def test_a_cancelled_reader_leaves_the_pipeline_alone(url: str) -> None:
    async with AsyncClient(url) as client:
        pipeline = client.create_pipeline("alone")
        pipeline.add_stage("only", 1, task_type="work")
        await pipeline.execute()

        async def read() -> None:
            async for _ in pipeline.monitor():
                pass

        for waiting in (asyncio.create_task(pipeline.wait()), asyncio.create_task(read())):
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert (await pipeline.status()).status == "running"


WAITING = """
import windlass

pipeline = windlass.Client("memory:").create_pipeline("waits")
pipeline.add_stage("only", 1, task_type="nobody")
pipeline.execute()
try:
    print("waits", flush=True)
    HOW
except KeyboardInterrupt:
    print("interrupted", pipeline.status().status)
"""


@pytest.mark.parametrize("how", ["pipeline.wait()", "list(pipeline.monitor())"])
def test_ctrl_c_ends_a_wait(how: str, spawn: Spawn) -> None:
    import signal

    process = spawn(code=WAITING.replace("HOW", how))
    line(process, "waits")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, "interrupted running" in out) == (0, True), err


def test_an_app_under_test_runs_stages() -> None:
    with TestApp() as app:

        @app.task
        async def sleepy(ctx: windlass.Context, seconds: float) -> float:
            await asyncio.sleep(seconds)
            return seconds

        @app.task
        def total(ctx: windlass.Context) -> float:
            return sum(ctx.upstream.values())

        pipeline = app.client.create_pipeline("sleepy")
        parts = [pipeline.add_stage(f"s{n}", task=sleepy.bind(n * 60.0)) for n in range(1, 4)]
        summed = pipeline.add_stage("total", task=total.bind(), depends_on=parts)
        pipeline.execute()
        assert app.run_until_idle() == 4
        assert pipeline.wait().status == "completed"
        assert pipeline.result(summed) == 360.0
        assert [c.status for c in pipeline.monitor() if c.is_terminal] == ["completed"]

        late = app.client.create_pipeline("late")
        late.add_stage("long", task=sleepy.bind(3_600.0))
        late.add_stage("after", depends_on="long", task=total.bind())
        late.execute(timeout=600)
        began = app.clock.now()
        app.run_until_idle()
        ended = late.wait()
        assert (ended.status, ended.error and ended.error.code) == ("failed", "task_timeout")
        assert ended.finished_at is not None
        assert 600 <= (ended.finished_at - began).total_seconds() < 700


def test_a_thousand_stages_in_a_row_and_side_by_side() -> None:
    with TestApp() as app:

        @app.task
        def step(n: int) -> int:
            return n

        @app.task
        def fan_in(ctx: windlass.Context) -> int:
            return len(ctx.upstream)

        wide = app.client.create_pipeline("wide")
        root = wide.add_stage("root", task=step.bind(0))
        side = [wide.add_stage(f"s{n}", task=step.bind(n), depends_on=[root]) for n in range(300)]
        wide.add_stage("join", task=fan_in.bind(), depends_on=side)
        chain = app.client.create_pipeline("chain")
        before: windlass.Stage[int] | None = None
        for n in range(300):
            before = chain.add_stage(
                f"c{n}", task=step.bind(n), depends_on=[] if before is None else before
            )
        wide.execute()
        chain.execute()
        app.run_until_idle()
        assert wide.result("join") == 300
        assert chain.wait().completed == 300
        assert list(chain.results().values()) == list(range(300))


async def test_an_app_under_test_runs_beside_coroutines_that_wait() -> None:
    with TestApp() as app:

        @app.task
        async def part(ctx: windlass.Context, n: int) -> int:
            return n + sum([await ctx.upstream[name] async for name in ctx.upstream])

        client = app.async_client
        pipeline = client.create_pipeline("beside")
        one = pipeline.add_stage("one", task=part.bind(1))
        two = pipeline.add_stage("two", task=part.bind(2), depends_on=one)
        await pipeline.execute()
        async with client.open_batch() as batch:
            assert await batch.add(part.bind(n) for n in range(3)) == 3
        assert batch.handle is not None
        block = await client.submit_block([{"n": 1}], task_type="part")

        async def follow() -> list[str | None]:
            return [change.stage async for change in pipeline.monitor() if change.progress == 100]

        told, ended, counted, verdict, _ = await asyncio.gather(
            follow(), pipeline, batch.handle, block.result(), app.arun_until_idle()
        )
        assert told == ["two", None]
        assert (ended.status, counted.completed, verdict) == ("completed", 3, [1])
        assert await pipeline.result(two) == 3
        assert await client.get_state("none") is None
        assert await client.upstream_names(two.task_id or "") == ["one"]
        with pytest.raises(windlass.InvalidTransitionError):
            await pipeline.retry(one)

"""`windlass.testing`: handlers run by the test itself, on the real engine, with time by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import windlass
from conftest import PACKAGE, fields
from windlass.testing import ManualClock, NotIdleError, Server, TestApp, use

pytest_plugins = ["pytester", "windlass_pytest"]

START = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)


def seconds(clock: ManualClock) -> float:
    return (clock.now() - START).total_seconds()


def test_backoffs_delays_and_snoozes_pass_at_once(
    windlass_app: TestApp, windlass_clock: ManualClock
) -> None:
    runs: list[tuple[str, float]] = []

    @windlass_app.task(max_retries=3, retry={"initial_delay": 1.0, "exponential_base": 2.0})
    def flaky(ctx: windlass.Context) -> int:
        runs.append(("flaky", seconds(windlass_clock)))
        if ctx.attempt < 4:
            raise ConnectionError("boom")
        return ctx.attempt

    @windlass_app.task
    async def sleepy(ctx: windlass.Context) -> int:
        runs.append(("sleepy", seconds(windlass_clock)))
        if seconds(windlass_clock) < 7300:
            raise windlass.Snooze(3600)
        return ctx.attempt

    first, second = flaky.submit(), sleepy.options(delay=100).submit()
    began = time.monotonic()
    assert windlass_app.run_until_idle() == 7
    assert time.monotonic() - began < 5
    # 1, 2 and 4 s between the attempts: the middle of the jitter, drawn for tests.
    assert [at for name, at in runs if name == "flaky"] == [0, 1, 3, 7]
    assert [at for name, at in runs if name == "sleepy"] == [100, 3700, 7300]
    assert first.result() == 4
    # Snoozes are not counted.
    assert second.result() == 1
    assert windlass_app.run_until_idle() == 0


def test_what_coroutines_sleep_passes_at_once_and_in_order(windlass_app: TestApp) -> None:
    woke: list[tuple[int, float]] = []

    @windlass_app.task
    async def nap(hours: int) -> None:
        await asyncio.sleep(hours * 3600)
        woke.append((hours, seconds(windlass_app.clock)))

    nap.submit_many([{"hours": hours} for hours in (30, 1, 200)])
    windlass_app.run_until_idle()
    assert woke == [(1, 3600), (30, 30 * 3600), (200, 200 * 3600)]


def test_many_tasks_at_many_times_take_little_time(windlass_app: TestApp) -> None:
    ran: list[int] = []

    @windlass_app.task
    async def note(second: int) -> None:
        ran.append(second)

    for second in random.Random(1).sample(range(1, 1001), 1000):
        note.options(delay=second).submit(second)
    began = time.monotonic()
    assert windlass_app.run_until_idle() == 1000
    assert ran == list(range(1, 1001))
    assert seconds(windlass_app.clock) == 1000
    assert time.monotonic() - began < 5


def test_one_at_a_time_when_asked(windlass_app: TestApp) -> None:
    events: list[str] = []

    @windlass_app.task
    async def step(name: str) -> None:
        events.append(name)
        await asyncio.sleep(1)
        events.append(name)

    step.submit_many([("a",), ("b",)])
    windlass_app.run_until_idle(concurrency=1)
    assert events == ["a", "a", "b", "b"]
    step.submit_many([("a",), ("b",)])
    windlass_app.run_until_idle()
    assert events[4:] == ["a", "b", "a", "b"]


async def test_the_async_twin_runs_on_the_loop_of_the_test(windlass_app: TestApp) -> None:
    here = asyncio.get_running_loop()

    @windlass_app.task(max_retries=2, retry={"initial_delay": 60})
    async def flaky(ctx: windlass.Context) -> int:
        assert asyncio.get_running_loop() is here
        if ctx.attempt == 1:
            raise ConnectionError("boom")
        return 7

    @windlass_app.task
    def plain(number: int) -> int:
        return 2 * number

    first, second = await flaky.asubmit(), await plain.asubmit(4)
    assert await windlass_app.arun_until_idle() == 3
    assert (await first, await second) == (7, 8)
    assert seconds(windlass_app.clock) == 60
    await flaky.options(delay=10).asubmit()
    assert await windlass_app.arun_due() == 0
    with pytest.raises(RuntimeError, match="arun_until_idle"):
        windlass_app.run_until_idle()


def test_run_due_leaves_what_is_due_later(windlass_app: TestApp) -> None:
    runs: list[int] = []

    @windlass_app.task
    def note(number: int) -> None:
        runs.append(number)
        if number == 1:
            note.submit(2)
            note.options(delay=3600).submit(3)

    note.submit(1)
    assert windlass_app.run_due() == 2
    windlass_app.advance(dt.timedelta(minutes=59, seconds=59))
    assert windlass_app.run_due() == 0
    windlass_app.advance(1)
    assert [task.status for task in windlass_app.tasks()] == ["completed", "completed", "pending"]
    assert windlass_app.run_due() == 1
    assert runs == [1, 2, 3]


def test_an_app_that_exists_is_taken_over_and_given_back(tmp_path: Path) -> None:
    app = windlass.App(f"sqlite:{tmp_path / 'real.db'}")

    @app.task
    def double(number: int) -> int:
        return 2 * number

    with use(app) as test:
        handle = double.submit(4)
        assert [task.task_id for task in app.client.list_tasks()] == [handle.task_id]
        test.run_until_idle()
        assert handle.result() == 8
        assert not list(tmp_path.iterdir())
    # It was not connected before.
    assert app._native is None
    with app:
        real, before = double.submit(5), app.native
        with use(app) as test:
            assert test.tasks() == []
        assert app.native is before
        assert real.status().status == "pending"


def test_an_attempt_times_out_and_code_that_ignores_it_is_given_up(windlass_app: TestApp) -> None:
    ends: list[str] = []

    @windlass_app.task(timeout=5, max_retries=1)
    async def slow(ctx: windlass.Context) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ends.append(f"{ctx.cancel_reason} {ctx.attempt}")

    @windlass_app.task(timeout=5, max_retries=0)
    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(3)
            except asyncio.CancelledError:
                ends.append("ignored")

    @windlass_app.task(timeout=5, max_retries=0)
    def plain() -> str:
        windlass_app.clock.advance(6)
        return "too late"

    for handler in (slow, deaf, plain):
        handle = handler.submit()
        windlass_app.run_until_idle()
        with pytest.raises(windlass.TaskFailedError) as error:
            handle.result()
        assert error.value.error["code"] == "task_timeout"
    assert ends == ["timeout 1", "timeout 2", "ignored", "ignored"]
    # 5 + 1 + 5 s of the first, 5 s and 10 s of grace, 6 s.
    assert 31.9 < seconds(windlass_app.clock) < 32.1


def test_a_running_task_is_cancelled(windlass_app: TestApp) -> None:
    reasons: list[str | None] = []

    @windlass_app.task
    async def victim(ctx: windlass.Context) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            reasons.append(ctx.cancel_reason)

    @windlass_app.task
    async def killer(task_id: str) -> None:
        await asyncio.sleep(10)
        await windlass_app.async_client.cancel_task(task_id)

    handle = victim.submit()
    killer.submit(handle.task_id)
    windlass_app.run_until_idle()
    assert reasons == ["requested"]
    assert handle.status().status == "cancelled"
    assert seconds(windlass_app.clock) < 11


def test_outcomes_are_what_a_worker_makes_of_them(windlass_app: TestApp) -> None:
    @windlass_app.task(max_retries=5)
    def say(what: str) -> Any:
        match what:
            case "fail":
                raise windlass.Fail("for good")
            case "cancel":
                return windlass.Cancel("no need")
            case "odd":
                return object()
            case "deep":
                value: list[Any] = []
                for _ in range(200):
                    value = [value]
                return value
        return what

    def end(payload: Any) -> tuple[str, str | None, int]:
        submission = windlass_app.client.submit_task(payload, "say")
        windlass_app.run_until_idle()
        task = windlass_app.client.get_task(submission.task_id)
        return task.status, task.error and task.error.code, task.attempt

    assert end({"what": "fail"}) == ("failed", "handler_error", 1)
    assert end({"what": "cancel"}) == ("cancelled", "task_cancelled", 1)
    assert end({"what": "odd"}) == ("failed", "invalid_payload", 1)
    assert end({"what": "deep"}) == ("failed", "invalid_payload", 1)
    assert end({"wha": "?"}) == ("failed", "invalid_payload", 1)
    assert end({"what": "ok"}) == ("completed", None, 1)


def test_a_context_tells_and_is_told(windlass_app: TestApp) -> None:
    @windlass_app.task(timeout=30)
    async def work(ctx: windlass.Context) -> dict[str, Any]:
        await ctx.progress(50, "half")
        ctx.log("careful", level="warning")
        with pytest.raises(windlass.InvalidArgumentError) as error:
            ctx.progress(101)
        assert fields(error.value) == ("invalid_argument", "progress")
        assert ctx.deadline is not None
        return {
            "left": (ctx.deadline - windlass_app.clock.now()).total_seconds(),
            "labels": ctx.labels,
            "metadata": ctx.metadata,
            "key": ctx.idempotency_key,
        }

    handle = work.options(labels={"a": 1}, metadata={"b": [2]}, idempotency_key="k").submit()
    windlass_app.run_until_idle()
    wanted = {"left": 30, "labels": {"a": "1"}, "metadata": {"b": [2]}, "key": "k"}
    assert handle.result() == wanted
    history = windlass_app.history(handle)
    assert [(u.kind, u.progress, u.message) for u in history if u.kind != "status"] == [
        ("progress", 50, "half"),
        ("log", None, "careful"),
    ]
    assert [u.status for u in history if u.kind == "status"] == ["pending", "running", "completed"]


def test_a_lease_taken_by_hand_runs_out_and_its_token_with_it(windlass_app: TestApp) -> None:
    @windlass_app.task
    def work() -> str:
        return "mine"

    handle = work.submit()
    # Another worker, that dies.
    hand = windlass_app.client
    [lost] = hand.lease("other", handlers=["work"], lease_seconds=45)["tasks"]
    assert windlass_app.run_until_idle() == 1
    assert handle.result() == "mine"
    assert seconds(windlass_app.clock) >= 45
    task = {"task_id": handle.task_id, "token": lost["token"]}
    [late] = hand.settle([{**task, "outcome": "complete", "result": "theirs"}])
    assert isinstance(late, windlass.LeaseLostError)


def test_tasks_that_nothing_will_run_are_named_with_the_reason(windlass_app: TestApp) -> None:
    windlass_app.task(lambda: None, name="known")
    stored = windlass_app.client.submit_task({}, "unknown")
    with pytest.raises(NotIdleError, match="the app has no handler 'unknown'") as error:
        windlass_app.run_until_idle()
    assert [(why.task_id, why.status) for why in error.value.tasks] == [(stored.task_id, "pending")]


def test_a_task_that_goes_on_for_ever_is_named(windlass_app: TestApp) -> None:
    @windlass_app.task
    def again() -> None:
        raise windlass.Snooze(1)

    again.submit()
    with pytest.raises(NotIdleError, match=r"no end after 20 attempts\n  again .*: running"):
        windlass_app.run_until_idle(max_attempts=20)


def test_a_handler_that_waits_for_ever_is_named(windlass_app: TestApp) -> None:
    @windlass_app.task
    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    stuck.submit()
    with pytest.raises(NotIdleError, match=r"30 days on the clock\n  stuck .*: running"):
        windlass_app.run_until_idle()


async def test_a_handler_that_waits_for_ever_in_real_time_is_named(windlass_app: TestApp) -> None:
    @windlass_app.task
    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    stuck.submit()
    with pytest.raises(NotIdleError, match=r"nothing has ended for 0.05 s\n  stuck .*: running"):
        await windlass_app.arun_until_idle(patience=0.05)
    # It was given back, and can be run by another.
    assert [task.status for task in windlass_app.tasks()] == ["pending"]


def test_work_of_threads_takes_its_time_and_moves_the_clock_no_further(
    windlass_app: TestApp,
) -> None:
    go = threading.Event()

    @windlass_app.task(timeout=3600)
    async def threaded() -> bool:
        threading.Timer(0.1, go.set).start()
        return await asyncio.wait_for(asyncio.to_thread(go.wait, 30), timeout=600)

    handle = threaded.submit()
    windlass_app.run_until_idle()
    assert handle.result() is True
    assert 0.05 < seconds(windlass_app.clock) < 20


def test_a_plain_handler_runs_here_and_outside_any_loop(windlass_app: TestApp) -> None:
    threads: list[threading.Thread] = []

    @windlass_app.task
    def plain() -> str:
        threads.append(threading.current_thread())
        return asyncio.run(asyncio.sleep(0, "ran"))

    handle = plain.submit()
    windlass_app.run_until_idle()
    assert handle.result() == "ran"
    assert threads == [threading.current_thread()]


def test_a_wait_that_would_never_end_is_refused(windlass_app: TestApp) -> None:
    @windlass_app.task
    def work() -> int:
        return 1

    handle = work.submit()
    for wait in (
        handle.result,
        lambda: windlass_app.client.wait_for_task(handle.task_id),
        lambda: list(handle.updates()),
    ):
        with pytest.raises(RuntimeError, match="run it first"):
            wait()
    with pytest.raises(RuntimeError, match="run it first"):
        asyncio.run(handle.aresult())
    with pytest.raises(windlass.TaskTimeoutError):
        handle.result(timeout=0)
    windlass_app.run_until_idle()
    assert handle.result() == 1
    assert [update.kind for update in handle.updates()] == ["status"] * 3


async def test_handlers_and_tests_may_wait_for_tasks_while_they_are_run(
    windlass_app: TestApp,
) -> None:
    @windlass_app.task
    async def countdown(number: int) -> int:
        if number == 0:
            return 0
        return 1 + await (await countdown.asubmit(number - 1))

    handle = countdown.submit(5)

    async def follow() -> list[str]:
        return [update.status async for update in handle.updates()]

    answer, seen, attempts = await asyncio.gather(handle, follow(), windlass_app.arun_until_idle())
    assert (answer, seen, attempts) == (5, ["pending", "running", "completed"], 6)


async def test_a_wait_in_a_handler_times_out_on_its_loop(windlass_app: TestApp) -> None:
    @windlass_app.task
    async def parent() -> str:
        child = await windlass_app.async_client.submit_task({}, "never", delay=600)
        try:
            await windlass_app.async_client.wait_for_task(child.task_id, timeout=300)
        except windlass.TaskTimeoutError as error:
            assert error.timeout_seconds == 300
            await windlass_app.async_client.cancel_task(child.task_id)
        return "gave up"

    handle = parent.submit()
    await asyncio.to_thread(windlass_app.run_until_idle)
    assert await handle == "gave up"
    assert 300 <= seconds(windlass_app.clock) < 301


def test_bad_input_is_refused(windlass_app: TestApp) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as error:
        windlass_app.run_until_idle(concurrency=0)
    assert fields(error.value) == ("invalid_argument", "concurrency")
    with pytest.raises(windlass.InvalidArgumentError) as error:
        use(windlass_app)
    assert fields(error.value) == ("invalid_argument", "app")
    with pytest.raises(windlass.InvalidArgumentError) as error:
        windlass_app.advance(-1)
    assert fields(error.value) == ("invalid_argument", "seconds")
    with pytest.raises(RuntimeError, match="in memory"):
        windlass_app.connect_to("sqlite:x.db")
    with pytest.raises(RuntimeError, match="no workers"):
        windlass_app.worker(concurrency=2)
    with pytest.raises(AttributeError):
        windlass.testing.Nonsense  # noqa: B018


def test_apps_under_test_share_nothing() -> None:
    with TestApp() as one, TestApp() as other:
        one.task(lambda: 1, name="work").submit()
        assert (len(one.tasks()), len(other.tasks())) == (1, 0)
        one.advance(60)
        assert other.clock.now() == START


def test_neither_the_package_nor_the_plugin_pays_for_tests() -> None:
    code = """
import sys
import windlass_pytest
assert "windlass" not in sys.modules
import windlass
assert not {"windlass._rehearsal", "windlass._simulation"} & sys.modules.keys()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


FAILING = """
import windlass
from windlass.testing import use

app = windlass.App("sqlite:never.db")

@app.task(max_retries=1)
def charge(ctx, account):
    ctx.progress(30, "asking the bank")
    ctx.log("no answer", level="warning")
    raise ConnectionError("bank is closed")

def test_passes(windlass_app):
    windlass_app.client.submit_task({}, "unseen")

def test_fixture(windlass_app, windlass_clock):
    assert windlass_app.clock is windlass_clock
    windlass_app.handlers["charge"] = charge
    handle = windlass_app.client.submit_task({"account": "a1"}, "charge")
    windlass_app.run_until_idle()
    assert windlass_app.client.get_task(handle.task_id).status == "completed"

def test_used():
    with use(app) as test:
        charge.options(labels={"a": "b"}).submit(account="a2")
        test.run_until_idle()
        assert False

def test_plain():
    assert False
"""


def test_a_failed_test_shows_what_happened_to_its_tasks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_inprocess("-p", "windlass_pytest", "-p", "no:asyncio")
    result.assert_outcomes(passed=1, failed=3)
    text = result.stdout.str()
    sections = text.split(" Windlass tasks ")
    assert len(sections) == 3
    for section, account in zip(sections[1:], ("a1", "a2"), strict=True):
        for line in (
            f'payload {{"account":"{account}"}}',
            "0.000s  running, attempt 1",
            "0.000s  progress 30 % asking the bank",
            "0.000s  warning: no answer",
            "0.000s  scheduled: ConnectionError: bank is closed",
            "1.000s  running, attempt 2",
            "1.000s  failed: ConnectionError: bank is closed",
            "  |     raise ConnectionError(",
        ):
            assert line in section, section
    assert "unseen" not in text
    assert not Path("never.db").exists()


def test_the_fixtures_are_an_entry_point_of_the_package() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nwindlass_pytest = "windlass_pytest"\n' in text
    assert 'py-modules = ["windlass_pytest"]' in text


def test_a_server_is_there_as_a_fixture(windlass_server: Server) -> None:
    app = windlass.App(windlass_server.url)

    @app.task
    def double(n: int) -> int:
        return 2 * n

    with app.worker().background():
        assert double.submit(21).result(timeout=10) == 42
    # A store in memory is the server's own.
    with Server("memory:") as other:
        assert windlass.Client(other.url).counts() == []


def test_a_batch_cancelled_in_a_run_stops_what_runs(windlass_app: TestApp) -> None:
    stopped: list[str] = []

    @windlass_app.task
    async def endless(n: int) -> None:
        try:
            await asyncio.sleep(1_000_000)
        finally:
            stopped.append(f"endless {n}")

    @windlass_app.task
    async def stop(batch_id: str) -> str:
        await asyncio.sleep(10)
        return (await windlass_app.async_client.cancel_batch(batch_id)).status

    handles = endless.submit_many([(1,), (2,)])
    batch_id = windlass_app.client.get_task(handles[0].task_id).batch_id
    assert batch_id is not None
    stop.submit(batch_id)
    windlass_app.run_until_idle()
    assert sorted(stopped) == ["endless 1", "endless 2"]
    assert windlass_app.client.get_batch(batch_id).counts == {"cancelled": 2}


def test_a_paused_queue_is_left_until_it_goes_on(windlass_app: TestApp) -> None:
    client = windlass_app.client

    @windlass_app.task
    def double(n: int) -> int:
        return 2 * n

    client.pause_queue("default")
    handle = double.submit(21)
    with pytest.raises(NotIdleError) as caught:
        windlass_app.run_until_idle()
    assert [why.reason for why in caught.value.tasks] == ["paused"]
    client.resume_queue("default")
    windlass_app.run_until_idle()
    assert handle.result() == 42

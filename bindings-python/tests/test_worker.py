"""Workers: outcomes, retries, timeouts, cancellation, drains."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import windlass
from windlass import Cancel, Context, Fail, Retry, Snooze

WAIT = 20


def until(fact: Callable[[], bool], seconds: float = WAIT) -> None:
    """Waits for a fact that has no event."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(params=["def", "async def"])
def handler(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a handler of either kind from a plain function."""

    def make(app: windlass.App, fn: Callable[..., Any], **options: Any) -> Any:
        if request.param == "def":
            return app.task(**options)(fn)

        import functools

        @functools.wraps(fn)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return fn(*args, **kwargs)

        return app.task(**options)(coroutine)

    return make


FAST = {"initial_delay": 0.01, "jitter": 0}


def test_a_failed_attempt_is_retried_by_the_policy(app: windlass.App, handler: Any) -> None:
    attempts: list[int] = []

    def flaky(ctx: Context) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            raise OSError("not yet")
        return "done"

    task = handler(app, flaky, retry=FAST)
    with app.worker().background():
        handle = task.submit()
        assert handle.result(timeout=WAIT) == "done"
    assert attempts == [1, 2, 3]
    messages = [u.message for u in handle.updates() if u.status == "scheduled"]
    assert messages == ["not yet", "not yet"]
    assert app.client.get_task(handle.task_id).retry_count == 2


def test_a_task_that_fails_for_good_says_why(app: windlass.App, handler: Any) -> None:
    # ERR-10
    def broken() -> None:
        raise KeyError("lost")

    task = handler(app, broken, max_retries=1, retry=FAST)
    with app.worker().background():
        handle = task.submit()
        with pytest.raises(windlass.TaskFailedError) as caught:
            handle.result(timeout=WAIT)
    error = caught.value.error
    assert (error["code"], error["error_type"]) == ("handler_error", "KeyError")
    assert "lost" in str(error["message"])
    trace = str(error["traceback"])
    assert "in broken" in trace
    assert "windlass/_" not in trace
    assert app.client.get_task(handle.task_id).attempt == 2


def test_what_is_given_at_submit_goes_before_what_is_declared(
    app: windlass.App, handler: Any
) -> None:
    def broken() -> None:
        raise OSError

    task = handler(app, broken, max_retries=3, retry=FAST)
    with app.worker().background():
        handle = task.options(max_retries=0).submit()
        assert app.client.wait_for_task(handle.task_id, WAIT).status == "failed"
    assert app.client.get_task(handle.task_id).attempt == 1


class FatalError(Exception):
    retryable = False


@pytest.mark.parametrize("raises", [True, False])
def test_a_handler_can_say_what_becomes_of_its_task(
    app: windlass.App, handler: Any, raises: bool
) -> None:
    def say(what: str, ctx: Context) -> Any:
        outcome: Exception
        if what == "retry" and ctx.attempt == 1:
            outcome = Retry("again", after=0.01)
        elif what == "snooze" and time.monotonic() < snoozed + 0.1:
            outcome = Snooze(0.1)
        elif what == "cancel":
            outcome = Cancel("not needed")
        elif what == "fail":
            outcome = Fail("for good")
        elif what == "fatal":
            raise FatalError("for good")
        else:
            return ctx.attempt
        if raises:
            raise outcome
        return outcome

    snoozed = time.monotonic()
    task = handler(app, say, max_retries=2)
    with app.worker().background():
        handles = {w: task.submit(w) for w in ("retry", "snooze", "cancel", "fail", "fatal")}
        ids = [handle.task_id for handle in handles.values()]
        statuses = dict(zip(handles, app.client.wait_for_batch(ids, WAIT), strict=True))
    assert {what: status.status for what, status in statuses.items()} == {
        "retry": "completed",
        "snooze": "completed",
        "cancel": "cancelled",
        "fail": "failed",
        "fatal": "failed",
    }
    assert statuses["retry"].result == 2
    # A snooze is no attempt.
    assert statuses["snooze"].result == 1
    for what in ("fail", "fatal"):
        assert str(statuses[what].error) == "for good"
        assert app.client.get_task(ids[list(handles).index(what)]).attempt == 1
    cancelled = list(handles["cancel"].updates())[-1]
    assert cancelled.message == "not needed"


class Shrug(windlass.Outcome):
    def _settle(self) -> tuple[object, ...]:
        raise ZeroDivisionError("says nothing")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Retry(after=-1), "invalid_argument"),
        (Snooze(float("nan")), "invalid_argument"),
        (Retry(after="x"), "invalid_argument"),  # type: ignore[arg-type]
        (windlass.Outcome("?"), "handler_error"),
        (Shrug(), "handler_error"),
    ],
)
def test_an_outcome_that_makes_no_sense_fails_its_own_task_only(
    app: windlass.App, handler: Any, outcome: windlass.Outcome, code: str
) -> None:
    def say(wrong: bool) -> str:
        if wrong:
            raise outcome
        return "fine"

    task = handler(app, say)
    with app.worker().background():
        handles = task.submit_many([(i == 5,) for i in range(10)])
        statuses = app.client.wait_for_batch(handles.task_ids, WAIT)
    assert [status.status for status in statuses].count("completed") == 9
    assert statuses[5].error is not None
    assert statuses[5].error.code == code


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), MemoryError()])
def test_whatever_a_handler_raises_the_worker_goes_on(
    app: windlass.App, error: BaseException
) -> None:
    @app.task(max_retries=0)
    def leaves() -> None:
        raise error

    @app.task(max_retries=0)
    async def aleaves() -> None:
        raise SystemExit(3)

    @app.task
    async def fine() -> int:
        return 1

    with app.worker().background():
        for task in (leaves, aleaves):
            status = app.client.wait_for_task(task.submit().task_id, WAIT)
            assert status.status == "failed"
        assert fine.submit().result(timeout=WAIT) == 1


@pytest.mark.parametrize(
    "result", [object(), float("nan"), {1, object()}, "\ud800", {1: 1, "1": 2}]
)
def test_a_result_without_a_form_fails_the_task_at_once(
    app: windlass.App, handler: Any, result: Any
) -> None:
    task = handler(app, lambda: result, name="give")
    with app.worker().background():
        status = app.client.wait_for_task(task.submit().task_id, WAIT)
    assert status.status == "failed"
    assert status.error is not None
    assert (status.error.code, status.error.retryable) == ("invalid_payload", False)
    assert "result" in str(status.error)


def test_a_result_that_is_too_large_fails_the_task(app: windlass.App, handler: Any) -> None:
    task = handler(app, lambda: "x" * (1 << 20), name="give")
    with app.worker().background():
        status = app.client.wait_for_task(task.submit().task_id, WAIT)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.code == "payload_too_large"


def test_a_type_without_a_handler_waits_unharmed(app: windlass.App, handler: Any) -> None:
    task = handler(app, lambda: None, name="known")
    with app.worker().background():
        other = app.client.submit_task(1, "unknown")
        task.submit().result(timeout=WAIT)
        assert app.client.why(other.task_id).reason == "no_worker"
        assert app.client.get_task(other.task_id).attempt == 0


def test_a_coroutine_past_its_timeout_is_cancelled(app: windlass.App) -> None:
    seen: list[str] = []

    @app.task(timeout=0.1, max_retries=0)
    async def slow(ctx: Context) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(str(ctx.cancel_reason))
            raise

    with app.worker().background():
        status = app.client.wait_for_task(slow.submit().task_id, WAIT)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.code == "task_timeout"
    assert seen == ["timeout"]


def test_a_plain_handler_is_told_of_its_timeout(app: windlass.App) -> None:
    @app.task(max_retries=0)
    def slow(ctx: Context) -> None:
        assert ctx.deadline is not None
        until(lambda: ctx.is_cancelled)

    with app.worker().background():
        handle = slow.options(timeout=0.1).submit()
        status = app.client.wait_for_task(handle.task_id, WAIT)
    assert status.error is not None
    assert (status.status, status.error.code) == ("failed", "task_timeout")


@pytest.mark.parametrize("cleans_up", [True, False])
def test_a_running_coroutine_is_cancelled_at_once(app: windlass.App, cleans_up: bool) -> None:
    running = threading.Event()
    cleaned: list[str] = []

    @app.task
    async def endless(ctx: Context) -> None:
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            if cleans_up:
                await asyncio.sleep(0.01)
                cleaned.append(str(ctx.cancel_reason))

    with app.worker().background():
        handle = endless.submit()
        assert running.wait(WAIT)
        start = time.monotonic()
        # As it stands then: a quick worker has ended it by the time of the answer.
        assert handle.cancel().status in ("running", "cancelled")
        assert app.client.wait_for_task(handle.task_id, WAIT).status == "cancelled"
        assert time.monotonic() - start < 5
    assert cleaned == (["requested"] if cleans_up else [])


def test_a_running_plain_handler_is_told_to_stop(app: windlass.App) -> None:
    running = threading.Event()

    @app.task
    def endless(ctx: Context) -> None:
        running.set()
        until(lambda: ctx.is_cancelled)
        assert ctx.cancel_reason == "requested"
        raise Cancel

    with app.worker().background():
        handle = endless.submit()
        assert running.wait(WAIT)
        handle.cancel()
        with pytest.raises(windlass.TaskCancelledError):
            handle.result(timeout=WAIT)


def test_a_handler_that_finishes_anyway_is_completed(app: windlass.App) -> None:
    running = threading.Event()

    @app.task
    async def stubborn() -> str:
        running.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "finished"
        return "never"

    with app.worker().background():
        handle = stubborn.submit()
        assert running.wait(WAIT)
        handle.cancel()
        assert handle.result(timeout=WAIT) == "finished"


def test_a_coroutine_that_cancels_itself_has_failed(app: windlass.App) -> None:
    @app.task(max_retries=0)
    async def confused() -> None:
        raise asyncio.CancelledError

    with app.worker().background():
        status = app.client.wait_for_task(confused.submit().task_id, WAIT)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.error_type == "CancelledError"


def test_code_that_ignores_its_cancellation_is_given_up_and_replaced(
    app: windlass.App, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    @app.task(timeout=0.1, max_retries=0)
    def hangs() -> None:
        release.wait()

    @app.task
    def quick() -> int:
        return 1

    with app.worker(concurrency=1, cancel_grace=0.2).background() as worker:
        handle = hangs.submit()
        status = app.client.wait_for_task(handle.task_id, WAIT)
        assert status.error is not None
        assert status.error.code == "task_timeout"
        until(lambda: worker.abandoned == 1)
        # Its slot is given to others.
        assert quick.submit().result(timeout=WAIT) == 1
        release.set()
        until(lambda: worker.abandoned == 0)
        assert quick.submit().result(timeout=WAIT) == 1
    assert handle.status().status == "failed"
    assert "given up" in caplog.text


def test_a_coroutine_that_ignores_its_cancellation_is_given_up(app: windlass.App) -> None:
    release = threading.Event()

    @app.task(timeout=0.1, max_retries=0)
    async def hangs() -> None:
        while not release.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    @app.task
    async def quick() -> int:
        return 1

    with app.worker(concurrency=1, cancel_grace=0.2).background() as worker:
        status = app.client.wait_for_task(hangs.submit().task_id, WAIT)
        assert status.status == "failed"
        assert quick.submit().result(timeout=WAIT) == 1
        release.set()
        until(lambda: worker.abandoned == 0)


def test_no_more_than_the_concurrency_runs_at_once(app: windlass.App, handler: Any) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def busy() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    task = handler(app, busy)
    with app.worker(concurrency=3).background():
        handles = task.submit_many([{}] * 30)
        app.client.wait_for_batch(handles.task_ids, WAIT)
    assert most[0] <= 3


def test_plain_handlers_run_side_by_side(app: windlass.App) -> None:
    together = threading.Barrier(4)

    @app.task
    def meet() -> int:
        together.wait(WAIT)
        return 1

    with app.worker(concurrency=4).background():
        handles = meet.submit_many([{}] * 4)
        assert [status.result for status in app.client.wait_for_batch(handles.task_ids, WAIT)] == [
            1
        ] * 4


def test_coroutines_run_side_by_side(app: windlass.App) -> None:
    met: list[int] = []

    @app.task
    async def meet(i: int) -> None:
        met.append(i)
        while len(met) < 50:
            await asyncio.sleep(0.001)

    with app.worker(concurrency=50).background():
        handles = meet.submit_many([(i,) for i in range(50)])
        statuses = app.client.wait_for_batch(handles.task_ids, WAIT)
    assert {status.status for status in statuses} == {"completed"}


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outer")


def test_what_one_task_sets_the_next_does_not_see(memory_app: windlass.App, handler: Any) -> None:
    def peek() -> str:
        before = variable.get()
        variable.set("changed")
        return before

    task = handler(memory_app, peek)
    with memory_app.worker(concurrency=1).background():
        handles = task.submit_many([{}] * 5)
        statuses = memory_app.client.wait_for_batch(handles.task_ids, WAIT)
    assert {status.result for status in statuses} == {"outer"}


async def test_it_runs_on_a_loop_of_one_s_own(app: windlass.App) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @app.task
    async def where() -> str:
        loops.append(asyncio.get_running_loop())
        async with asyncio.timeout(5) if hasattr(asyncio, "timeout") else asyncio.Lock():
            return (await asyncio.to_thread(threading.current_thread)).name

    worker = app.worker()
    running = asyncio.ensure_future(worker.run_async())
    handle = await where.asubmit()
    assert "asyncio" in await handle
    assert loops == [asyncio.get_running_loop()]
    worker.drain()
    await asyncio.wait_for(running, WAIT)
    with pytest.raises(RuntimeError, match="run before"):
        await worker.run_async()


async def test_cancelling_run_async_drains_first(app: windlass.App) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    @app.task
    async def busy() -> str:
        began.set()
        await release.wait()
        return "finished"

    running = asyncio.ensure_future(app.worker().run_async())
    handle = await busy.asubmit()
    # Its status says no more than that it is leased: what has not begun is handed back.
    await began.wait()
    running.cancel()
    await asyncio.sleep(0.05)
    assert not running.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await handle == "finished"


def test_a_drain_finishes_what_runs_and_leaves_the_rest(app: windlass.App, handler: Any) -> None:
    running, release = threading.Event(), threading.Event()

    def busy() -> str:
        running.set()
        assert release.wait(WAIT)
        return "finished"

    task = handler(app, busy)
    worker = app.worker(concurrency=1)
    worker.start()
    first, second = task.submit(), task.submit()
    assert running.wait(WAIT)
    worker.drain()
    release.set()
    worker.shutdown(WAIT)
    assert first.status().status == "completed"
    left = app.client.get_task(second.task_id)
    assert (left.status, left.attempt) == ("pending", 0)


def test_a_drain_past_its_grace_hands_back_uncounted(app: windlass.App) -> None:
    running = threading.Event()

    @app.task
    async def endless() -> None:
        running.set()
        await asyncio.Event().wait()

    worker = app.worker(drain_grace=0.1)
    worker.start()
    handle = endless.submit()
    assert running.wait(WAIT)
    worker.shutdown(WAIT)
    task = app.client.get_task(handle.task_id)
    assert (task.status, task.attempt) == ("pending", 0)


def test_a_worker_whose_client_is_closed_ends(memory_app: windlass.App) -> None:
    @memory_app.task
    async def nothing() -> None: ...

    worker = memory_app.worker()
    worker.start()
    memory_app.close()
    worker.shutdown(WAIT)
    assert worker._ended.is_set()


def test_it_tells_what_it_does(app: windlass.App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "windlass")

    @app.task
    def nothing() -> None: ...

    worker = app.worker(worker_id="w-1", metadata={"zone": "a"})
    assert worker.id is None
    with worker.background():
        nothing.submit().result(timeout=WAIT)
        assert worker.id == "w-1"
        assert (worker.running, worker.abandoned) == (0, 0)
    assert "'nothing'" in caplog.text

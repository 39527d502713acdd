"""An app under test: its store in memory, its time by hand, its tasks run by the caller."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from windlass import _bridge, _forms, _history, _native
from windlass._inline import InlineNative, ignore
from windlass._stage import Stage
from windlass._trial import Trial
from windlass._verbs import Listing, matching, pages
from windlass._virtual_loop import StandstillError, VirtualLoop
from windlass.app import App
from windlass.async_client import AsyncClient
from windlass.client import Client
from windlass.connection import connect
from windlass.handle import TaskHandle
from windlass.options import Seconds, invalid
from windlass.task import Task, TaskUpdate, Why
from windlass.testing import ManualClock
from windlass.worker import _by_name

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from windlass.connection import ConnectOptions

T = TypeVar("T")

#: Attempts of one `run_until_idle`, unless told otherwise.
MOST_ATTEMPTS = 10_000
#: How long, by the real clock, nothing may come to an end.
PATIENCE = 30.0
#: Handlers that run at once, as a worker's default.
CONCURRENCY = 8
_OPEN = ("blocked", "scheduled", "pending", "running")

#: Apps under test that are open, and histories of those that closed with an error: what the pytest
#: plugin shows.
apps: list[TestApp] = []
failed: list[str] = []


class NotIdleError(AssertionError):
    """Tasks are left that cannot end, or that go on and on. `tasks` says why, for each."""

    def __init__(self, message: str, tasks: list[Why]) -> None:
        super().__init__(message)
        #: Why each of them does not end.
        self.tasks = tasks


class TestApp(App):
    """An `App` for tests: a private store in memory, a clock that is moved by hand, and
    `run_until_idle` instead of a worker. Options are those of `App`.

    Everything but the worker is what runs in production: the store, leases, retries, the binding of
    payloads, outcomes. `use` puts a `TestApp` under an app that exists.
    """

    #: Not a class of tests.
    __test__ = False

    def __init__(self, **options: Unpack[ConnectOptions]) -> None:
        super().__init__("memory:", **options)
        #: The time.
        self.clock = options.get("clock") or ManualClock()
        self._options["clock"] = self.clock
        self._options["seedless_jitter"] = True
        # A queue that is full stays full while nothing moves.
        self._options["patience"] = 0.0
        self.began = self.clock.now()
        self._real = connect("memory:", self._options)
        self._inline = InlineNative(self._real)
        self._native = cast(_native.Client, self._inline)
        self._hands = _native.Hands(self._real)
        #: The apps whose handlers run.
        self._actors: list[App] = [self]
        self._last = 0
        apps.append(self)

    def run_until_idle(
        self,
        *,
        concurrency: int = CONCURRENCY,
        max_attempts: int = MOST_ATTEMPTS,
        patience: float = PATIENCE,
    ) -> int:
        """Runs tasks in this thread until none is left, moving the clock to whatever is due next.

        Returns the number of attempts made. Delays, backoffs and snoozes pass at once, and so does
        what coroutine handlers sleep. A task that fails is no error here: look at its handle.

        Raises `NotIdleError` when tasks are left that cannot run, when there is no end after
        `max_attempts`, or when nothing has ended for `patience` seconds of real time.
        """
        return self._run(concurrency, max_attempts, patience, moves=True)

    async def arun_until_idle(
        self,
        *,
        concurrency: int = CONCURRENCY,
        max_attempts: int = MOST_ATTEMPTS,
        patience: float = PATIENCE,
    ) -> int:
        """The same on the running loop. What coroutine handlers sleep there takes real time."""
        return await self._drive(concurrency, max_attempts, patience, moves=True)

    def run_due(
        self,
        *,
        concurrency: int = CONCURRENCY,
        max_attempts: int = MOST_ATTEMPTS,
        patience: float = PATIENCE,
    ) -> int:
        """Runs what is due now, and what that makes due; what waits for a later time is left."""
        return self._run(concurrency, max_attempts, patience, moves=False)

    async def arun_due(
        self,
        *,
        concurrency: int = CONCURRENCY,
        max_attempts: int = MOST_ATTEMPTS,
        patience: float = PATIENCE,
    ) -> int:
        """The same on the running loop."""
        return await self._drive(concurrency, max_attempts, patience, moves=False)

    def advance(self, seconds: Seconds) -> None:
        """Moves the clock forward, and does what a worker's process does as time passes: due tasks
        become pending, expired leases are taken back. Runs nothing.
        """
        self.clock.advance(seconds)
        self._hands.sweep()

    def tasks(self, status: str | None = None, task_type: str | None = None) -> list[Task]:
        """The tasks, oldest first."""
        client = Client._over(self._real)
        return list(client.list_tasks(status=status, task_type=task_type))[::-1]

    def history(self, task: Task | TaskHandle[Any] | str) -> list[TaskUpdate]:
        """Everything that happened to a task, oldest first."""
        return _history.entries(self._real, _id(task))

    def story(self) -> str:
        """What happened to every task, as text: statuses, attempts, progress, logs, errors."""
        return _history.of_tasks(self._real, self.tasks(), self.began)

    @property
    def client(self) -> Client:
        """A blocking client on the app's store; the verbs of `Hands` play another worker."""
        client = super().client
        client.__dict__["_hands"] = self._hands
        return client

    @property
    def async_client(self) -> AsyncClient:
        """A client for coroutines on the app's store."""
        client = super().async_client
        client.__dict__["_hands"] = self._hands
        return client

    def worker(self, **_: Any) -> NoReturn:
        """Refused: no worker is needed."""
        raise RuntimeError("a TestApp has no workers: run_until_idle() runs its tasks")

    def connect_to(
        self, url: str | None = None, tenant: str | None = None, api_key: str | None = None
    ) -> None:
        """Refused: a `TestApp` has its store."""
        raise RuntimeError("a TestApp keeps its store in memory")

    def close(self) -> None:
        """Releases the store."""
        if self in apps:
            apps.remove(self)
        self._real.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None and self.tasks():
            failed.append(self.story())
            # Without the plugin nobody takes them away.
            del failed[:-5]
        self.close()

    def __repr__(self) -> str:
        return "TestApp()"

    def _run(self, concurrency: int, attempts: int, patience: float, *, moves: bool) -> int:
        _bridge.refuse_in_loop("`await arun_until_idle()` or `await arun_due()`")
        work = self._drive(concurrency, attempts, patience, moves=moves)
        what = f"nothing has ended for {patience:g} s"
        attempts_made: int = run_on(
            VirtualLoop(self.clock), work, lambda: self._stuck(self._open(), what)
        )
        return attempts_made

    async def _drive(self, concurrency: int, attempts: int, patience: float, *, moves: bool) -> int:
        if concurrency < 1:
            raise invalid("concurrency", f"must be at least 1, not {concurrency}")
        if self._inline.is_driven:
            raise RuntimeError("the tasks of this app are being run already")
        stage = Stage(self, concurrency, attempts, patience)
        self._inline.is_driven = True
        self._inline.submitted = self._inline.touched = stage.wake
        try:
            while await stage.turn(moves):
                pass
        finally:
            self._inline.is_driven = False
            self._inline.submitted = self._inline.touched = ignore
            await stage.clear()
        left = self._open()
        if not moves:
            left = [task for task in left if task.status not in ("scheduled", "running")]
        if left:
            raise self._stuck(left, "tasks are left that nothing will run")
        return stage.attempts

    def _lease(
        self, worker: str, limit: int, seconds: float, suspects: bool
    ) -> tuple[list[Trial], bool]:
        """Takes what is due, of every queue and handler; whether a suspect waits to be alone."""
        handlers = {}
        for app in self._actors:
            handlers.update(_by_name(app))
        queues = sorted({count["queue"] for count in json.loads(self._real.counts())})
        if not handlers or not queues:
            return [], False
        text = self._hands.lease(
            worker=worker,
            queues=queues,
            handlers=list(handlers),
            limit=min(limit, 1000),
            lease_seconds=seconds,
            wait_seconds=0.0,
            suspects=suspects,
        )
        trials = []
        answer = json.loads(text)
        for leased in answer["tasks"]:
            self._last += 1
            handler = handlers[leased["task"]["handler"]]
            compose = self._inline.compose()
            trials.append(Trial(self._hands, compose, self.clock, handler, leased, self._last))
        return trials, answer["suspect_waiting"]

    def _open(self) -> list[Task]:
        return [task for status in _OPEN for task in self.tasks(status)]

    def _dues(self, but_of: str | None = None) -> list[dt.datetime]:
        """When things fall due by themselves, soonest first: starts, and ends of leases, but not
        those of the worker `but_of`.
        """
        found: list[dt.datetime] = [task.run_at for task in self.tasks("scheduled")]
        for task in self.tasks("running"):
            lease = task.record["lease"]
            if lease["worker"] != but_of:
                found.append(_forms.instant(lease["expires_at"]))
        for kind in ("pipeline", "block"):
            # A task that stands for others has a deadline of its own, and no lease.
            for task in self._listed("running", kind):
                if (timeout := task.record["timeout_seconds"]) is not None:
                    found.append(task.run_at + dt.timedelta(seconds=timeout))
        return sorted(found)

    def _listed(self, status: str, kind: str) -> Iterator[Task]:
        given = {**matching(None, status, None, None, None, None, None, None), "kind": kind}
        listing = Listing(given, None, Task)
        return pages(self._real, listing, json.loads(self._real.list(**listing.request())))

    def _until(self, due: dt.datetime) -> float:
        # What is overdue was left by the sweep: a millisecond later it is not.
        return max(0.001, (due - self.clock.now()).total_seconds())

    def _stuck(self, tasks: list[Task], what: str) -> NotIdleError:
        known = {name for app in self._actors for name in _by_name(app)}
        whys = []
        lines = [f"not idle: {what}"]
        for task in tasks:
            why = Why(json.loads(self._real.why(task.task_id)))
            whys.append(why)
            text = why.text
            if why.reason == "no_worker":
                handler = task.record["handler"]
                text = "waits for a free slot"
                if handler not in known:
                    text = (
                        f"the app has no handler {handler!r}" if handler else "no default handler"
                    )
            if len(lines) <= 10:
                lines.append(f"  {task.task_type} {task.task_id}: {task.status}: {text}")
        if len(tasks) > 10:
            lines.append(f"  … and {len(tasks) - 10} more")
        return NotIdleError("\n".join(lines), whys)


class Use:
    """Puts a `TestApp` under an app for as long as the block lasts."""

    def __init__(self, app: App, options: ConnectOptions) -> None:
        if isinstance(app, TestApp):
            raise invalid("app", "is a TestApp already")
        self._app = app
        self._options = options
        self._test: TestApp | None = None
        self._before: _native.Client | None = None

    def __enter__(self) -> TestApp:
        test = self._test = TestApp(**self._options)
        test._actors.append(self._app)
        with self._app._lock:
            self._before, self._app._native = self._app._native, test._native
        return test

    def __exit__(self, *error: Any) -> None:
        assert self._test is not None
        with self._app._lock:
            self._app._native = self._before
        self._test.__exit__(*error)


def use(app: App, **options: Unpack[ConnectOptions]) -> Use:
    """Takes an app over: `with use(app) as test:` gives its handlers a store in memory.

    Inside the block everything that goes through the app goes there, `handler.submit` and
    `app.client` alike; `test` has the verbs of a `TestApp`. After it the app is as before. A client
    that was taken from the app earlier keeps its own store. Options are those of `App`.
    """
    return Use(app, options)


def run_on(loop: VirtualLoop, work: Coroutine[Any, Any, T], stuck: Callable[[], Exception]) -> T:
    """Runs work on a loop made for it, and ends what it left."""
    try:
        return loop.run_until_complete(work)
    except StandstillError as error:
        raise stuck() from error
    finally:
        end(loop)


def end(loop: VirtualLoop) -> None:
    """Cancels what is left on a loop, gives it a moment, and closes it."""
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    loop.is_ending = True
    loop.deadline = time.monotonic() + 1
    try:
        if rest:
            loop.run_until_complete(asyncio.wait(rest, timeout=1))
        loop.run_until_complete(loop.shutdown_asyncgens())
    except StandstillError:
        pass
    finally:
        for task in rest:
            # Code that ignores its cancellation is known by now.
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()


def _id(task: Task | TaskHandle[Any] | str) -> str:
    return task if isinstance(task, str) else task.task_id


def stories() -> Iterator[str]:
    """What happened to the tasks of apps under test, for a report on a failed test."""
    yield from failed
    for app in apps:
        if app.tasks():
            yield app.story()

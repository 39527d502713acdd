"""The seeded simulation: workers that crash, stall and overlap, around handlers of the user's.

Everything happens on one loop of virtual time, and every choice is drawn from the seed. A
simulated process is a few attempts in progress. Between any two steps of a coroutine handler its
process may die, and then not a line of it runs any more; or stand still past its leases, so that
others take its tasks over while it goes on later. A plain handler runs in one go; its process may
die or stand still before and after, so that the completion is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from windlass import _bridge, _native
from windlass._rehearsal import TestApp, end, use
from windlass._steps import SteppedContext, stepped
from windlass._trial import Trial, retry_options
from windlass._virtual_loop import StandstillError, VirtualLoop
from windlass.task import Task
from windlass.worker import _by_name

if TYPE_CHECKING:
    from windlass.app import App
    from windlass.testing import ManualClock

#: How long a lease lasts, in seconds; it is renewed every third of it.
LEASE = 30.0
#: How long a suspect waits to be alone in a process, in seconds, as with a worker.
COMPANY = 5.0
#: How long things may go wrong, in seconds of virtual time.
STORM = 900.0
#: Attempts of one seed: more are no accident.
MOST_ATTEMPTS = 5_000
#: Seconds of virtual time after which attempts that do not end are given up.
STANDSTILL = 86_400.0
#: Longest pause between two looks at the store.
LONGEST_TURN = 8.0

#: Who runs the current code; `None` is the test itself.
_here: contextvars.ContextVar[_Run | None] = contextvars.ContextVar("windlass_sim", default=None)


class Process:
    """A simulated worker process."""

    def __init__(self, number: int, slots: int) -> None:
        self.name = f"worker {number}"
        self.slots = slots
        self.is_dead = False
        #: Stands still until then, on the loop's time.
        self.still_until = 0.0
        #: Since when a suspect waits for it to have nothing else.
        self.suspect_waits: float | None = None
        self.runs: list[_Run] = []

    def may_lose(self) -> bool:
        """Whether every task in its hands would get another attempt."""
        return all(run.may_be_lost for run in self.runs)


class _Run:
    """One attempt in a process."""

    def __init__(self, process: Process, trial: Trial, name: str, now: float) -> None:
        self.process = process
        self.trial = trial
        self.name = name
        self.renew_at = now + LEASE / 3
        #: Whether it is to stop, known to it or on the way.
        self.has_news = False
        self.supervisor: asyncio.Task[None] | None = None

    @property
    def may_be_lost(self) -> bool:
        # The last attempt is left alone: a task that merely had bad luck would fail by its policy.
        return not self.trial.is_counted or self.trial.job.attempt <= self.trial.max_retries


class Sim:
    """One seed of a simulated test."""

    def __init__(
        self,
        seed: int,
        *,
        app: App | None = None,
        concurrency: int | None = None,
        patience: float = 30.0,
    ) -> None:
        self.seed = seed
        #: For choices of the test itself.
        self.random = random.Random(f"{seed} test")
        self._dice = random.Random(f"{seed} fate")
        self._concurrency = concurrency
        self._patience = patience
        self._stack = contextlib.ExitStack()
        self._test = self._stack.enter_context(TestApp() if app is None else use(app))
        #: The app: one of its own, or the one that was taken over.
        self.app: App = self._test if app is None else app
        self.clock: ManualClock = self._test.clock
        self._loop = VirtualLoop(self.clock)
        self._loop.set_task_factory(self._make_task)
        self._loop.deadline = time.monotonic() + patience
        #: Everything that happened: seconds, who, what.
        self.timeline: list[tuple[float, str, str]] = []
        #: Crashes, stalls and clock jumps so far.
        self.faults = 0
        self._names: dict[str, str] = {}
        self._kinds: dict[str, int] = {}
        self._attempts = 0
        self._last_process = 0
        #: When an attempt started or ended last, on the loop's time.
        self._moved = self._loop.time()
        #: Code of handlers, whose processes may have died.
        self._code: list[Coroutine[Any, Any, Any]] = []
        # Some seeds are quiet, so that reordering shows alone.
        self._chaos = self._dice.choice([0.0, 0.05, 0.1, 0.2, 0.35])
        self._storm_until = self._dice.uniform(60.0, STORM)
        self._processes = [self._new_process() for _ in range(self._dice.randint(1, 3))]
        inline = self._test._inline
        inline.prepare = self._with_declared
        inline.submitted = self._submitted
        inline.touched = self._touched

    def run(self) -> int:
        """Runs everything that was submitted until every task has ended; returns the attempts made.

        Things go wrong for a while, and then no more, so that every task does end. May be called
        again. Raises `NotIdleError` when tasks are left that cannot end.
        """
        _bridge.refuse_in_loop("`await sim.arun()`")
        attempts: int = self._complete(self.arun())
        return attempts

    async def arun(self) -> int:
        """The same in a test that is a coroutine."""
        inline, before = self._test._inline, self._attempts
        if inline.is_driven:
            raise RuntimeError("this simulation runs already")
        inline.is_driven = True
        try:
            await self._drive()
        finally:
            inline.is_driven = False
        return self._attempts - before

    def tasks(self, status: str | None = None, task_type: str | None = None) -> list[Task]:
        """The tasks, oldest first."""
        return self._test.tasks(status, task_type)

    def note(self, text: str) -> None:
        """Adds a line to the timeline."""
        run = _here.get()
        self._note("test" if run is None else run.process.name, text)

    def story(self) -> str:
        """The timeline as text."""
        width = max((len(who) for _, who, _ in self.timeline), default=0)
        return "".join(f"{at:10.3f}s  {who:{width}}  {w}\n" for at, who, w in self.timeline)

    def close(self, error: BaseException | None = None) -> None:
        """Ends what is left and releases the store."""
        for process in self._processes:
            self._end(process)
        end(self._loop)
        for code in self._code:
            # Only now, when nobody looks any more, may the `finally` blocks of the dead run.
            with contextlib.suppress(BaseException):
                code.close()
        self._stack.__exit__(type(error) if error else None, error, None)

    # --- the run

    async def _drive(self) -> None:
        turn, asked = 0.05, -1
        self._moved = self._loop.time()
        while True:
            self._trouble()
            self._keep()
            if self._test._hands.sweep()["rescued"]:
                self._test._inline.changed()
            started = sum([self._lease(process) for process in self._shuffled()])
            if self._attempts > MOST_ATTEMPTS:
                raise self._test._stuck(
                    self._test._open(), f"no end after {MOST_ATTEMPTS} attempts"
                )
            # A task may have ended while a stalled process still runs it: that run goes on, too.
            is_busy = any(process.runs for process in self._processes)
            if not is_busy and not started:
                left = self._test._open()
                dues = self._test._dues()
                if not dues:
                    if left:
                        raise self._test._stuck(left, "tasks are left that nothing will run")
                    return
                await asyncio.sleep(max(self._test._until(dues[0]), self._stillness()))
                turn = 0.05
                continue
            if self._loop.time() - self._moved > STANDSTILL:
                what = "nothing has started or ended for a day of virtual time"
                raise self._test._stuck(self._test._open(), what)
            is_quiet = not started and asked == self._attempts
            asked = self._attempts
            turn = min(turn * 1.5, LONGEST_TURN) if is_quiet else 0.05
            await asyncio.sleep(self._dice.uniform(0.01, turn))

    def _stillness(self) -> float:
        """Seconds until some process can lease."""
        now = self._loop.time()
        return max(0.0, min(process.still_until for process in self._processes) - now)

    def _shuffled(self) -> list[Process]:
        return self._dice.sample(self._processes, len(self._processes))

    def _lease(self, process: Process) -> int:
        now = self._loop.time()
        free = process.slots - len(process.runs)
        if process.is_dead or free == 0 or process.still_until > now:
            return 0
        count = self._dice.randint(1, free)
        is_alone = not process.runs
        waited = process.suspect_waits is not None and now - process.suspect_waits >= COMPANY
        if process.suspect_waits is not None and not is_alone and not waited:
            return 0
        if process.suspect_waits is not None:
            count, is_alone = 1, True
        trials, suspect_waits = self._test._lease(process.name, count, LEASE, is_alone)
        process.suspect_waits = now if suspect_waits else None
        for trial in trials:
            self._moved = now
            self._attempts += 1
            run = _Run(process, trial, self._name(trial.task_id), now)
            process.runs.append(run)
            trial.context = contextvars.copy_context()
            trial.context.run(_here.set, run)
            trial.spawn = functools.partial(self._spawn, trial.context)
            trial.wrap = SteppedContext
        # Tasks leased together start in any order.
        for run in self._dice.sample(process.runs[-len(trials) :], len(trials)) if trials else ():
            run.supervisor = self._loop.create_task(self._supervise(run))
        return len(trials)

    async def _supervise(self, run: _Run) -> None:
        trial, process = run.trial, run.process
        try:
            await self._pause(process, self._dice.choice([0.0, 0.0, 0.2, 3.0]))
            if self._dice.random() < 0.7:
                trial.tell_start()
            self._note(process.name, f"runs {run.name}, attempt {trial.job.attempt}")
            told = await trial.told()
            await self._before_settle(run)
            self._note(process.name, f"{run.name}: {_came_to(told)}{_became(trial.settle(told))}")
            self._test._inline.changed()
        except asyncio.CancelledError:
            if not process.is_dead:
                raise
        except StandstillError:
            raise
        finally:
            self._moved = self._loop.time()
            if run in process.runs:
                process.runs.remove(run)

    async def _before_settle(self, run: _Run) -> None:
        process, roll = run.process, self._dice.random()
        if roll < self._danger and process.may_lose():
            self._kill(process, f"dies before it can report that {run.name} is done")
            raise asyncio.CancelledError
        if roll < 1.5 * self._danger and process.may_lose():
            self._stall(process)
        await self._pause(process, self._dice.choice([0.0, 0.0, 0.1, 1.0]))

    async def _pause(self, process: Process, most: float) -> None:
        if most:
            await asyncio.sleep(self._dice.uniform(0.0, most))
        while (left := process.still_until - self._loop.time()) > 0:
            await asyncio.sleep(left)

    def _keep(self) -> None:
        """Heartbeats, and the news they bring."""
        now = self._loop.time()
        for process in self._processes:
            for run in process.runs:
                trial = run.trial
                if process.still_until > now or run.has_news:
                    continue
                is_due = now >= run.renew_at
                answer = trial.keep(LEASE if is_due else None)
                if is_due:
                    run.renew_at = now + LEASE / 3
                if answer == "held":
                    continue
                # The news may take its time: until then the handler goes on.
                run.has_news = True
                reason = "requested" if answer == "cancel_requested" else "lost"
                delay = self._dice.choice([0.0, 0.5, 4.0]) * self._dice.random()
                self._loop.call_later(delay, self._tell, run, reason)

    def _tell(self, run: _Run, reason: str) -> None:
        if not run.process.is_dead and run.trial.job.cancel_reason is None:
            self._note(run.process.name, f"learns about {run.name}: {reason}")
            run.trial.cancel(reason)

    # --- what goes wrong

    @property
    def _danger(self) -> float:
        is_over = self._loop.time() - self._began > self._storm_until
        return 0.0 if is_over else self._chaos

    @property
    def _began(self) -> float:
        return self._test.began.timestamp()

    def _trouble(self) -> None:
        """Now and then the clock jumps, or a process dies for reasons of its own."""
        roll = self._dice.random()
        if roll < self._danger * 0.05 and all(p.may_lose() for p in self._processes):
            seconds = round(self._dice.uniform(1.0, 2.5 * LEASE), 3)
            self.faults += 1
            self._note("clock", f"jumps by {seconds:g} s")
            self._loop.jump(round(seconds * 1000))
        elif roll < self._danger * 0.1:
            process = self._dice.choice(self._processes)
            if process.may_lose():
                self._kill(process, "dies")

    def _fate(self, run: _Run) -> Iterator[float]:
        """What happens to a process between two steps of a handler: pauses, in seconds."""
        process, roll = run.process, self._dice.random()
        if roll < self._danger * 0.4 and process.may_lose():
            self._kill(process, f"dies within {run.name}")
            return
        if roll < self._danger * 0.7 and process.may_lose():
            self._stall(process)
        elif roll > 0.5:
            yield self._dice.uniform(0.0, self._dice.choice([0.05, 1.0, 3.0]))
        while not process.is_dead and (left := process.still_until - self._loop.time()) > 0:
            yield left

    def _stall(self, process: Process) -> None:
        seconds = self._dice.uniform(1.1, 2.5) * LEASE
        process.still_until = self._loop.time() + seconds
        self.faults += 1
        self._note(process.name, f"stands still for {seconds:.1f} s, its leases run out")

    def _kill(self, process: Process, what: str) -> None:
        self.faults += 1
        others = [run.name for run in process.runs if run.name not in what]
        beside = f"; it also had {', '.join(others)}" if others else ""
        self._note(process.name, what + beside)
        self._processes[self._processes.index(process)] = self._new_process()
        self._end(process)

    def _end(self, process: Process) -> None:
        process.is_dead = True
        for run in process.runs:
            for timer in run.trial._timers:
                timer.cancel()
            if run.supervisor is not None and run.supervisor is not _current_task(self._loop):
                run.supervisor.cancel()

    def _new_process(self) -> Process:
        self._last_process += 1
        slots = self._dice.randint(1, 4)
        return Process(self._last_process, self._concurrency or slots)

    # --- code of a process

    def _spawn(
        self, context: contextvars.Context, code: Coroutine[Any, Any, Any]
    ) -> asyncio.Task[Any]:
        return context.run(self._loop.create_task, code)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, code: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Every task that a handler starts lives and dies with its process."""
        run = _here.get()
        if run is not None and inspect.iscoroutine(code):
            self._code.append(code)
            code = stepped(code, self._loop, lambda: run.process.is_dead, lambda: self._fate(run))
        return asyncio.Task(code, loop=loop, **options)

    # --- what the test submits

    def _with_declared(self, specs: list[str]) -> list[str]:
        """Gives tasks the retries that their handler declares.

        A rescue takes them from what the lost worker announced; processes here announce nothing.
        """
        handlers = {}
        for app in self._test._actors:
            handlers.update(_by_name(app))
        return [_with_retry(spec, handlers) for spec in specs]

    def _submitted(self, stored: list[_native.Stored]) -> None:
        for task_id, _, deduplicated, _ in stored:
            what = "submits again" if deduplicated else "submits"
            self.note(f"{what} {self._name(task_id)}")

    def _touched(self, verb: str, named: str) -> None:
        if verb == "pause":
            self.note(f"pauses queue {named}, or lets it go on")
        elif verb == "cancel_batch":
            self.note("cancels a batch")
        else:
            self.note(f"{'cancels' if verb == 'cancel' else 'retries'} {self._name(named)}")

    def _name(self, task_id: str) -> str:
        """A name that is the same in every run of the seed, which the id is not."""
        name = self._names.get(task_id)
        if name is None:
            record = json.loads(self._test._real.get(task_id))
            kind = record["handler"] or record["task_type"]
            self._kinds[kind] = number = self._kinds.get(kind, 0) + 1
            name = self._names[task_id] = f"{kind}#{number}"
        return name

    def _note(self, who: str, what: str) -> None:
        now = self.clock.now() - self._test.began
        self.timeline.append((now.total_seconds(), who, what))

    def _complete(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._loop.run_until_complete(work)
        except StandstillError as error:
            what = f"nothing has ended for {self._patience:g} s"
            raise self._test._stuck(self._test._open(), what) from error


def _with_retry(spec: str, handlers: dict[str, Any]) -> str:
    record = json.loads(spec)
    payload = record.get("payload")
    name = record.get("task_type") or "stateless"
    if name in ("stateless", "stateful"):
        function = payload.get("function") if isinstance(payload, dict) else None
        name = function if isinstance(function, str) else ""
    handler = handlers.get(name)
    declared = retry_options(json.loads(handler.declared)) if handler is not None else {}
    retry = record.get("retry") or {}
    if record.get("max_retries") is not None:
        declared.pop("max_retries", None)
    if not isinstance(retry, dict) or not declared.keys() - retry.keys():
        return spec
    return json.dumps({**record, "retry": {**declared, **retry}})


def _came_to(told: Any) -> str:
    if told is None:
        return "stopped"
    if isinstance(told, str):
        return "returned"
    if told[0] == "fail":
        return f"{told[3] or told[1]}: {told[2]}"
    return str(told[0])


def _became(status: str) -> str:
    if status == "lease_lost":
        return "; too late, its lease was gone"
    return f"; {status}"


def _current_task(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task(loop)
    except RuntimeError:
        return None


def play(
    seed: int,
    test: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: dict[str, Any],
    replay: str,
) -> None:
    """Runs a test with one seed; writes the timeline to standard error when it fails."""
    _bridge.refuse_in_loop("a test without a loop of its own: the simulation has one")
    chance = random.getstate()
    random.seed(seed)
    sim = Sim(seed, **options)
    problem: BaseException | None = None
    try:
        answer = test(*args, sim=sim, **kwargs)
        if inspect.isawaitable(answer):
            sim._complete(_awaited(answer))
    except BaseException as error:
        problem = error
        if isinstance(error, Exception) or type(error).__name__ == "Failed":
            line = f"windlass.sim: seed {seed} fails; replay: {replay}"
            print(f"\n{line}\n{sim.story()}", file=sys.stderr)
            if hasattr(error, "add_note"):
                error.add_note(line)
        raise
    finally:
        sim.close(problem)
        random.setstate(chance)


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer

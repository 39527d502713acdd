"""`@windlass.sim`: handlers of users under crashes, duplicate deliveries and reordering."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass.testing import NotIdleError, Sim

pytest_plugins = ["pytester", "windlass_pytest"]

ACCOUNTS = ["a", "b", "c"]


class Bank:
    """A service whose calls take a while. It can be told the same thing twice."""

    def __init__(self) -> None:
        self.charged: list[str] = []
        self.keys: set[str] = set()

    async def charge(self, account: str) -> None:
        await asyncio.sleep(0.2)
        self.charged.append(account)
        await asyncio.sleep(0.2)

    async def charge_once(self, key: str, account: str) -> None:
        await asyncio.sleep(0.2)
        if key not in self.keys:
            self.keys.add(key)
            self.charged.append(account)
        await asyncio.sleep(0.2)


def play(seed: int, test: Callable[[Sim], None], **options: Any) -> Sim:
    """One seed, without the decorator."""
    sim = Sim(seed, **options)
    try:
        test(sim)
    finally:
        sim.close()
    return sim


@windlass.sim(seeds=200)
def test_an_idempotent_handler_passes(sim: Sim) -> None:
    bank = Bank()

    @sim.app.task
    async def charge(ctx: windlass.Context, account: str) -> None:
        await bank.charge_once(ctx.task_id, account)
        await ctx.progress(100)

    charge.submit_many([(account,) for account in ACCOUNTS])
    sim.run()
    assert sorted(bank.charged) == ACCOUNTS
    # The last attempt of a task is left alone: bad luck fails none.
    assert [task.status for task in sim.tasks()] == ["completed"] * 3


@windlass.sim(seeds=50, concurrency=4)
async def test_a_test_may_be_a_coroutine_and_handlers_may_wait_for_tasks(sim: Sim) -> None:
    @sim.app.task(max_retries=10)
    async def child(number: int) -> int:
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
        return number

    @sim.app.task(max_retries=10)
    async def parent(ctx: windlass.Context) -> int:
        keyed = child.options(idempotency_key=ctx.task_id)
        return 1 + await (await keyed.asubmit(1))

    handle = await parent.asubmit()
    answer, _ = await asyncio.gather(handle, sim.arun())
    assert answer == 2
    assert len(sim.tasks(task_type="child")) == 1


def charges_twice(sim: Sim) -> None:
    bank = Bank()

    @sim.app.task
    async def charge(account: str) -> None:
        await bank.charge(account)

    charge.submit_many([(account,) for account in ACCOUNTS])
    sim.run()
    assert sorted(bank.charged) == ACCOUNTS


def charges_twice_plainly(sim: Sim) -> None:
    charged: list[str] = []

    @sim.app.task
    def charge(account: str) -> None:
        charged.append(account)

    charge.submit_many([(account,) for account in ACCOUNTS])
    sim.run()
    assert sorted(charged) == ACCOUNTS


def looks_and_then_acts(sim: Sim) -> None:
    """Only two runs of one task that overlap get past the look."""
    ledger: dict[str, int] = {}

    @sim.app.task
    async def charge(ctx: windlass.Context) -> None:
        if ctx.task_id not in ledger:
            await asyncio.sleep(0.2)
            ledger[ctx.task_id] = ledger.get(ctx.task_id, 0) + 1

    charge.submit_many([()] * 3)
    sim.run()
    assert sorted(ledger.values()) == [1, 1, 1]


def relies_on_order(sim: Sim) -> None:
    done: list[int] = []

    @sim.app.task
    async def step(number: int) -> None:
        done.append(number)

    step.submit_many([(number,) for number in range(3)])
    sim.run()
    assert list(dict.fromkeys(done)) == [0, 1, 2]


@pytest.mark.parametrize(
    "mistake", [charges_twice, charges_twice_plainly, looks_and_then_acts, relies_on_order]
)
def test_a_mistake_is_caught(
    mistake: Callable[[Sim], None], capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    with pytest.raises(AssertionError):
        windlass.sim(seeds=100)(mistake)()
    printed = capsys.readouterr().err
    found = re.search(r"seed (\d+) fails; replay: WINDLASS_SIM_SEED=(\d+) pytest", printed)
    assert found and found[1] == found[2]
    assert "submits " in printed
    # The seed alone fails again, in just the same way.
    seed = int(found[1])
    with pytest.raises(AssertionError):
        windlass.sim(seed=seed)(mistake)()
    assert capsys.readouterr().err == printed
    monkeypatch.setenv("WINDLASS_SIM_SEED", str(seed))
    with pytest.raises(AssertionError):
        windlass.sim(mistake)()
    assert capsys.readouterr().err == printed
    if seed > 1:
        monkeypatch.setenv("WINDLASS_SIM_SEED", "1")
        windlass.sim(mistake)()


def busy(sim: Sim) -> None:
    bank = Bank()

    @sim.app.task(max_retries=8)
    async def charge(ctx: windlass.Context, account: str) -> float:
        await bank.charge(account)
        if sim.random.random() < 0.2:
            raise ConnectionError("boom")
        return random.random()

    @sim.app.task
    def plain() -> None:
        sim.note("is here")

    charge.submit_many([(account,) for account in ACCOUNTS])
    plain.submit()
    sim.run()
    sim.note(str([task.result for task in sim.tasks()]))


def test_a_seed_is_one_run_and_another_seed_another() -> None:
    for seed in range(10):
        runs = []
        for _ in range(2):
            state = random.getstate()
            random.seed(seed)
            runs.append(play(seed, busy).timeline)
            random.setstate(state)
        assert runs[0] == runs[1]
    assert play(1, busy).timeline != play(2, busy).timeline


def test_the_decorator_seeds_the_random_module_and_puts_it_back() -> None:
    drawn: list[float] = []
    before = random.getstate()
    for _ in range(2):
        windlass.sim(seeds=2)(lambda sim: drawn.append(random.random()))()
    assert drawn[:2] == drawn[2:] and drawn[0] != drawn[1]
    assert random.getstate() == before


def test_everything_that_can_go_wrong_does() -> None:
    stories = "".join(play(seed, busy).story() for seed in range(60))
    for event in (
        "dies within charge#",
        "dies before it can report that charge#",
        "dies before it can report that plain#",
        "stands still for",
        "jumps by",
        "too late, its lease was gone",
        "learns about charge#",
        "ConnectionError: boom; scheduled",
    ):
        assert event in stories, event
    # Some seeds are quiet.
    assert any(play(seed, busy).faults == 0 for seed in range(20))


@pytest.mark.parametrize(
    ("cause", "other"), [("stands still", "jumps by"), ("jumps by", "stands still")]
)
def test_two_runs_of_one_task_overlap(cause: str, other: str) -> None:
    most = 0

    def overlapping(sim: Sim) -> None:
        nonlocal most

        @sim.app.task
        async def work(ctx: windlass.Context) -> None:
            running.append(ctx.attempt)
            seen.append(len(running))
            await asyncio.sleep(1)
            seen.append(len(running))
            running.remove(ctx.attempt)

        running: list[int] = []
        seen: list[int] = []
        work.submit()
        sim.run()
        story = sim.story()
        # What died is never taken off the list, and says nothing.
        if cause in story and other not in story and "dies" not in story:
            most = max(most, *seen)

    for seed in range(200):
        play(seed, overlapping)
    assert most >= 2


def test_not_a_line_of_a_dead_process_runs() -> None:
    deaths = 0

    def dying(sim: Sim) -> None:
        nonlocal deaths
        log: list[tuple[str, str]] = []

        async def helper(who: str) -> None:
            for _ in range(5):
                log.append(("step", who))
                await asyncio.sleep(0.1)

        @sim.app.task
        async def work(ctx: windlass.Context) -> None:
            # Only one worker has it at a time, but for those that stand still.
            who = f"{ctx._job.id}"
            try:
                await asyncio.gather(helper(who), helper(who))
            finally:
                log.append(("finally", who))

        work.submit()
        sim.run()
        for who in {who for _, who in log}:
            own = [what for what, one in log if one == who]
            if own.count("step") < 10:
                died = "dies within work#1" in sim.story()
                cancelled = "learns about" in sim.story()
                deaths += died and not cancelled
                assert "finally" not in own or cancelled

    for seed in range(80):
        play(seed, dying)
    assert deaths > 5


def test_a_task_without_retries_is_not_failed_by_bad_luck() -> None:
    runs = 0

    def once(sim: Sim) -> None:
        nonlocal runs

        @sim.app.task(max_retries=0)
        async def work() -> None:
            nonlocal runs
            runs += 1
            await asyncio.sleep(1)

        handle = work.submit()
        sim.run()
        assert handle.status().status == "completed"

    for seed in range(60):
        play(seed, once)
    # A crash before the start was reported uses no attempt.
    assert runs > 60


def test_a_handler_that_always_fails_uses_up_its_attempts() -> None:
    def failing(sim: Sim) -> None:
        @sim.app.task(max_retries=4)
        async def work() -> None:
            raise ConnectionError("boom")

        handle = work.submit()
        sim.run()
        with pytest.raises(windlass.TaskFailedError) as error:
            handle.result()
        assert error.value.error["error_type"] == "ConnectionError"
        assert sim.tasks()[0].attempt == 5

    for seed in range(30):
        play(seed, failing)


def test_an_app_of_the_users_own_is_taken_over() -> None:
    app = windlass.App("sqlite:never.db")
    ran: list[int] = []

    @app.task
    def work() -> None:
        ran.append(1)

    @windlass.sim(app=app, seeds=20)
    def test(sim: Sim) -> None:
        assert sim.app is app
        work.submit()
        work.options(delay=3600).submit()
        assert sim.run() >= 2
        assert (sim.clock.now() - sim.tasks()[0].created_at).total_seconds() >= 3600

    test()
    assert len(ran) >= 40
    assert app._native is None


def test_a_deadlock_is_told_and_not_waited_for() -> None:
    def deadlock(sim: Sim) -> None:
        @sim.app.task
        async def parent() -> None:
            await (await child.asubmit())

        @sim.app.task
        async def child() -> None:
            raise AssertionError("it never starts")

        parent.submit_many([()] * 10)
        sim.run()

    with pytest.raises(NotIdleError, match="for a day of virtual time") as error:
        play(1, deadlock, concurrency=1)
    assert {why.status for why in error.value.tasks} == {"running", "pending"}


def test_a_task_without_a_handler_is_told() -> None:
    with pytest.raises(NotIdleError, match="no handler 'nobody'"):
        play(1, lambda sim: [sim.app.client.submit_task({}, "nobody"), sim.run()] and None)


def test_bad_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("seeds", 0), ("seeds", True), ("seed", -1), ("concurrency", 0)):
        with pytest.raises(windlass.InvalidArgumentError) as error:
            windlass.sim(**{name: value})
        assert fields(error.value) == ("invalid_argument", name)
    with pytest.raises(TypeError, match="needs a parameter called sim"):
        windlass.sim(lambda: None)
    for name, text in (("WINDLASS_SIM_SEED", "x"), ("WINDLASS_SIM_SEEDS", "0")):
        monkeypatch.setenv(name, text)
        with pytest.raises(windlass.InvalidArgumentError) as error:
            windlass.sim(lambda sim: None)()
        assert fields(error.value) == ("invalid_argument", name)
        monkeypatch.delenv(name)


def test_the_number_of_seeds_can_be_set_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setenv("WINDLASS_SIM_SEEDS", "7")
    windlass.sim(seeds=3)(lambda sim: seeds.append(sim.seed))()
    assert seeds == [1, 2, 3, 4, 5, 6, 7]


async def test_it_has_a_loop_of_its_own() -> None:
    with pytest.raises(RuntimeError, match="a loop of its own"):
        windlass.sim(seeds=1)(lambda sim: None)()


UNDER_PYTEST = """
import pytest, windlass

@windlass.sim(seeds=3)
def test_with_fixtures(tmp_path, sim, windlass_clock):
    (tmp_path / str(sim.seed)).touch()
    assert len(list(tmp_path.iterdir())) == sim.seed

@windlass.sim(seeds=3)
async def test_coroutine(sim):
    work = sim.app.task(lambda: 1, name="work")
    handle = await work.asubmit()
    await sim.arun()
    assert await handle == 1

class TestGroup:
    @pytest.mark.parametrize("number", [1, 2])
    @windlass.sim(seeds=3)
    def test_method(self, sim, number):
        assert sim.seed < 3 or number == 1

@windlass.sim
def test_skipped(sim):
    pytest.skip("not here")
"""


@pytest.mark.parametrize("asyncio_mode", ["auto", "strict"])
def test_it_gets_along_with_pytest(pytester: pytest.Pytester, asyncio_mode: str) -> None:
    pytester.makepyfile(UNDER_PYTEST)
    result = pytester.runpytest_inprocess(
        "-p",
        "windlass_pytest",
        "-o",
        f"asyncio_mode={asyncio_mode}",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    )
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    text = result.stdout.str()
    place = "test_it_gets_along_with_pytest.py::TestGroup::test_method[2]"
    assert f"WINDLASS_SIM_SEED=3 pytest '{place}'" in text
    assert "@windlass.sim(seed=3)" in text

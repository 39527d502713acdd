"""The circuit breaker around functions of one's own, and what calls over HTTP are told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import windlass
from conftest import fields
from windlass import CircuitBreakerOpenError, _native
from windlass.resilience import CircuitBreaker, CircuitBreakerConfig, RetryConfig
from windlass.testing import ManualClock


class Service:
    """Does as it is told, and counts who asks."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: BaseException | None = None

    async def ask(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return args, kwargs


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def fail(breaker: CircuitBreaker, service: Service, times: int) -> None:
    service.error = OSError("down")
    for _ in range(times):
        with pytest.raises(OSError, match="down"):
            await breaker.call(service.ask)
    service.error = None


def test_a_breaker_has_the_documents_defaults_and_attributes() -> None:
    # CB-01, CB-02, CB-12
    breaker = CircuitBreaker("payments")
    assert (breaker.name, breaker.state, breaker.failure_count) == ("payments", "closed", 0)
    assert breaker.last_failure_time is None
    assert (breaker.failure_threshold, breaker.recovery_timeout) == (5, 60.0)
    assert breaker.expected_exception is Exception


async def test_a_call_passes_arguments_and_answers_through(service: Service) -> None:
    # CB-03
    breaker = CircuitBreaker("s")
    assert await breaker.call(service.ask, 1, two=2) == ((1,), {"two": 2})


async def test_an_open_breaker_refuses_without_calling(
    service: Service, clock: ManualClock
) -> None:
    # CB-04, CB-07, ERR-25
    breaker = CircuitBreaker("s", failure_threshold=3, recovery_timeout=60, clock=clock)
    await fail(breaker, service, 3)
    assert (breaker.state, breaker.failure_count, service.calls) == ("open", 3, 3)
    assert breaker.last_failure_time == clock.now().timestamp()
    clock.advance(59)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        await breaker.call(service.ask)
    assert (caught.value.name, caught.value.retry_after, service.calls) == ("s", 1.0, 3)
    assert isinstance(caught.value, windlass.APIError)
    assert caught.value.status_code == 503


async def test_a_good_probe_closes_it_and_a_bad_one_opens_it_at_once(
    service: Service, clock: ManualClock
) -> None:
    # CB-05, CB-08
    breaker = CircuitBreaker("s", 2, 60, clock=clock)
    await fail(breaker, service, 2)
    clock.advance(60)
    await fail(breaker, service, 1)
    assert breaker.state == "open"
    with pytest.raises(CircuitBreakerOpenError):
        await breaker.call(service.ask)
    clock.advance(60)
    await breaker.call(service.ask)
    assert (breaker.state, breaker.failure_count) == ("closed", 0)


async def test_a_success_forgets_the_failures_before_it(service: Service) -> None:
    # CB-07
    breaker = CircuitBreaker("s", 2)
    await fail(breaker, service, 1)
    await breaker.call(service.ask)
    await fail(breaker, service, 1)
    assert (breaker.state, breaker.failure_count) == ("closed", 1)


async def test_only_expected_exceptions_count(service: Service, clock: ManualClock) -> None:
    # CB-06
    breaker = CircuitBreaker("s", 1, 10, OSError, clock=clock)
    for error in (KeyError("x"), asyncio.CancelledError()):
        service.error = error
        with pytest.raises(type(error)):
            await breaker.call(service.ask)
        assert (breaker.state, breaker.failure_count) == ("closed", 0)
    service.error = ConnectionError("a kind of OSError")
    with pytest.raises(ConnectionError):
        await breaker.call(service.ask)
    assert breaker.state == "open"
    clock.advance(10)
    service.error = KeyError("x")
    with pytest.raises(KeyError):
        await breaker.call(service.ask)
    # It told nothing; the next call is the probe.
    assert breaker.state == "half-open"
    service.error = None
    await breaker.call(service.ask)
    assert breaker.state == "closed"


async def test_one_probe_at_a_time(service: Service, clock: ManualClock) -> None:
    # CB-05
    breaker = CircuitBreaker("s", 1, 10, clock=clock)
    await fail(breaker, service, 1)
    clock.advance(10)
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def probe() -> str:
        asked.set()
        await may_answer.wait()
        return "well"

    first = asyncio.ensure_future(breaker.call(probe))
    await asked.wait()
    with pytest.raises(CircuitBreakerOpenError):
        await breaker.call(service.ask)
    may_answer.set()
    assert await first == "well"
    assert breaker.state == "closed"


async def test_a_probe_that_is_cancelled_makes_room_for_the_next(
    service: Service, clock: ManualClock
) -> None:
    breaker = CircuitBreaker("s", 1, 10, clock=clock)
    await fail(breaker, service, 1)
    clock.advance(10)
    asked = asyncio.Event()

    async def hangs() -> None:
        asked.set()
        await asyncio.Event().wait()

    probe = asyncio.ensure_future(breaker.call(hangs))
    await asked.wait()
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    await breaker.call(service.ask)
    assert breaker.state == "closed"


async def test_a_config_makes_a_breaker_that_needs_several_good_probes(
    service: Service, clock: ManualClock
) -> None:
    # CB-09, CB-10, CB-11
    config = CircuitBreakerConfig(
        failure_threshold=1,
        success_threshold=3,
        timeout=30.0,
        excluded_exceptions=[windlass.QuotaExceededError],
    )
    breaker = CircuitBreaker.from_config("s", config, clock=clock)
    service.error = windlass.QuotaExceededError("used up")
    with pytest.raises(windlass.QuotaExceededError):
        await breaker.call(service.ask)
    assert (breaker.state, breaker.failure_count) == ("closed", 0)
    await fail(breaker, service, 1)
    clock.advance(30)
    states = []
    for _ in range(3):
        await breaker.call(service.ask)
        states.append(breaker.state)
    assert states == ["half-open", "half-open", "closed"]


def test_plain_functions_have_forms_of_their_own() -> None:
    breaker = CircuitBreaker("s", 2)

    @breaker
    def halve(n: int) -> float:
        return n / (n - 1)

    assert halve(2) == breaker.call_sync(divmod, 2, 1)[0] == 2
    for ask in (lambda: halve(1), lambda: breaker.call_sync(lambda: 1 / 0)):
        with pytest.raises(ZeroDivisionError):
            ask()
    assert (halve.__name__, breaker.state) == ("halve", "open")
    with pytest.raises(CircuitBreakerOpenError):
        halve(2)
    with pytest.raises(CircuitBreakerOpenError), breaker:
        raise AssertionError("the block must not run")


async def test_coroutine_functions_can_be_decorated() -> None:
    breaker = CircuitBreaker("s", 1)

    @breaker
    async def ask(n: int) -> float:
        return 1 / n

    assert await ask(1) == 1.0
    with pytest.raises(ZeroDivisionError):
        await ask(0)
    with pytest.raises(CircuitBreakerOpenError):
        await ask(1)
    with pytest.raises(TypeError, match=r"await breaker\.call"):
        await breaker.call_sync(ask, 1)


async def test_blocks_of_two_coroutines_may_end_in_any_order(clock: ManualClock) -> None:
    breaker = CircuitBreaker("s", 1, 10, clock=clock)
    inside, outside = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with breaker:
            inside.set()
            await outside.wait()

    task = asyncio.ensure_future(first())
    await inside.wait()
    with pytest.raises(OSError), breaker:
        raise OSError("down")
    assert breaker.state == "open"
    outside.set()
    await task
    # The good end belongs to a time before: it closes nothing.
    assert breaker.state == "open"


def test_threads_share_a_breaker() -> None:
    breaker = CircuitBreaker("s", failure_threshold=1_000_000)
    gate = threading.Barrier(8)

    def failing() -> None:
        gate.wait()
        for _ in range(500):
            with pytest.raises(OSError):
                breaker.call_sync(_raise, OSError("down"))

    threads = [threading.Thread(target=failing) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaker.failure_count == 4000
    assert breaker.last_failure_time is not None
    assert abs(time.time() - breaker.last_failure_time) < 3600


def _raise(error: Exception) -> None:
    raise error


def test_the_configs_have_cores_defaults() -> None:
    # GPY-25, CB-09
    retry, breaker = _native.default_calls()
    assert RetryConfig()._native() == retry
    assert CircuitBreakerConfig()._native() == breaker
    assert RetryConfig() == RetryConfig(
        max_retries=5,
        initial_delay=0.5,
        max_delay=30.0,
        exponential_base=2,
        jitter=0.1,
        retryable_errors=(500, 502, 503, 504),
    )
    assert (breaker[0], breaker[1], breaker[2]) == (5, 3, 30.0)


def test_excluded_exceptions_are_told_by_their_codes() -> None:
    # CB-11
    config = CircuitBreakerConfig(excluded_exceptions=[windlass.RateLimitError, TimeoutError])
    assert sorted(config._native()[3]) == [
        "queue_full",
        "rate_limited",
        "task_timeout",
        "worker_not_available",
    ]


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: RetryConfig(max_retries=-1), "max_retries"),
    (lambda: RetryConfig(initial_delay=-0.5), "initial_delay"),
    (lambda: RetryConfig(max_delay=float("nan")), "max_delay"),
    (lambda: RetryConfig(exponential_base=0.5), "exponential_base"),
    (lambda: RetryConfig(jitter=2), "jitter"),
    (lambda: RetryConfig(retryable_errors=[200]), "retryable_errors"),
    (lambda: RetryConfig(retryable_errors=[-1]), "retryable_errors"),
    (lambda: CircuitBreakerConfig(failure_threshold=0), "failure_threshold"),
    (lambda: CircuitBreakerConfig(success_threshold=-1), "success_threshold"),
    (lambda: CircuitBreakerConfig(timeout=-1), "timeout"),
    (lambda: CircuitBreakerConfig(excluded_exceptions=["x"]), "excluded_exceptions"),  # type: ignore[list-item]
    (lambda: CircuitBreaker("", 1), "name"),
    (lambda: CircuitBreaker("s", 0), "failure_threshold"),
    (lambda: CircuitBreaker("s", 1, -1), "recovery_timeout"),
    (lambda: CircuitBreaker("s", expected_exception="x"), "expected_exception"),  # type: ignore[arg-type]
    (lambda: windlass.Client("memory:", retry_config={}), "retry_config"),  # type: ignore[arg-type]
    (lambda: windlass.Client("memory:", circuit_breaker=True), "circuit_breaker"),  # type: ignore[arg-type]
    (lambda: windlass.Client("memory:", max_connections=0), "max_connections"),
    (lambda: windlass.Client("memory:", max_connections=-1), "max_connections"),
    (lambda: windlass.Client("memory:", timeout=-1), "timeout"),
    (lambda: windlass.Client("memory:", endpoint="memory:other"), "endpoint"),
    (lambda: windlass.Client("memory:", tenant="a", tenant_id="b"), "tenant_id"),
]


@pytest.mark.parametrize(("make", "field"), BAD)
def test_settings_that_make_no_sense_are_refused(make: Callable[[], Any], field: str) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        make()
    assert fields(caught.value) == ("invalid_argument", field)

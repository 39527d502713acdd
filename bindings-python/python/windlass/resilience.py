"""What keeps calls going, and what keeps them away: retries of calls, and the circuit breaker.

`RetryConfig` and `CircuitBreakerConfig` tell a client how to call a server; `CircuitBreaker` is the
same breaker around any function of yours. How many steps to run at once, and in which batches, is
advised by the machine that it is measured on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from windlass import _forms, _native
from windlass._chunk_reader import ChunkReader
from windlass._tuning import (
    AdaptiveExecutor,
    BatchProcessor,
    calculate_optimal_concurrency,
)
from windlass.options import Seconds, invalid

if TYPE_CHECKING:
    from typing_extensions import Self

    from windlass.testing import ManualClock

__all__ = [
    "AdaptiveExecutor",
    "BatchProcessor",
    "ChunkReader",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "RetryConfig",
    "calculate_optimal_concurrency",
]

P = ParamSpec("P")
R = TypeVar("R")

Exceptions = type[BaseException] | tuple[type[BaseException], ...]


@dataclass(frozen=True)
class RetryConfig:
    """How a client repeats a call over HTTP that failed. Delays are seconds or `timedelta`.

    The delay before retry *n* is `min(max_delay, initial_delay * exponential_base ** (n - 1))`,
    times a factor drawn from `1 ± jitter`. A 429 is always repeated, after the time that the server
    asks for. A call and its retries end with the client's `timeout`.

    Raises `InvalidArgumentError`.
    """

    #: Repetitions after the first try; 0 for none.
    max_retries: int = 5
    #: Before the first retry.
    initial_delay: Seconds = 0.5
    #: The longest delay, before jitter.
    max_delay: Seconds = 30.0
    #: What each delay is multiplied with for the next.
    exponential_base: float = 2
    #: The largest part of a delay that chance adds or takes away, 0 to 1.
    jitter: float = 0.1
    #: HTTP statuses that are worth another try; a lost connection always is.
    retryable_errors: Sequence[int] = (500, 502, 503, 504)

    def __post_init__(self) -> None:
        _native.check_calls(retry=self._native())

    def _native(self) -> _native.RetryFields:
        return (
            self.max_retries,
            _forms.seconds(self.initial_delay),
            _forms.seconds(self.max_delay),
            self.exponential_base,
            self.jitter,
            list(self.retryable_errors),
        )


@dataclass(frozen=True)
class CircuitBreakerConfig:
    """When a breaker keeps calls away from what fails.

    A client's breaker counts calls after their retries, and only what tells that the server is in
    trouble: no answer, or one from 500 on. Raises `InvalidArgumentError`.
    """

    #: Failures in a row that open it.
    failure_threshold: int = 5
    #: Successes in a row that close it again.
    success_threshold: int = 3
    #: How long it stays open before it lets a call through as a probe.
    timeout: Seconds = 30.0
    #: Errors that do not count.
    excluded_exceptions: Sequence[type[BaseException]] = ()

    def __post_init__(self) -> None:
        _tuple("excluded_exceptions", self.excluded_exceptions)
        _native.check_calls(breaker=self._native())

    def _native(self) -> _native.BreakerFields:
        return (
            self.failure_threshold,
            self.success_threshold,
            _forms.seconds(self.timeout),
            _codes(tuple(self.excluded_exceptions)),
        )


class CircuitBreaker:
    """Keeps calls away from what failed before.

        breaker = CircuitBreaker("payments")
        await breaker.call(pay, amount=5)

    `closed` lets everything through. After `failure_threshold` failures in a row it is `open`, and
    every call raises `CircuitBreakerOpenError` at once. The first call after `recovery_timeout`
    seconds makes it `half-open`: one call at a time goes through, as a probe. A probe that fails
    opens it again; `success_threshold` good ones close it.

    Only an `expected_exception` that is not among `excluded_exceptions` counts as a failure; any
    other error passes through and counts neither way. Threads and event loops may share a breaker.
    Besides `call` there are `call_sync`, `@breaker` for plain and coroutine functions, `with
    breaker:` and `async with breaker:`.

    Raises `InvalidArgumentError`.
    """

    def __init__(
        self,
        name: str,
        failure_threshold: int = 5,
        recovery_timeout: Seconds = 60.0,
        expected_exception: Exceptions = Exception,
        *,
        success_threshold: int = 1,
        excluded_exceptions: Iterable[type[BaseException]] = (),
        clock: ManualClock | None = None,
    ) -> None:
        self._expected = _tuple("expected_exception", expected_exception)
        self._excluded = _tuple("excluded_exceptions", excluded_exceptions)
        seconds = _forms.seconds(recovery_timeout)
        self._machine = _native.Breaker(
            name,
            failure_threshold=failure_threshold,
            success_threshold=success_threshold,
            recovery_timeout=seconds,
            clock=None if clock is None else clock._native,
        )
        #: What it guards, in errors.
        self.name = name
        #: Failures in a row that open it.
        self.failure_threshold = failure_threshold
        #: How long it stays open before a probe, in seconds.
        self.recovery_timeout: float = seconds
        #: What counts as a failure.
        self.expected_exception = expected_exception
        #: Successes in a row that close it again.
        self.success_threshold = success_threshold

    @classmethod
    def from_config(
        cls,
        name: str,
        config: CircuitBreakerConfig,
        expected_exception: Exceptions = Exception,
        *,
        clock: ManualClock | None = None,
    ) -> Self:
        """A breaker with the settings of a client's."""
        return cls(
            name,
            config.failure_threshold,
            config.timeout,
            expected_exception,
            success_threshold=config.success_threshold,
            excluded_exceptions=config.excluded_exceptions,
            clock=clock,
        )

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        return self._machine.state()

    @property
    def failure_count(self) -> int:
        """Failures in a row."""
        return self._machine.failure_count()

    @property
    def last_failure_time(self) -> float | None:
        """When a failure was last counted, in seconds since 1970."""
        return self._machine.last_failure_time()

    async def call(self, func: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """`await func(*args, **kwargs)`, unless the breaker is open.

        Raises `CircuitBreakerOpenError` without calling, and whatever `func` raises.
        """
        with _Guard(self):
            answer = func(*args, **kwargs)
            return await answer if inspect.isawaitable(answer) else cast("R", answer)

    def call_sync(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`func(*args, **kwargs)`, unless the breaker is open. Errors as `call`."""
        if inspect.iscoroutinefunction(func):
            raise TypeError(
                f"{func.__qualname__} is a coroutine function; use `await breaker.call`"
            )
        with _Guard(self):
            return func(*args, **kwargs)

    def __call__(self, func: Callable[P, R], /) -> Callable[P, R]:
        """Has every call of `func`, plain or a coroutine function, go through the breaker."""
        if inspect.iscoroutinefunction(func):

            @functools.wraps(func)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
                with _Guard(self):
                    return await func(*args, **kwargs)

            return cast("Callable[P, R]", guarded)

        @functools.wraps(func)
        def guarded_sync(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Guard(self):
                return func(*args, **kwargs)

        return guarded_sync

    def _counts(self, error: BaseException) -> bool:
        return isinstance(error, self._expected) and not isinstance(error, self._excluded)

    def __enter__(self) -> Self:
        _entered.set((*_entered.get(), (self, _Guard(self))))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        entered = _entered.get()
        at = max(i for i, (breaker, _) in enumerate(entered) if breaker is self)
        _entered.set(entered[:at] + entered[at + 1 :])
        entered[at][1].__exit__(kind, error, trace)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self.state}, failures={self.failure_count})"


class _Guard:
    """One call that a breaker lets through."""

    __slots__ = ("_breaker", "_pass")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self._pass = breaker._machine.enter()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._pass.succeeded()
        elif self._breaker._counts(error):
            self._pass.failed()
        else:
            self._pass.released()


# Blocks that are open, by task and thread: two coroutines on one thread leave in any order.
_entered: ContextVar[tuple[tuple[CircuitBreaker, _Guard], ...]] = ContextVar(
    "windlass_breakers", default=()
)


def _tuple(field: str, given: Any) -> tuple[type[BaseException], ...]:
    kinds = (given,) if isinstance(given, type) else given
    try:
        kinds = tuple(kinds)
    except TypeError:
        raise invalid(field, f"must be exception classes, not {given!r}") from None
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise invalid(field, f"must be exception classes, not {kind!r}")
    return kinds


def _codes(kinds: tuple[type[BaseException], ...]) -> list[str]:
    """The codes whose errors are of these kinds."""
    from windlass.errors import _CLASSES

    return [code for code, kind in _CLASSES.items() if issubclass(kind, kinds)]

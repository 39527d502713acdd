"""A coroutine taken through its steps, so that something can happen between them."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any

from windlass.context import Context, _Told

Code = Coroutine[Any, Any, Any]
#: Whether the code is never to go on.
IsDead = Callable[[], bool]
#: Pauses before the code goes on, in seconds.
Fate = Callable[[], Iterable[float]]


async def stepped(code: Code, loop: asyncio.AbstractEventLoop, is_dead: IsDead, fate: Fate) -> Any:
    """Runs `code`; whenever it was suspended and would go on, `fate` has a say."""
    return await _steps(code, loop, is_dead, fate)


@types.coroutine
def _steps(
    code: Code, loop: asyncio.AbstractEventLoop, is_dead: IsDead, fate: Fate
) -> Generator[Any, Any, Any]:
    step: Callable[[Any], Any] = code.send
    given: Any = None
    while True:
        if is_dead():
            # Whoever made the code keeps it: its end would run its `finally` blocks.
            return None
        try:
            awaited = step(given)
        except StopIteration as done:
            return done.value
        step, given = code.send, None
        try:
            yield awaited
            for seconds in fate():
                yield from _rest(loop, seconds)
        except BaseException as error:
            # A cancellation, for the code to deal with.
            step, given = code.throw, error


def _rest(loop: asyncio.AbstractEventLoop, seconds: float) -> Generator[Any, None, None]:
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _wake, future)
    try:
        yield from future
    finally:
        timer.cancel()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class SteppedContext(Context):
    """A context whose verbs suspend when they are awaited, and so are ends of steps."""

    __slots__ = ()

    def __init__(self, context: Context) -> None:
        super().__init__(context._job, context._worker, context._started, context._is_async)

    def progress(self, percent: float, message: str | None = None) -> _Told:
        super().progress(percent, message)
        return _Turn()

    def log(self, message: str, level: str = "info") -> _Told:
        super().log(message, level)
        return _Turn()


class _Turn(_Told):
    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        yield

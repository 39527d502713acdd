"""How a step executor is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from windlass.options import invalid

#: Takes a step; gives what the step comes to, or something that can be awaited for it.
Call = Callable[[Any], Any]


def prepare(function: Callable[..., Any], context: Mapping[str, Any]) -> tuple[Call, bool]:
    """What to call with each step, and whether it gives coroutines.

    A function that has a parameter `context`, or needs a second one, gets a `dict` of its own.
    """
    if not callable(function):
        raise invalid("step_executor", f"must be a function of a step, not {function!r}")
    wanted = _context(function, bool(context))
    is_async = _is_async(function)
    if is_async and not _is_coroutine_function(function):
        function = _awaiting(function)
    # Plain Python calls, as `functools.partial` could not make a new `dict` for each.
    if wanted == "keyword":
        if not context:
            return lambda step: function(step, context={}), is_async
        return lambda step: function(step, context=dict(context)), is_async
    if wanted == "position":
        return lambda step: function(step, dict(context)), is_async
    return function, is_async


def calling(steps: Sequence[Callable[..., Any]], context: Mapping[str, Any]) -> Call:
    """The step executor of steps that are functions themselves.

    One that has a parameter `context` gets the caller's.
    """

    def arguments(step: Callable[..., Any]) -> dict[str, Any]:
        return {"context": dict(context)} if _has_context(step) else {}

    if all(map(_is_async, steps)):

        async def awaited(step: Callable[..., Any]) -> Any:
            value = step(**arguments(step))
            return await value if inspect.isawaitable(value) else value

        return awaited
    return lambda step: step(**arguments(step))


def _has_context(step: Callable[..., Any]) -> bool:
    try:
        return "context" in inspect.signature(step).parameters
    except (TypeError, ValueError):
        return False


def _context(function: Callable[..., Any], has_context: bool) -> str | None:
    if isinstance(function, functools.partial) and "context" in function.keywords:
        # It has one already.
        return None
    try:
        # What a wrapper takes itself; where that is anything, what it wraps.
        own = inspect.signature(function, follow_wrapped=False)
        is_open = any(one.kind is one.VAR_KEYWORD for one in own.parameters.values())
        found = inspect.signature(function) if is_open else own
    except (TypeError, ValueError):
        # Something native that does not tell.
        return None
    takes_anything = False
    places = []
    for one in found.parameters.values():
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD):
            places.append(one)
        if one.name == "context" and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            # The only parameter is the step, whatever it is called.
            if places and places[0] is one:
                continue
            return "keyword"
        takes_anything |= one.kind is one.VAR_KEYWORD
    if len(places) > 1 and places[1].default is inspect.Parameter.empty:
        return "position"
    return "keyword" if takes_anything and has_context else None


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    # A callable object may have a coroutine function for its call.
    kind: Any = type(function)
    return any(map(inspect.iscoroutinefunction, (function, kind.__call__)))


def _is_async(function: Callable[..., Any]) -> bool:
    """Whether its values are to be awaited, as far as that can be seen before it is called."""
    while isinstance(function, functools.partial):
        function = function.func
    return _is_coroutine_function(function) or _is_coroutine_function(inspect.unwrap(function))


def _awaiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a plain function around a coroutine function, which may give either."""

    @functools.wraps(function)
    async def awaiting(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    return awaiting

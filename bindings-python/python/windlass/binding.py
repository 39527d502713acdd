"""How the keys of a payload become the arguments of a handler, and back."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from windlass import _forms
from windlass.context import Context
from windlass.errors import InvalidPayloadError
from windlass.options import invalid

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Binding:
    """The parameters of one handler.

    Keys bind to parameters by name. A parameter `ctx`, or one annotated `Context`, is given the
    context and is no key. A lone parameter called `payload` takes the whole payload.
    """

    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self.name = name
        hints = _hints(fn)
        parameters = list(inspect.signature(fn).parameters.values())
        self.context = next((p.name for p in parameters if _is_context(p, hints)), None)
        own = [p for p in parameters if p.name != self.context]
        for parameter in parameters:
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                raise invalid("handler", f"{name} takes *{parameter.name}: keys cannot bind to it")
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                raise invalid("handler", f"{name} takes {parameter.name} by position only")
        self.takes_all = len(own) == 1 and own[0].name == "payload" and own[0].kind in _BY_NAME
        self.takes_more = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own)
        named = [p for p in own if p.kind in _BY_NAME]
        self.positions = [p.name for p in named if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        self.known = frozenset(p.name for p in named)
        self.required = frozenset(p.name for p in named if p.default is inspect.Parameter.empty)
        ways = {p.name: _forms.rebuild(hints.get(p.name)) for p in named}
        self.ways = {key: way for key, way in ways.items() if way is not None}

    def arguments(self, payload: Any) -> dict[str, Any]:
        """The keyword arguments for a payload; `InvalidPayloadError` where they do not fit."""
        if self.takes_all:
            payload = {"payload": payload}
        elif payload is None and not self.required:
            payload = {}
        elif type(payload) is not dict:
            raise self._misfit(f"must be an object with its arguments, not {payload!r:.40}")
        self._check(payload)
        if self.ways:
            for key, way in self.ways.items():
                if (value := payload.get(key)) is not None:
                    try:
                        payload[key] = way(value)
                    except Exception as error:
                        raise self._misfit(f"argument {key} does not fit: {error}") from error
        arguments: dict[str, Any] = payload
        return arguments

    def payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The payload for a call with these arguments; errors as `arguments`."""
        if args:
            if len(args) > len(self.positions):
                count = len(args) - len(self.positions)
                raise self._misfit(f"{count} positional argument(s) too many")
            for key, value in zip(self.positions, args, strict=False):
                if key in kwargs:
                    raise self._misfit(f"argument {key} is given twice")
                kwargs[key] = value
        self._check(kwargs)
        return kwargs["payload"] if self.takes_all else kwargs

    def _check(self, given: Mapping[str, Any]) -> None:
        keys = given.keys()
        if self.required <= keys and (self.takes_more or keys <= self.known):
            return
        missing = [key for key in self.positions if key in self.required and key not in keys]
        missing += sorted(self.required - keys - set(missing))
        unexpected = [] if self.takes_more else sorted(keys - self.known)
        reasons = []
        if missing:
            reasons.append(f"missing {', '.join(missing)}")
        if unexpected:
            reasons.append(f"unexpected {', '.join(unexpected)}")
        raise self._misfit("; ".join(reasons))

    def _misfit(self, reason: str) -> InvalidPayloadError:
        text = f"arguments of handler {self.name}: {reason}"
        return InvalidPayloadError(
            f"payload is not valid: {text}", fields={"field": "payload", "reason": text}
        )


def result_type(fn: Callable[..., Any]) -> Any:
    """What a handler is annotated to return."""
    return _hints(fn).get("return")


def _is_context(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    return hints.get(parameter.name) is Context or (
        parameter.name == "ctx" and parameter.kind in _BY_NAME
    )


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(fn)
    except Exception:
        # Some name exists for type checkers only: the others still count.
        return {key: _evaluated(fn, hint) for key, hint in inspect.get_annotations(fn).items()}


def _evaluated(fn: Callable[..., Any], hint: Any) -> Any:
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, getattr(inspect.unwrap(fn), "__globals__", {}))
    except Exception:
        return Context if hint.rpartition(".")[2] == "Context" else Any

"""Options of a task, by their Python names, and the wire records they become.

Nothing is checked here: core refuses what it does not know or does not allow, naming the field.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypedDict

from windlass import _forms
from windlass.errors import InvalidArgumentError, NotImplementedYetError

Seconds = float | dt.timedelta
Labels = Mapping[str, str | int | float | bool]


class RetryOptions(TypedDict, total=False):
    """How failed attempts are repeated. Delays are seconds or `timedelta`."""

    max_retries: int
    initial_delay: Seconds
    exponential_base: float
    max_delay: Seconds
    jitter: float
    retry_on_timeout: bool


class HandlerOptions(TypedDict, total=False):
    """What a handler declares about its attempts: used for tasks submitted without."""

    timeout: Seconds | None
    max_retries: int | None
    retry: RetryOptions | None


class BatchOptions(HandlerOptions, total=False):
    """What holds for the tasks of a batch that do not say otherwise."""

    queue: str | None
    run_at: dt.datetime | None
    delay: Seconds | None
    traceparent: str | None
    state_key: str | None
    initial_state: Any


class StageOptions(BatchOptions, total=False):
    """What a stage of a pipeline can be given."""

    priority: int | str | None
    labels: Labels | None
    metadata: Mapping[str, Any] | None


class TaskOptions(StageOptions, total=False):
    """What one task can be given."""

    idempotency_key: str | None


# Python's name to the wire's, where they differ.
_WIRE = {"timeout": "timeout_seconds", "delay": "delay_seconds"}
_RETRY_WIRE = {"initial_delay": "initial_delay_seconds", "max_delay": "max_delay_seconds"}
# Arguments of the documents whose parts come later: refused, never ignored.
_LATER = ("tee_required",)


def wire(options: Mapping[str, Any]) -> str:
    """The options' JSON object without its closing brace, so that a payload can follow."""
    fields = []
    for name, value in options.items():
        if value is None:
            continue
        if name in _LATER:
            if value:
                raise later(name)
            continue
        if name == "retry" and isinstance(value, Mapping):
            value = {_RETRY_WIRE.get(k, k): _forms.seconds(v) for k, v in value.items()}
        name = _WIRE.get(name, name)
        fields.append(f"{_forms.encode('option', name)}:{_value(name, value)}")
    return "{" + ",".join(fields)


def record(options: str, payload: str) -> str:
    """The record of a task to submit, from `wire` and the payload's text."""
    comma = "," if len(options) > 1 else ""
    return f'{options}{comma}"payload":{payload}}}'


def _value(name: str, value: Any) -> str:
    if name in ("metadata", "initial_state"):
        return _forms.encode(name, value)
    try:
        return _forms._encode(_forms.seconds(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid(name, str(error)) from error


def invalid(field: str, reason: str) -> InvalidArgumentError:
    """The error for an argument that has no form on the wire."""
    return InvalidArgumentError(f"{field}: {reason}", fields={"field": field, "reason": reason})


def later(feature: str) -> NotImplementedYetError:
    """The error for an argument whose part is not built yet."""
    return NotImplementedYetError(f"{feature} is not implemented yet", fields={"feature": feature})

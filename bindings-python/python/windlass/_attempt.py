"""One attempt: from a claimed job to the outcome that native code is told."""

from __future__ import annotations

import asyncio
import datetime as dt
import traceback
from typing import TYPE_CHECKING, Any, TypeAlias

from windlass import _forms, _native
from windlass.context import Context
from windlass.errors import InvalidPayloadError
from windlass.outcomes import Outcome

if TYPE_CHECKING:
    from windlass.handler import Handler

#: What native code is told: JSON text of a result, or a tuple; see `_native.Worker.complete`.
Told: TypeAlias = Any


def arguments(
    handler: Handler[..., ..., Any, Any],
    payload: str,
    job: _native.Job,
    worker: _native.Worker,
) -> dict[str, Any]:
    """What the handler is called with."""
    binding = handler.binding
    kwargs = binding.arguments(_forms.decode(payload))
    if binding.context is not None:
        now = dt.datetime.now(dt.timezone.utc)
        kwargs[binding.context] = Context(job, worker, now, handler.is_async)
    return kwargs


def told(handler: Handler[..., ..., Any, Any], value: Any, kwargs: dict[str, Any]) -> Told:
    """The outcome of a handler that was called with `kwargs` and returned `value`."""
    if isinstance(value, Outcome):
        return failed(value)
    try:
        result = _forms.encode("result", value)
        name = handler.binding.context
        state = None if name is None else kwargs[name]._changed_state()
    except InvalidPayloadError as error:
        text = f"{error.field} of handler {handler.name}: {error.reason}"
        return ("fail", "invalid_payload", text, None, None, False)
    return result if state is None else ("complete", result, state)


def failed(error: BaseException) -> Told:
    """The outcome of a handler that raised `error`."""
    if isinstance(error, Outcome):
        try:
            return error._settle()
        except Exception as wrong:
            # The attempt has ended all the same, and must be told.
            text = f"{type(error).__name__}: {_message(wrong)}"
            return ("fail", "handler_error", text, type(wrong).__name__, _trace(wrong), False)
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    retryable = getattr(error, "retryable", True) is not False or hasattr(error, "http_status")
    return ("fail", "handler_error", _message(error), name, _trace(error), retryable)


def misfit(error: InvalidPayloadError) -> Told:
    """The outcome of a task whose payload does not fit its handler."""
    return ("fail", "invalid_payload", error.message, None, None, False)


def cancelled(job: _native.Job, error: asyncio.CancelledError) -> Told:
    """The outcome of a coroutine that was cancelled: by us, or by its own code."""
    if job.cancel_reason is not None:
        return ("cancel", None)
    return (
        "fail",
        "handler_error",
        "the handler was cancelled by its own code",
        "CancelledError",
        _trace(error),
        True,
    )


def _message(error: BaseException) -> str:
    try:
        text = str(error) or type(error).__name__
    except Exception:
        text = type(error).__name__
    # Lone surrogates have no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _trace(error: BaseException) -> str | None:
    try:
        frames = error.__traceback__
        # The first frames are ours.
        while frames is not None and frames.tb_frame.f_globals.get("__package__") == __package__:
            frames = frames.tb_next
        text = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:
        return None
    return text.encode("utf-8", "backslashreplace").decode()

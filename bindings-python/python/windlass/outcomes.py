"""What a handler can say instead of returning a result: raise one of these, or return it."""

from __future__ import annotations

import datetime as dt

from windlass import _forms

Seconds = float | dt.timedelta


class Outcome(Exception):  # noqa: N818  no error: it says how an attempt ended
    """Base of what a handler says about its attempt. By itself it says nothing: the task fails."""

    def _settle(self) -> tuple[object, ...]:
        """The outcome as it crosses to native code."""
        name = type(self).__name__
        text = f"the handler answered with {name}: use Retry, Snooze, Cancel or Fail"
        return ("fail", "handler_error", text, name, None, False)


class Retry(Outcome):
    """Run the task again, after `after` seconds or by its retry policy. Counts as an attempt."""

    def __init__(
        self,
        message: str = "the handler asked for another attempt",
        *,
        after: Seconds | None = None,
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.after = after

    def _settle(self) -> tuple[object, ...]:
        return ("retry", _forms.seconds(self.after), self.message, "Retry", None)


class Snooze(Outcome):
    """Run the task again after `after` seconds. Does not count as an attempt."""

    def __init__(self, after: Seconds) -> None:
        super().__init__(f"snooze for {after}")
        self.after = after

    def _settle(self) -> tuple[object, ...]:
        return ("snooze", _forms.seconds(self.after))


class Cancel(Outcome):
    """Cancel the task."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or "cancelled by the handler")
        self.reason = reason

    def _settle(self) -> tuple[object, ...]:
        return ("cancel", self.reason)


class Fail(Outcome):
    """Fail the task for good: it is not retried."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = str(message)

    def _settle(self) -> tuple[object, ...]:
        return ("fail", "handler_error", self.message, "Fail", None, False)

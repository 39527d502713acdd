"""A handler with its arguments, to be submitted as part of something: a batch, a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from windlass import _forms, options

Result_co = TypeVar("Result_co", covariant=True)


class TaskCall(Generic[Result_co]):
    """What `handler.bind(…)` gives: a task that is not stored yet."""

    __slots__ = ("options", "payload", "rebuild")

    def __init__(
        self,
        payload: Any,
        options: Mapping[str, Any],
        rebuild: _forms.Rebuild | None = None,
    ) -> None:
        #: What the handler will be given.
        self.payload = payload
        #: Its `task_type` and what else it is submitted with.
        self.options = dict(options)
        #: How its result becomes what the handler is annotated to return.
        self.rebuild = rebuild

    def record(self, common: Mapping[str, Any] | None = None) -> str:
        """Its wire record; `common` holds for what it does not say itself."""
        given = {**common, **self.options} if common else self.options
        return options.record(options.wire(given), _forms.encode("payload", self.payload))

    def __repr__(self) -> str:
        return f"TaskCall({self.options.get('task_type')!r}, {self.payload!r:.60})"

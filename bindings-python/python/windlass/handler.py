"""A decorated function: runs plainly when called, and as a task when submitted."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from windlass import _bridge, _forms, _native, options
from windlass.binding import Binding, result_type
from windlass.calls import TaskCall
from windlass.handle import TaskHandle
from windlass.task import Submission

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from windlass.app import App

#: Arguments of a plain call, and of a submit: the same without the context.
Called = ParamSpec("Called")
Submitted = ParamSpec("Submitted")
#: What a plain call returns, and what the task results in: a coroutine's answer.
Returned = TypeVar("Returned")
Result = TypeVar("Result")


class Handles(list[TaskHandle[Result]]):
    """Handles of tasks that were submitted together, in order."""

    @property
    def batch_id(self) -> str | None:
        """The batch; `None` when it is empty."""
        return self[0].submission.batch_id if self and self[0].submission else None

    @property
    def task_ids(self) -> list[str]:
        """The tasks' ids."""
        return [handle.task_id for handle in self]


class Prepared(Generic[Submitted, Result]):
    """A handler with the options of a submit."""

    __slots__ = ("_given", "_handler", "_prefix")

    def __init__(
        self, handler: Handler[..., Submitted, Any, Result], given: Mapping[str, Any]
    ) -> None:
        self._handler = handler
        self._given = given
        self._prefix = options.wire(given)

    def bind(self, *args: Submitted.args, **kwargs: Submitted.kwargs) -> TaskCall[Result]:
        """A task that is not stored yet: for a batch, its hooks, or a stage of a pipeline.

        Raises `InvalidPayloadError` when the arguments do not fit.
        """
        payload = self._handler.binding.payload(args, kwargs)
        return TaskCall(payload, self._given, self._handler.rebuild)

    def submit(self, *args: Submitted.args, **kwargs: Submitted.kwargs) -> TaskHandle[Result]:
        """Stores a task with the handler's own arguments; durable when it returns.

        Raises `InvalidPayloadError` when they do not fit, and what `Client.submit_task` raises.
        """
        client = self._handler.app.native
        stored = client.submit([self._record(args, kwargs)], False)
        return self._handle(client, stored[0])

    async def asubmit(
        self, *args: Submitted.args, **kwargs: Submitted.kwargs
    ) -> TaskHandle[Result]:
        """The same in a coroutine."""
        client = self._handler.app.native
        stored = await client.submit([self._record(args, kwargs)], False, _bridge.current())
        return self._handle(client, stored[0])

    def submit_many(self, calls: Iterable[Any]) -> Handles[Result]:
        """Stores one task for each call, all or none, under one batch id.

        A call is a mapping of the handler's arguments, or a tuple of them; for a handler with the
        lone parameter `payload` it is the payload.
        """
        client = self._handler.app.native
        stored = client.submit([self._call_record(call) for call in calls], True)
        return Handles(self._handle(client, one) for one in stored)

    async def asubmit_many(self, calls: Iterable[Any]) -> Handles[Result]:
        """The same in a coroutine."""
        client = self._handler.app.native
        records = [self._call_record(call) for call in calls]
        stored = await client.submit(records, True, _bridge.current())
        return Handles(self._handle(client, one) for one in stored)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        payload = self._handler.binding.payload(args, kwargs)
        return options.record(self._prefix, _forms.encode("payload", payload))

    def _call_record(self, call: Any) -> str:
        if self._handler.binding.takes_all:
            return options.record(self._prefix, _forms.encode("payload", call))
        if isinstance(call, Mapping):
            return self._record((), dict(call))
        if isinstance(call, tuple):
            return self._record(call, {})
        raise options.invalid("calls", f"must hold mappings or tuples, not {call!r:.40}")

    def _handle(
        self, client: _native.Client, stored: tuple[str, str, bool, str | None]
    ) -> TaskHandle[Result]:
        return TaskHandle(client, stored[0], self._handler.rebuild, Submission._from(stored))


class Handler(Generic[Called, Submitted, Returned, Result]):
    """A handler of an `App`. Calling it runs the function plainly, without a task."""

    def __init__(
        self,
        app: App,
        fn: Callable[Called, Returned],
        name: str | None,
        default: bool,
        given: Mapping[str, Any],
    ) -> None:
        functools.update_wrapper(self, fn)
        self.app = app
        self.fn = fn
        #: The task type it handles.
        self.name = name or str(getattr(fn, "__name__", type(fn).__name__))
        #: Whether it also takes tasks that name no handler.
        self.default = default
        #: Whether calling it gives a coroutine; a plain wrapper passes on that of what it wraps.
        self.is_async = any(
            map(inspect.iscoroutinefunction, (fn, inspect.unwrap(fn), type(fn).__call__))
        )
        self.binding = Binding(self.name, fn)
        self.rebuild = _forms.rebuild(result_type(fn))
        attempts = {key: given.get(key) for key in ("timeout", "max_retries", "retry")}
        #: What a worker declares for it; checked now, where it was written.
        self.declared = options.wire(attempts) + "}"
        self._given = {key: value for key, value in given.items() if key not in attempts}
        _native.check_options(self.declared)
        _native.check_options(options.wire({**self._given, "task_type": self.name}) + "}")
        self._prepared = self.options()

    def __call__(self, *args: Called.args, **kwargs: Called.kwargs) -> Returned:
        return self.fn(*args, **kwargs)

    def options(self, **given: Unpack[options.TaskOptions]) -> Prepared[Submitted, Result]:
        """The handler with options for what is submitted: `f.options(priority=1).submit(…)`."""
        return Prepared(self, {"task_type": self.name, **self._given, **given})

    def submit(self, *args: Submitted.args, **kwargs: Submitted.kwargs) -> TaskHandle[Result]:
        """Stores a task with the handler's own arguments. See `Prepared.submit`."""
        return self._prepared.submit(*args, **kwargs)

    async def asubmit(
        self, *args: Submitted.args, **kwargs: Submitted.kwargs
    ) -> TaskHandle[Result]:
        """The same in a coroutine."""
        return await self._prepared.asubmit(*args, **kwargs)

    def bind(self, *args: Submitted.args, **kwargs: Submitted.kwargs) -> TaskCall[Result]:
        """A task that is not stored yet. See `Prepared.bind`."""
        return self._prepared.bind(*args, **kwargs)

    def submit_many(self, calls: Iterable[Any]) -> Handles[Result]:
        """Stores one task for each call. See `Prepared.submit_many`."""
        return self._prepared.submit_many(calls)

    async def asubmit_many(self, calls: Iterable[Any]) -> Handles[Result]:
        """The same in a coroutine."""
        return await self._prepared.asubmit_many(calls)

    def __repr__(self) -> str:
        return f"Handler({self.name!r})"

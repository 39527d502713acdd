"""One attempt under test: a leased task, run by its handler and settled, without a worker.

What a worker's machine decides natively is decided here in the same way: the timeout, what a
cancellation comes to, and what becomes of an outcome that cannot be stored.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from asyncio import events
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, cast

from windlass import _attempt, _forms, _native
from windlass.errors import (
    InvalidArgumentError,
    InvalidPayloadError,
    LeaseLostError,
    WindlassError,
)

if TYPE_CHECKING:
    from windlass._attempt import Told
    from windlass.context import Context
    from windlass.handler import Handler
    from windlass.testing import ManualClock

    AnyHandler = Handler[..., ..., Any, Any]

#: How long code may ignore its cancellation, in seconds, as a worker's default.
CANCEL_GRACE = 10.0
#: A handler's retries, unless somebody says otherwise.
MAX_RETRIES = 3


class Job:
    """Stands where a `_native.Job` stands."""

    def __init__(self, id: int, leased: Mapping[str, Any], timeout: float | None) -> None:
        record = leased["task"]
        state = leased.get("state")
        self.id = id
        self.task_id: str = record["task_id"]
        self.task_type: str = record["task_type"]
        self.queue: str = record["queue"]
        self.attempt: int = record["attempt"] + (0 if record["lease"]["counted"] else 1)
        self.timeout = timeout
        self.labels: dict[str, str] = dict(record["labels"])
        metadata = record.get("metadata")
        self.metadata = None if metadata is None else json.dumps(metadata)
        self.traceparent: str | None = record.get("traceparent")
        self.batch_id: str | None = record.get("batch_id")
        self.block_id: str | None = record.get("block_id")
        self.pipeline_id: str | None = record.get("pipeline_id")
        self.stage: str | None = record.get("stage")
        self.state_key: str | None = record.get("state_key")
        self.state = None if state is None else _forms.encode("state", state)
        self.idempotency_key: str | None = record.get("idempotency_key")
        self.cancel_reason: str | None = None


class Trial:
    """One attempt."""

    def __init__(
        self,
        hands: _native.Hands,
        compose: Any,
        clock: ManualClock,
        handler: AnyHandler,
        leased: Mapping[str, Any],
        number: int,
    ) -> None:
        record = leased["task"]
        declared = json.loads(handler.declared)
        timeout = record.get("timeout_seconds")
        self.handler = handler
        self.task_id: str = record["task_id"]
        self.token: str = leased["token"]
        #: Whether losing it uses up the attempt.
        self.is_counted: bool = record["lease"]["counted"]
        self.job = Job(
            number, leased, declared.get("timeout_seconds") if timeout is None else timeout
        )
        #: Retry options that the handler declares.
        self.declared = retry_options(declared)
        retries = {**self.declared, **(record.get("retry") or {})}.get("max_retries")
        self.max_retries: int = MAX_RETRIES if retries is None else retries
        #: Answers what the handler asks of other tasks.
        self.compose = compose
        self._hands = hands
        self._clock = clock
        self._payload = _forms.encode("payload", record["payload"])
        self._code: asyncio.Task[Told] | None = None
        self._given_up: asyncio.Future[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        #: Wraps the context that the handler is given.
        self.wrap: Callable[[Context], Any] = _as_it_is
        #: What a plain handler runs in; a fresh copy of the current one unless given.
        self.context: contextvars.Context | None = None
        #: Starts the task that runs a coroutine handler.
        self.spawn: Callable[[Coroutine[Any, Any, Told]], asyncio.Task[Told]] = asyncio.create_task

    def tell_start(self) -> None:
        """Reports the start: from here on the attempt counts."""
        if not self.is_counted:
            self._renew({"started_seconds_ago": 0})
            self.is_counted = True

    def keep(self, seconds: float | None = None) -> str:
        """Renews the lease, or only asks: `held`, `cancel_requested` or `lost`."""
        return self._renew({} if seconds is None else {"lease_seconds": seconds})

    def cancel(self, reason: str) -> None:
        """Asks the handler to stop, once."""
        if self.job.cancel_reason is not None:
            return
        self.job.cancel_reason = reason
        if self._code is not None:
            self._code.cancel()
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(CANCEL_GRACE, self._give_up))

    async def told(self) -> Told | None:
        """Runs the handler to its end; `None` when nobody wants to know."""
        loop = asyncio.get_running_loop()
        began = self._clock.now()
        if self.handler.is_async:
            self._given_up = loop.create_future()
            self._code = self.spawn(self._perform())
            if self.job.timeout is not None:
                self._timers.append(loop.call_later(self.job.timeout, self.cancel, "timeout"))
            try:
                ends = {self._code, self._given_up}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for timer in self._timers:
                    timer.cancel()
            is_given_up = not self._code.done()
            told: Told = ("cancel", "its code ignored the cancellation")
            if not is_given_up:
                told = self._code.result()
        else:
            # From a callback of the loop, not from a task: what runs sees no loop at all, as on a
            # worker's thread, and may run one of its own.
            done: asyncio.Future[Told] = loop.create_future()
            loop.call_soon(self._run_plainly, done)
            told = await done
            took = (self._clock.now() - began).total_seconds()
            if self.job.timeout is not None and took >= self.job.timeout:
                self.job.cancel_reason = self.job.cancel_reason or "timeout"
        if self.job.cancel_reason == "lost":
            return None
        if self.job.cancel_reason == "timeout":
            text = f"attempt ran longer than its timeout of {self.job.timeout:g}s"
            return ("fail", "task_timeout", text, None, None, True)
        return told

    def settle(self, told: Told | None) -> str:
        """Records the outcome; the task's status then, or the code of the error."""
        if told is None:
            return "lease_lost"
        settled: dict[str, Any] | WindlassError
        try:
            settled = self._settle(told)
        except InvalidArgumentError as error:
            settled = error
            if isinstance(told, str):
                # The result could not be read.
                settled = InvalidPayloadError(f"result is not valid: {error.reason}")
        except InvalidPayloadError as error:
            settled = error
        if isinstance(settled, WindlassError) and not isinstance(settled, LeaseLostError):
            # What the handler reported cannot be stored: the task fails with that.
            text = settled.message or settled.code
            settled = self._settle(("fail", settled.code, text, None, None, False))
        if isinstance(settled, WindlassError):
            return settled.code
        return str(settled["status"])

    def stop(self) -> None:
        """Ends it here and now: its task goes back to its queue."""
        for timer in self._timers:
            timer.cancel()
        if self._code is not None:
            self._code.cancel()
        self._settle(("hand_back",))

    def _renew(self, told: Mapping[str, Any]) -> str:
        record = {"task_id": self.task_id, "token": self.token, **told}
        answers: list[str] = json.loads(self._hands.renew(_forms.encode("renewals", [record])))
        return answers[0]

    def _settle(self, told: Told) -> dict[str, Any] | WindlassError:
        record = {"task_id": self.task_id, "token": self.token, "declared": self.declared}
        head = _forms.encode("outcomes", record)[:-1]
        # Results and states are JSON text already; they go as they are.
        if isinstance(told, str):
            rest = f'"outcome":"complete","result":{told}}}'
        elif told[0] == "complete":
            rest = f'"outcome":"complete","result":{told[1]},"state":{told[2]}}}'
        else:
            rest = _forms.encode("outcomes", _outcome(told))[1:]
        return self._hands.settle(f"[{head},{rest}]")[0]

    def _give_up(self) -> None:
        if self._given_up is not None and not self._given_up.done():
            self._given_up.set_result(None)

    def _arguments(self) -> dict[str, Any]:
        job = cast(_native.Job, self.job)
        reports = cast(_native.Worker, _Reports(self))
        kwargs = _attempt.arguments(self.handler, self._payload, job, reports)
        name = self.handler.binding.context
        if name is not None:
            context: Context = kwargs[name]
            context._started = self._clock.now()
            kwargs[name] = self.wrap(context)
        return kwargs

    async def _perform(self) -> Told:
        try:
            try:
                kwargs = self._arguments()
            except InvalidPayloadError as error:
                return _attempt.misfit(error)
            value = await self.handler.fn(**kwargs)
            return _attempt.told(self.handler, value, kwargs)
        except asyncio.CancelledError as error:
            return _attempt.cancelled(cast(_native.Job, self.job), error)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            return _attempt.failed(error)

    def _run_plainly(self, done: asyncio.Future[Told]) -> None:
        loop = events._get_running_loop()
        events._set_running_loop(None)
        try:
            told = self._call()
        finally:
            events._set_running_loop(loop)
        if not done.done():
            done.set_result(told)

    def _call(self) -> Told:
        try:
            try:
                kwargs = self._arguments()
            except InvalidPayloadError as error:
                return _attempt.misfit(error)
            context = self.context or contextvars.copy_context()
            value = context.run(self.handler.fn, **kwargs)
            return _attempt.told(self.handler, value, kwargs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _attempt.failed(error)


class _Reports:
    """Stands where a `_native.Worker` stands for a context: what it is told is stored at once."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def progress(self, _: int, progress: float, message: str | None = None) -> None:
        self._report({"kind": "progress", "progress": progress, "message": message})

    def log(self, _: int, level: str, message: str) -> None:
        self._report({"kind": "log", "level": level, "message": message})

    def upstream(self, task_id: str, name: str, bridge: _native.Bridge | None = None) -> Any:
        return self._trial.compose.upstream(task_id, name, bridge)

    def upstream_names(self, task_id: str, bridge: _native.Bridge | None = None) -> Any:
        return self._trial.compose.upstream_names(task_id, bridge)

    def _report(self, update: Mapping[str, Any]) -> None:
        trial = self._trial
        trial.tell_start()
        trial._renew({"updates": [update]})


def retry_options(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Retry options out of a task's record."""
    options = dict(declared.get("retry") or {})
    if declared.get("max_retries") is not None:
        options["max_retries"] = declared["max_retries"]
    return options


def _outcome(told: tuple[Any, ...]) -> dict[str, Any]:
    """The record of an outcome that native code is told as a tuple."""
    kind, *fields = told
    error_keys = ("message", "error_type", "traceback")
    match kind:
        case "fail":
            keys = ("code", *error_keys, "retryable")
            return {"outcome": "fail", "error": dict(zip(keys, fields, strict=True))}
        case "retry":
            error = {"code": "handler_error", **dict(zip(error_keys, fields[1:], strict=True))}
            error["retryable"] = True
            return {"outcome": "retry", "after_seconds": fields[0], "error": error}
        case "snooze":
            return {"outcome": "snooze", "after_seconds": fields[0]}
        case "cancel":
            return {"outcome": "cancel", "reason": fields[0]}
    return {"outcome": kind}


def _as_it_is(context: Context) -> Context:
    return context

"""Pipelines: named stages that wait for each other, run by the store's workers."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from windlass import _bridge, _forms, _native, options
from windlass._monitor import Monitor
from windlass.calls import TaskCall
from windlass.handle import TaskHandle
from windlass.options import Labels, Seconds, StageOptions
from windlass.stages import PipelineStatus, Stage, mermaid
from windlass.updates import Updates

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")

#: Tasks asked for at once.
CHUNK = 500


class Graph:
    """Stages, and what they wait for; once executed, the pipeline that is stored."""

    def __init__(
        self,
        client: _native.Client,
        name: str,
        *,
        labels: Labels | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self._client = client
        self._compose = client.compose()
        self._given = {
            "name": name,
            "labels": labels,
            "metadata": metadata,
            "idempotency_key": idempotency_key,
        }
        #: For people.
        self.name = name
        #: Its id, once executed: also the id of the task that stands for it.
        self.pipeline_id: str | None = None
        #: Whether its idempotency key was known, so that nothing new was stored.
        self.deduplicated = False
        #: Its stages by name, in the order in which they were added.
        self.stages: dict[str, Stage[Any]] = {}
        self._added: list[Stage[Any]] = []
        self._records: list[tuple[dict[str, Any], str]] = []

    @overload
    def add_stage(
        self,
        name: str,
        *,
        task: TaskCall[T],
        depends_on: Iterable[Stage[Any] | str] | Stage[Any] | str = (),
        **given: Unpack[StageOptions],
    ) -> Stage[T]: ...
    @overload
    def add_stage(
        self,
        name: str,
        payload: Any = None,
        depends_on: Iterable[Stage[Any] | str] | Stage[Any] | str = (),
        task_type: str | None = None,
        *,
        task: None = None,
        **given: Unpack[StageOptions],
    ) -> Stage[Any]: ...

    def add_stage(
        self,
        name: str,
        payload: Any = None,
        depends_on: Iterable[Stage[Any] | str] | Stage[Any] | str = (),
        task_type: str | None = None,
        *,
        task: TaskCall[Any] | None = None,
        **given: Unpack[StageOptions],
    ) -> Stage[Any]:
        """Adds a stage, which starts when all that it depends on has completed.

        It is a task: `payload`, `task_type` and the options are those of `submit_task`, without
        `idempotency_key`; or `task` is a handler with its arguments, `thumbnail.bind("a.jpg")`.
        `depends_on` holds stages or their names; a name may be that of a stage which comes later.
        Its handler reads what they returned as `ctx.upstream["name"]`. The graph is checked as a
        whole when it is executed.

        Raises `InvalidArgumentError` for a stage of another pipeline, and once it is executed.
        """
        if self.pipeline_id is not None:
            raise options.invalid("pipeline", "is executed: its stages stay as they are")
        stage: Stage[Any] = Stage(
            self, name, self._names(depends_on), None if task is None else task.rebuild
        )
        own: dict[str, Any] = {"task_type": task_type, **given}
        if task is not None:
            if payload is not None or task_type is not None:
                raise options.invalid("task", "has its payload and its task_type already")
            own, payload = {**task.options, **given}, task.payload
        record = {"name": name, "depends_on": list(stage.depends_on) or None, **own}
        self._records.append((record, _forms.encode("payload", payload)))
        self._added.append(stage)
        self.stages[name] = stage
        return stage

    def _names(self, wanted: Iterable[Stage[Any] | str] | Stage[Any] | str) -> tuple[str, ...]:
        names = []
        for one in [wanted] if isinstance(wanted, (str, Stage)) else wanted:
            if isinstance(one, Stage):
                if one.pipeline is not self:
                    reason = f"{one.name!r} is a stage of another pipeline, {one.pipeline.name!r}"
                    raise options.invalid("depends_on", reason)
                names.append(one.name)
            elif isinstance(one, str):
                names.append(one)
            else:
                raise options.invalid("depends_on", f"must hold stages or names, not {one!r:.40}")
        return tuple(names)

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart; that of `status()` has the states of the stages."""
        return mermaid([(stage.name, list(stage.depends_on), None) for stage in self._added])

    def task(self, stage: Stage[T] | str) -> TaskHandle[T]:
        """A handle on the task of a stage. Raises `InvalidArgumentError` for one of another."""
        name = stage.name if isinstance(stage, Stage) else stage
        found = self.stages.get(name)
        if found is None or (isinstance(stage, Stage) and stage.pipeline is not self):
            raise options.invalid("stage", f"{name!r} is no stage of {self.name!r}")
        self._id()
        assert found.task_id is not None
        return TaskHandle(self._client, found.task_id, found._rebuild)

    def stream(self, after: int = 0) -> Updates:
        """The history as stored, behind entry `after`: `member` entries, and its own."""
        return Updates(self._client.updates(self._id(), after))

    def monitor(self, after: int = 0) -> Monitor:
        """Changes of stages as they happen, then exactly one item for the end of the pipeline.

        Behind entry `after`, with `for` or `async for`; without the end where that was entry
        `after`. Leaving it leaves the pipeline alone.
        """
        return Monitor(self._client, self._id(), len(self._added), after)

    def _id(self) -> str:
        if self.pipeline_id is None:
            raise options.invalid("pipeline", f"{self.name!r} is not executed yet")
        return self.pipeline_id

    def _record(
        self,
        priority: int | str | None,
        timeout: Seconds | None,
        idempotency_key: str | None,
    ) -> str:
        """The wire record."""
        if self.pipeline_id is not None:
            raise options.invalid("pipeline", "is executed already: create another one")
        stages = [
            options.record(options.wire({"priority": priority, **_given(own)}), payload)
            for own, payload in self._records
        ]
        own = {**self._given, "timeout": timeout}
        if idempotency_key is not None:
            own["idempotency_key"] = idempotency_key
        head = options.wire(own)
        return f'{head},"stages":[{",".join(stages)}]}}'

    def _executed(self, text: str) -> None:
        record = json.loads(text)
        self.pipeline_id = record["pipeline_id"]
        self.deduplicated = record["deduplicated"]
        for stage, task_id in zip(self._added, record["task_ids"], strict=True):
            stage.task_id = task_id

    def _found(self, text: str) -> PipelineStatus:
        """Takes in how a pipeline stands that is stored."""
        status = PipelineStatus(json.loads(text))
        if self.pipeline_id is None:
            self.pipeline_id = status.pipeline_id
            self.name = status.name
            for name, found in status.stages.items():
                stage: Stage[Any] = Stage(self, name, tuple(found.depends_on))
                stage.task_id = found.task_id
                self._added.append(stage)
                self.stages[name] = stage
        return status

    def _completed(self, status: PipelineStatus) -> tuple[list[str], list[list[str]]]:
        """Names of the stages that completed, and their tasks in chunks."""
        done = [s for s in status.stages.values() if s.status == "completed"]
        ids = [stage.task_id for stage in done]
        chunks = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)]
        return [stage.name for stage in done], chunks

    def _read(self, name: str, value: Any) -> Any:
        rebuild = self.stages[name]._rebuild
        return value if rebuild is None or value is None else rebuild(value)

    def __repr__(self) -> str:
        where = "" if self.pipeline_id is None else f", pipeline_id={self.pipeline_id!r}"
        return f"{type(self).__name__}({self.name!r}, stages={len(self._added)}{where})"


def _given(own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if value is not None}


class Pipeline(Graph):
    """A pipeline, for blocking code. Made by `client.create_pipeline` and `client.get_pipeline`.

    Errors of every verb once it is executed: `PipelineNotFoundError`.
    """

    def execute(
        self,
        priority: int | str | None = None,
        timeout: Seconds | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Self:
        """Stores the pipeline whole, durably, and returns at once: workers run it.

        `priority` is for stages that have none of their own. `timeout` limits the whole, in
        seconds: then the pipeline fails, and what is unfinished is cancelled.

        Raises `InvalidArgumentError` that names the culprits of a cycle, of an unknown, a duplicate
        or its own name in `depends_on`, and what `submit_task` raises: then nothing is stored.
        """
        record = self._record(priority, timeout, idempotency_key)
        self._executed(self._compose.submit_pipeline(record))
        return self

    def status(self) -> PipelineStatus:
        """How it and its stages stand."""
        return self._found(self._compose.pipeline(self._id()))

    def wait(self, timeout: Seconds | None = None) -> PipelineStatus:
        """How it ended, once it has. Raises `TaskTimeoutError`; the pipeline goes on then."""
        _bridge.refuse_in_loop("an AsyncClient")
        self._client.wait([self._id()], _forms.seconds(timeout), False)
        return self.status()

    def result(self, stage: Stage[T] | str, timeout: Seconds | None = None) -> T:
        """What a stage returned, once it is there. Raises as `TaskHandle.result`."""
        return self.task(stage).result(timeout)

    def results(self, timeout: Seconds | None = None) -> dict[str, Any]:
        """What its stages returned, by name, once it has ended: those that completed."""
        names, chunks = self._completed(self.wait(timeout))
        records = [one for ids in chunks for one in json.loads(self._client.get_many(ids))]
        return {n: self._read(n, r["result"]) for n, r in zip(names, records, strict=True)}

    def cancel(self) -> PipelineStatus:
        """Cancels it at once, and its unfinished stages with it. No error when it has ended."""
        return self._found(self._compose.cancel_pipeline(self._id()))

    def retry(self, stage: Stage[Any] | str | None = None) -> PipelineStatus:
        """Runs failed and cancelled stages again, from `stage` on or all; others wait for them.

        What completed stays. Raises `InvalidTransitionError` when there is nothing to run again.
        """
        name = stage.name if isinstance(stage, Stage) else stage
        return self._found(self._compose.retry_pipeline(self._id(), name))


class AsyncPipeline(Graph):
    """A pipeline, for coroutines: the verbs of `Pipeline`. Awaiting it waits for its end."""

    async def execute(
        self,
        priority: int | str | None = None,
        timeout: Seconds | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Self:
        """Stores the pipeline whole, durably. See `Pipeline.execute`."""
        record = self._record(priority, timeout, idempotency_key)
        self._executed(await self._compose.submit_pipeline(record, _bridge.current()))
        return self

    async def status(self) -> PipelineStatus:
        """How it and its stages stand."""
        return self._found(await self._compose.pipeline(self._id(), _bridge.current()))

    async def wait(self, timeout: Seconds | None = None) -> PipelineStatus:
        """How it ended, once it has. Raises `TaskTimeoutError`; the pipeline goes on then."""
        seconds = _forms.seconds(timeout)
        await self._client.wait([self._id()], seconds, False, _bridge.current())
        return await self.status()

    def __await__(self) -> Generator[Any, None, PipelineStatus]:
        return self.wait().__await__()

    async def result(self, stage: Stage[T] | str, timeout: Seconds | None = None) -> T:
        """What a stage returned, once it is there. Raises as `TaskHandle.result`."""
        return await self.task(stage).aresult(timeout)

    async def results(self, timeout: Seconds | None = None) -> dict[str, Any]:
        """What its stages returned, by name, once it has ended: those that completed."""
        names, chunks = self._completed(await self.wait(timeout))
        records: list[Any] = []
        for ids in chunks:
            records += json.loads(await self._client.get_many(ids, _bridge.current()))
        return {n: self._read(n, r["result"]) for n, r in zip(names, records, strict=True)}

    async def cancel(self) -> PipelineStatus:
        """Cancels it at once, and its unfinished stages with it. No error when it has ended."""
        text = await self._compose.cancel_pipeline(self._id(), _bridge.current())
        return self._found(text)

    async def retry(self, stage: Stage[Any] | str | None = None) -> PipelineStatus:
        """Runs failed and cancelled stages again. See `Pipeline.retry`."""
        name = stage.name if isinstance(stage, Stage) else stage
        return self._found(await self._compose.retry_pipeline(self._id(), name, _bridge.current()))

"""A fresh store for one case, and what a step can call on it: records in, records out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import windlass
from block import run_block
from vectors import VectorError
from windlass.testing import ManualClock, Server

_numbers = itertools.count()
SOON = 20.0


def _named(record: dict[str, Any]) -> dict[str, Any]:
    """A wire record by Python's names."""
    given = {key.removesuffix("_seconds"): value for key, value in record.items()}
    if "run_at" in given:
        given["run_at"] = _instant(given["run_at"])
    if isinstance(given.get("retry"), dict):
        given["retry"] = _named(given["retry"])
    return given


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def error_record(error: windlass.WindlassError) -> dict[str, Any]:
    return {"code": error.code, "fields": error.fields}


class Site:
    """An empty store with a clock that stands still; a client for each tenant.

    With `rest` a real server has the store, and the clients ask it.
    """

    def __init__(
        self, store: str, folder: Path, options: dict[str, Any], *, rest: bool = False
    ) -> None:
        name = f"vector-{next(_numbers)}"
        self.file = folder / f"{name}.db" if store == "sqlite" else None
        self.url = f"sqlite:{self.file}" if self.file else f"memory:python-{name}"
        self.clock = ManualClock()
        # What tells a store how to be; nothing is waited for: a full queue answers at once.
        self.options: Any = {"clock": self.clock, "seedless_jitter": True, **_named(options)}
        self.clients: dict[str, windlass.Client] = {}
        self.rest = rest
        self.server: Server | None = None

    def connect(self, url: str, tenant: str) -> windlass.Client:
        if not self.rest:
            return windlass.Client(url, tenant=tenant, patience=0, **self.options)
        if url != self.url:
            # What is elsewhere is the server's to open, too.
            with Server(url, **self.options) as server:
                return windlass.Client(server.url)
        if self.server is None:
            self.server = Server(url, **self.options)
        return windlass.Client(self.server.url, tenant=tenant, patience=0)

    def client(self, tenant: str = "default") -> windlass.Client:
        if tenant not in self.clients:
            self.clients[tenant] = self.connect(self.url, tenant)
        return self.clients[tenant]

    def reopen(self) -> None:
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        if self.server is not None:
            self.server.stop()
            self.server = None

    def call(self, verb: str, args: dict[str, Any], tenant: str = "default") -> Any:
        if verb not in VERBS:
            raise VectorError(f"there is no verb {verb!r}")
        return VERBS[verb](self.client(tenant), **args)


def _updates(client: windlass.Client, task_id: str, after: int = 0, take: int | None = None) -> Any:
    return _records(itertools.islice(client.stream_task(task_id, after), take))


def _instants(filters: dict[str, Any]) -> dict[str, Any]:
    at = {name: _instant(filters[name]) for name in ("since", "until") if name in filters}
    return {**filters, **at}


def _wait(client: windlass.Client, task_ids: Any, timeout_seconds: float = SOON, **how: Any) -> Any:
    return _records(client.wait_for_batch(task_ids, timeout_seconds, **how))


def _lease(client: windlass.Client, **request: Any) -> Any:
    return client.lease(**{"worker": "w1", "handlers": ["work"], "limit": 10, **request})


def _settle(client: windlass.Client, outcomes: Any) -> Any:
    settled = client.settle(outcomes)
    return [one if isinstance(one, dict) else {"error": error_record(one)} for one in settled]


def _records(views: Iterable[Any]) -> list[Any]:
    return [view.record for view in views]


def _told(given: dict[str, Any]) -> dict[str, Any]:
    """What a batch is told, with its hooks."""
    hooks = ("on_complete", "on_success", "on_failure")
    return {key: _named(value) if key in hooks else value for key, value in given.items()}


def _batch(handle: windlass.BatchHandle) -> Any:
    stored = {"batch_id": handle.batch_id, "deduplicated": handle.deduplicated}
    return {**stored, "submissions": _records(handle.submissions)}


def _create_batch(client: windlass.Client, tasks: Any, **given: Any) -> Any:
    return _batch(client.submit_batch(map(_named, tasks), **_told(given)))


def _open_batch(client: windlass.Client, **given: Any) -> Any:
    return {"batch_id": client.open_batch(**_told(given)).batch_id}


def _extend_batch(client: windlass.Client, batch_id: str, chunk: int, tasks: Any) -> Any:
    return {"total": client.continue_batch(batch_id, chunk).add(map(_named, tasks))}


def _seal_batch(client: windlass.Client, batch_id: str) -> Any:
    return _batch(client.continue_batch(batch_id, 0).seal())


def _submit_pipeline(
    client: windlass.Client,
    name: str,
    stages: Any,
    timeout_seconds: float | None = None,
    **given: Any,
) -> Any:
    pipeline = client.create_pipeline(name, **given)
    added = [pipeline.add_stage(**_named(stage)) for stage in stages]
    pipeline.execute(timeout=timeout_seconds)
    return {
        "pipeline_id": pipeline.pipeline_id,
        "task_ids": [stage.task_id for stage in added],
        "status": pipeline.status().status,
        "deduplicated": pipeline.deduplicated,
    }


def _submit_block(client: windlass.Client, **block: Any) -> Any:
    handle = client.submit_block(block)
    stored = {"task_id": handle.task_id, "deduplicated": handle.deduplicated}
    return {**stored, "status": client.get_task(handle.task_id).status}


def _upstream(client: windlass.Client, task_id: str, name: str) -> Any:
    try:
        return client.upstream(task_id, name)
    except windlass.MissingUpstreamError:
        return None


VERBS: dict[str, Callable[..., Any]] = {
    "submit": lambda client, **record: client.submit_task(**_named(record)).record,
    "submit_batch": lambda c, tasks: _records(c.submit_batch(map(_named, tasks)).submissions),
    "get": lambda client, task_id: client.get_task(task_id).record,
    "get_many": lambda c, task_ids: _records(c.get_batch_status(task_ids).values()),
    "list": lambda client, **given: _records(client.list_tasks(**_instants(given))),
    "count": lambda client, **given: client.count_tasks(**_instants(given)).record,
    "cancel_matching": lambda client, **given: client.cancel_tasks(**_instants(given)).record,
    "retry_matching": lambda client, **given: client.retry_tasks(**_instants(given)).record,
    "counts": lambda client: _records(client.counts()),
    "queues": lambda client: _records(client.queues()),
    "pause": lambda client, queue: client.pause_queue(queue).record,
    "resume": lambda client, queue: client.resume_queue(queue).record,
    "batch": lambda client, batch_id: client.get_batch(batch_id).record,
    "cancel_batch": lambda client, batch_id: client.cancel_batch(batch_id).record,
    "create_batch": _create_batch,
    "open_batch": _open_batch,
    "extend_batch": _extend_batch,
    "seal_batch": _seal_batch,
    "submit_pipeline": _submit_pipeline,
    "pipeline": lambda c, pipeline_id: c.get_pipeline(pipeline_id).status().record,
    "cancel_pipeline": lambda c, pipeline_id: c.get_pipeline(pipeline_id).cancel().record,
    "retry_pipeline": lambda c, pipeline_id, stage=None: (
        c.get_pipeline(pipeline_id).retry(stage).record
    ),
    "submit_block": _submit_block,
    "block": lambda c, task_id: dataclasses.asdict(c.block_handle(task_id).status()),
    "upstream": _upstream,
    "upstream_names": lambda client, task_id: client.upstream_names(task_id),
    "state": lambda client, state_key: client.get_state(state_key),
    "updates": _updates,
    "cancel": lambda client, task_id: client.cancel_task(task_id).record,
    "retry": lambda client, task_id: client.retry_task(task_id).record,
    "why": lambda client, task_id: client.why(task_id).record,
    "lease": _lease,
    "renew": lambda client, renewals: client.renew(renewals),
    "settle": _settle,
    "sweep": lambda client: client.sweep(),
    "wait": _wait,
    "result": lambda c, task_id, timeout_seconds=SOON: c.handle(task_id).result(timeout_seconds),
    "close": lambda client: client.close(),
}


def pure(function: str, given: Any, site: Site) -> Any:
    """A function of core, as the client shows it."""
    if function in ("priority", "handler"):
        record = {"priority": given} if function == "priority" else given
        return site.call("get", _id(site.call("submit", record)))[function]
    if function == "block":
        return run_block(given)
    if function == "same_request":
        try:
            both = [site.call("submit", {**given[side], "idempotency_key": "k"}) for side in "ab"]
        except windlass.IdempotencyConflictError:
            return False
        return both[1]["deduplicated"]
    if function == "backoff":
        retry = {**given["retry"], "max_retries": 1000}
        task = _id(site.call("submit", {"task_type": "work", "retry": retry}))
        for _ in range(given["n"]):
            site.call("sweep", {})
            (leased,) = site.call("lease", {})["tasks"]
            failure = {"outcome": "fail", "error": {"code": "handler_error", "message": "no"}}
            site.call("settle", {"outcomes": [{**task, "token": leased["token"], **failure}]})
            delay = _instant(site.call("get", task)["run_at"]) - site.clock.now()
            site.clock.advance(delay)
        return delay.total_seconds()
    raise VectorError(f"no client shows the function {function!r}")


def _id(submission: dict[str, Any]) -> dict[str, Any]:
    return {"task_id": submission["task_id"]}

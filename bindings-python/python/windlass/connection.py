"""From a URL and options to a connected native client."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from windlass import _forms, _log, _native, _process
from windlass.options import Seconds, later
from windlass.testing import ManualClock

DEFAULT_URL = "sqlite:windlass.db"


class ConnectOptions(TypedDict, total=False):
    """What a connection can be told. What is left out has core's default."""

    #: Whose tasks; `WINDLASS_TENANT_ID`, else `default`.
    tenant: str | None
    #: `full` survives a power cut, `normal` a killed process. Only SQLite. Default `full`.
    durability: Literal["full", "normal"] | None
    #: A clock of one's own, for tests.
    clock: ManualClock | None
    #: Waiting tasks that a queue may hold. Default 10 million.
    queue_depth_limit: int | None
    #: How long finished tasks are kept. Default 7 days.
    retention: Seconds | None
    #: Finished tasks that are kept at most. Default: any number.
    keep_finished: int | None
    #: History entries of one task that are kept at most. Default 10,000.
    updates_per_task: int | None
    #: Draws the middle of every jitter, for tests.
    seedless_jitter: bool


def url_of(given: str | None) -> str:
    """The argument, else `WINDLASS_URL`, else `WINDLASS_API_ENDPOINT`, else the default file."""
    environment = os.environ
    return (
        given
        or environment.get("WINDLASS_URL")
        or environment.get("WINDLASS_API_ENDPOINT")
        or DEFAULT_URL
    )


def connect(
    url: str | None,
    timeout: float | dt.timedelta | None,
    options: ConnectOptions,
    of_the_server: Mapping[str, Any],
) -> _native.Client:
    """A connected native client. `of_the_server` are arguments that only a server has."""
    for name, value in of_the_server.items():
        if value is not None:
            raise later(name)
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    if "retention" in given:
        given["retention"] = _forms.seconds(given["retention"])
    if "clock" in given:
        given["clock"] = given["clock"]._native
    given.setdefault("tenant", os.environ.get("WINDLASS_TENANT_ID") or None)
    _log.sync()
    client = _native.Client(url_of(url), patience=_forms.seconds(timeout), **given)
    _process.clients.add(client)
    return client

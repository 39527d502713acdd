"""From a URL and options to a connected native client."""

from __future__ import annotations

import os
from typing import Any, Literal, TypedDict

from windlass import _forms, _log, _native, _process
from windlass.options import Seconds, invalid
from windlass.resilience import CircuitBreakerConfig, RetryConfig
from windlass.testing import ManualClock

DEFAULT_URL = "sqlite:windlass.db"
_ENVIRONMENT = {
    "tenant": "WINDLASS_TENANT_ID",
    "api_key": "WINDLASS_API_KEY",
    "ca_file": "WINDLASS_CA_FILE",
}


class StoreOptions(TypedDict, total=False):
    """What a store can be told. What is left out has core's default."""

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


class ConnectOptions(StoreOptions, total=False):
    """What a connection can be told. What is left out has core's default.

    Every option goes with every URL, so that code stays as it is when only the URL changes: those
    of a store have no effect with a server's URL, those of a server none with a store's. What is no
    value for an option is refused in any case.
    """

    #: Another name for the URL.
    endpoint: str | None
    #: Another name for the tenant.
    tenant_id: str | None
    #: How long a call to a server may take, its retries included. Default 30 s.
    timeout: Seconds | None
    #: How long a submit keeps trying while its queue is full. Default: the timeout.
    patience: Seconds | None
    #: A server's key; else `WINDLASS_API_KEY`.
    api_key: str | None
    #: A file of certificates, as PEM, that are trusted beside those of the system; else
    #: `WINDLASS_CA_FILE`.
    ca_file: str | os.PathLike[str] | None
    #: How calls to a server are repeated. Default `RetryConfig()`.
    retry_config: RetryConfig | None
    #: When calls to a server are kept away. Default `CircuitBreakerConfig()`; `False` for never.
    circuit_breaker: CircuitBreakerConfig | Literal[False] | None
    #: Calls to a server at once, and connections kept open for them. Default 20.
    max_connections: int | None


def url_of(given: str | None, endpoint: str | None = None) -> str:
    """The argument, else `WINDLASS_URL`, else `WINDLASS_API_ENDPOINT`, else the default file."""
    environment = os.environ
    return (
        either("endpoint", given, endpoint)
        or environment.get("WINDLASS_URL")
        or environment.get("WINDLASS_API_ENDPOINT")
        or DEFAULT_URL
    )


def either(name: str, first: str | None, second: str | None) -> str | None:
    """What either of an argument's two names was given. Two different values are nobody's wish."""
    if first is not None and second is not None and first != second:
        raise invalid(name, f"{first!r} is given already")
    return second if first is None else first


def connect(url: str | None, options: StoreOptions | ConnectOptions) -> _native.Client:
    """A connected native client."""
    client = _native.Client(**native_options(url, options))
    _process.clients.add(client)
    return client


def native_options(url: str | None, options: StoreOptions | ConnectOptions) -> dict[str, Any]:
    """The options as native code takes them."""
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    environment = os.environ
    given["url"] = url_of(url, given.pop("endpoint", None))
    given["tenant"] = either("tenant_id", given.get("tenant"), given.pop("tenant_id", None))
    for name, variable in _ENVIRONMENT.items():
        if given.get(name) is None:
            given[name] = environment.get(variable) or None
    for name in ("timeout", "patience", "retention"):
        if name in given:
            given[name] = _forms.seconds(given[name])
    if "clock" in given:
        given["clock"] = given["clock"]._native
    if "retry_config" in given:
        given["retry"] = _of("retry_config", given.pop("retry_config"), RetryConfig)._native()
    breaker = given.pop("circuit_breaker", None)
    if breaker is False:
        given["no_breaker"] = True
    elif breaker is not None:
        given["breaker"] = _of("circuit_breaker", breaker, CircuitBreakerConfig)._native()
    _log.sync()
    return given


def _of(name: str, given: Any, kind: type[Any]) -> Any:
    if not isinstance(given, kind):
        raise invalid(name, f"must be a {kind.__name__}, not {given!r}")
    return given

"""An application: its handlers, its store, its workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Protocol, TypeVar, overload

from windlass.async_client import AsyncClient
from windlass.client import Client
from windlass.connection import ConnectOptions, connect, url_of
from windlass.context import Context
from windlass.handler import Called, Handler, Result, Returned, Submitted
from windlass.options import Seconds, invalid
from windlass.worker import Worker

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from windlass import _native
    from windlass.options import TaskOptions

R = TypeVar("R")


class Decorator(Protocol):
    """Makes a function a handler."""

    @overload
    def __call__(
        self, fn: Callable[Concatenate[Context, Submitted], Coroutine[Any, Any, Result]], /
    ) -> Handler[
        Concatenate[Context, Submitted], Submitted, Coroutine[Any, Any, Result], Result
    ]: ...
    @overload
    def __call__(
        self, fn: Callable[Called, Coroutine[Any, Any, Result]], /
    ) -> Handler[Called, Called, Coroutine[Any, Any, Result], Result]: ...
    @overload
    def __call__(
        self, fn: Callable[Concatenate[Context, Submitted], Returned], /
    ) -> Handler[Concatenate[Context, Submitted], Submitted, Returned, Returned]: ...
    @overload
    def __call__(
        self, fn: Callable[Called, Returned], /
    ) -> Handler[Called, Called, Returned, Returned]: ...


class App:
    """Handlers under one store.

    The URL, a store's or a server's, is the argument, else `WINDLASS_URL`,
    `WINDLASS_API_ENDPOINT`, else `sqlite:windlass.db`; the options are those of `Client`. It is
    opened when it is first needed.
    """

    def __init__(self, url: str | None = None, **options: Unpack[ConnectOptions]) -> None:
        self._url = url
        self._options = options
        #: Guards the connection.
        self._lock = threading.Lock()
        self._native: _native.Client | None = None
        #: Handlers by task type.
        self.handlers: dict[str, Handler[..., ..., Any, Any]] = {}

    @property
    def url(self) -> str:
        """The store's URL."""
        return url_of(self._url, self._options.get("endpoint"))

    @property
    def native(self) -> _native.Client:
        """The connection, opened at first use."""
        native = self._native
        if native is None:
            with self._lock:
                native = self._native
                if native is None:
                    native = self._native = connect(self._url, self._options)
        return native

    @property
    def client(self) -> Client:
        """A blocking client on the app's connection."""
        return Client._over(self.native)

    @property
    def async_client(self) -> AsyncClient:
        """A client for coroutines on the app's connection."""
        return AsyncClient._over(self.native)

    @overload
    def task(
        self, fn: Callable[Concatenate[Context, Submitted], Coroutine[Any, Any, Result]], /
    ) -> Handler[
        Concatenate[Context, Submitted], Submitted, Coroutine[Any, Any, Result], Result
    ]: ...
    @overload
    def task(
        self, fn: Callable[Called, Coroutine[Any, Any, Result]], /
    ) -> Handler[Called, Called, Coroutine[Any, Any, Result], Result]: ...
    @overload
    def task(
        self, fn: Callable[Concatenate[Context, Submitted], Returned], /
    ) -> Handler[Concatenate[Context, Submitted], Submitted, Returned, Returned]: ...
    @overload
    def task(
        self, fn: Callable[Called, Returned], /
    ) -> Handler[Called, Called, Returned, Returned]: ...
    @overload
    def task(
        self,
        fn: None = None,
        /,
        *,
        name: str | None = None,
        default: bool = False,
        **options: Unpack[TaskOptions],
    ) -> Decorator: ...

    def task(
        self,
        fn: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        default: bool = False,
        **options: Unpack[TaskOptions],
    ) -> Any:
        """Makes a function, `def` or `async def`, a handler.

        Its task type is the function's bare name, or `name`. `max_retries`, `retry` and `timeout`
        hold for tasks submitted without; the other options for what `.submit` of this handler
        stores. With `default` it also takes tasks that name no handler. A worker may run a handler
        again after a crash: delivery is at least once.

        Raises `InvalidArgumentError` for a name that is taken, a second default handler, an option
        that is not allowed, and parameters that keys cannot bind to.
        """

        def decorate(fn: Callable[..., Any]) -> Handler[..., ..., Any, Any]:
            handler: Handler[..., ..., Any, Any] = Handler(self, fn, name, default, options)
            if handler.name in self.handlers:
                other = self.handlers[handler.name].fn
                where = f"{other.__module__}.{other.__qualname__}"
                raise invalid("name", f"{handler.name!r} is the name of another handler, {where}")
            if default and any(other.default for other in self.handlers.values()):
                raise invalid("default", "there is a default handler already")
            self.handlers[handler.name] = handler
            return handler

        return decorate if fn is None else decorate(fn)

    def worker(
        self,
        *,
        concurrency: int | None = None,
        queues: Sequence[str] | None = None,
        worker_id: str | None = None,
        lease: Seconds | None = None,
        drain_grace: Seconds | None = None,
        cancel_grace: Seconds | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Worker:
        """A worker that runs the app's handlers; it starts when it is run.

        `concurrency` tasks at once (default 8) from `queues` (default `default`). A lease lasts
        `lease` seconds (60) unless renewed, running tasks may go on for `drain_grace` (30) once a
        drain begins, and code that ignores its cancellation for `cancel_grace` (10) is given up.
        """
        return Worker(
            self,
            concurrency=concurrency,
            queues=queues,
            worker_id=worker_id,
            lease=lease,
            drain_grace=drain_grace,
            cancel_grace=cancel_grace,
            metadata=metadata,
        )

    def connect_to(
        self, url: str | None = None, tenant: str | None = None, api_key: str | None = None
    ) -> None:
        """Changes the store before its first use, as `windlass worker --url` does."""
        with self._lock:
            if url is not None:
                self._url = url
                self._options.pop("endpoint", None)
            if tenant is not None:
                self._options["tenant"] = tenant
                self._options.pop("tenant_id", None)
            if api_key is not None:
                self._options["api_key"] = api_key
            before, self._native = self._native, None
        if before is not None:
            before.close()

    def close(self) -> None:
        """Releases the store."""
        if self._native is not None:
            self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"App({self.url!r})"

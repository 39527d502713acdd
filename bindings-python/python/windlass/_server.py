"""A real server in the process of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windlass import _forms, _native
from windlass.connection import StoreOptions, connect
from windlass.options import Seconds

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Server:
    """The server that `windlass serve` runs, in this process, on a free port of this machine.

        with Server("memory:") as server:
            client = windlass.Client(server.url)

    It serves the store of `url`; `options` are the store's, as for `Client`. With `clock` time
    stands still until it is moved, and nothing is promoted, rescued or pruned until
    `client.sweep()`. Callers must give `api_key` when there is one. `listen` is `HOST:PORT`;
    `grace` is how long requests may go on once it stops.

    Raises `InvalidArgumentError` when it cannot listen, and what keeps a store from being opened.
    """

    def __init__(
        self,
        url: str = "memory:",
        *,
        listen: str = "127.0.0.1:0",
        api_key: str | None = None,
        grace: Seconds = 10.0,
        **options: Unpack[StoreOptions],
    ) -> None:
        self._store = connect(url, options)
        try:
            self._native = _native.Server(
                self._store, listen=listen, api_key=api_key, grace=_forms.seconds(grace)
            )
        except BaseException:
            self._store.close()
            raise

    @property
    def url(self) -> str:
        """Where it answers, for `Client` and `App`."""
        return self._native.url()

    @property
    def address(self) -> str:
        """The address that it listens on: for `listen` of another server, once this one stopped."""
        return self._native.address()

    def stop(self) -> None:
        """Ends streams and held answers, waits for what is under way, and closes the store."""
        try:
            self._native.stop()
        finally:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

"""The verbs of a worker, one by one, for tests and for workers of one's own. Records in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from windlass import _bridge, _forms
from windlass import _native as native
from windlass.errors import WindlassError


class Hands:
    """Leases taken by hand."""

    _native: native.Client

    @cached_property
    def _hands(self) -> native.Hands:
        return native.Hands(self._native)

    def lease(
        self,
        worker: str,
        queues: Sequence[str] = ("default",),
        handlers: Sequence[str] = (),
        limit: int = 1,
        lease_seconds: float = 60.0,
        wait_seconds: float = 0.0,
        suspects: bool = True,
    ) -> dict[str, Any]:
        """Leases tasks: `{"tasks": [{"task": …, "token": …}], "suspect_waiting": …}`.

        Raises `InvalidArgumentError`.
        """
        text = self._hands.lease(
            worker=worker,
            queues=list(queues),
            handlers=list(handlers),
            limit=limit,
            lease_seconds=lease_seconds,
            wait_seconds=wait_seconds,
            suspects=suspects,
        )
        leased: dict[str, Any] = json.loads(text)
        return leased

    def renew(self, renewals: Sequence[Mapping[str, Any]]) -> list[str]:
        """Keeps leases and reports on them; `held`, `cancel_requested` or `lost` for each."""
        answers: list[str] = json.loads(self._hands.renew(_forms.encode("renewals", renewals)))
        return answers

    def settle(self, outcomes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | WindlassError]:
        """Records outcomes; for each `{"task_id": …, "status": …}`, or the error."""
        return self._hands.settle(_forms.encode("result", outcomes))

    def sweep(self) -> dict[str, int]:
        """Sweeps once: `{"promoted": …, "rescued": …, "pruned": …}`."""
        return self._hands.sweep()


class AsyncHands:
    """Leases taken by hand, as coroutines. See `Hands`."""

    _native: native.Client

    @cached_property
    def _hands(self) -> native.Hands:
        return native.Hands(self._native)

    async def lease(
        self,
        worker: str,
        queues: Sequence[str] = ("default",),
        handlers: Sequence[str] = (),
        limit: int = 1,
        lease_seconds: float = 60.0,
        wait_seconds: float = 0.0,
        suspects: bool = True,
    ) -> dict[str, Any]:
        """Leases tasks."""
        text = await self._hands.lease(
            worker=worker,
            queues=list(queues),
            handlers=list(handlers),
            limit=limit,
            lease_seconds=lease_seconds,
            wait_seconds=wait_seconds,
            suspects=suspects,
            bridge=_bridge.current(),
        )
        leased: dict[str, Any] = json.loads(text)
        return leased

    async def renew(self, renewals: Sequence[Mapping[str, Any]]) -> list[str]:
        """Keeps leases and reports on them."""
        text = await self._hands.renew(_forms.encode("renewals", renewals), _bridge.current())
        answers: list[str] = json.loads(text)
        return answers

    async def settle(
        self, outcomes: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any] | WindlassError]:
        """Records outcomes."""
        return await self._hands.settle(_forms.encode("result", outcomes), _bridge.current())

    async def sweep(self) -> dict[str, int]:
        """Sweeps once."""
        return await self._hands.sweep(_bridge.current())

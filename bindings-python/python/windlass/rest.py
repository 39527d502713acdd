"""A small client of a server, for coroutines: two calls, plain dictionaries.

`windlass.AsyncClient` has every verb, retries and a breaker; this one makes each call once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windlass import _forms, _native
from windlass._bridge import current
from windlass.options import Seconds

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RestClient"]


class RestClient:
    """Calls to the server at `base_url`.

    `timeout` is the time of one call in all, in seconds. An answer that is no success raises the
    error that it tells: `TaskNotFoundError`, `AuthenticationError`, else an `APIError` with its
    `status_code`; no answer raises `StoreUnavailableError`, which is a `ConnectionError`.

    Raises `InvalidUrlError`, `InvalidArgumentError`.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        timeout: Seconds = 30.0,
        *,
        tenant_id: str | None = None,
    ) -> None:
        #: The server, without a slash at its end.
        self.base_url = base_url.rstrip("/")
        #: Sent as a bearer token.
        self.api_key = api_key
        #: Longest time of one call, in seconds.
        self.timeout: float = _forms.seconds(timeout)
        self._native = _native.RestCalls(
            self.base_url, api_key=api_key, tenant=tenant_id, timeout=self.timeout
        )

    async def submit_parallel_task(self, parallel_block: Mapping[str, Any]) -> dict[str, Any]:
        """Has the server's workers run a parallel block: `task_id` and `status`, at once.

        A block has `name`, `strategy`, `steps`, and as wished `max_concurrency`, `timeout_seconds`,
        `task_type` and what else `Client.submit_block` takes. Each step becomes a task, whose
        handler `task_type` names, else the step's `function`, else it is the default one. What it
        came to is the `result` of `get_task_status` with its `task_id`. Raises
        `InvalidArgumentError`, also for the strategy `custom`, whose function cannot travel.
        """
        block = _forms.encode("parallel_block", parallel_block)
        answer: dict[str, Any] = json.loads(await self._native.execute_block(block, current()))
        return answer

    async def get_task_status(self, task_id: str) -> dict[str, Any]:
        """How a task stands: `task_id`, `status`, and as they come `result`, `error` and others.

        Raises `TaskNotFoundError`.
        """
        answer: dict[str, Any] = json.loads(await self._native.task_status(task_id, current()))
        return answer

    async def close(self) -> None:
        """Lets the connections go. Calls after it raise `ClientClosedError`."""
        await self._native.close(current())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"RestClient({self.base_url!r})"

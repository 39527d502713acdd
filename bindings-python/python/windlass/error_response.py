"""An error in the form that services answer with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from windlass.errors import WindlassError


@dataclass
class ErrorResponse:
    """What a service tells about an error. `to_dict()` is the JSON of it.

    A server's answers hold the same member `error` within their `application/problem+json`.
    """

    #: Stable code; those of Windlass are in `docs/errors`.
    error_code: str
    #: Text for people.
    error_message: str
    #: The error's values by their wire names.
    details: dict[str, Any] | None = None
    #: When, in seconds since 1970.
    timestamp: float = field(default_factory=time.time)
    #: The request that it answers.
    request_id: str | None = None

    @classmethod
    def from_error(cls, error: BaseException, request_id: str | None = None) -> ErrorResponse:
        """The response that tells `error`. What is no error of Windlass has the code `internal`."""
        if isinstance(error, WindlassError):
            return cls(error.code, error.message, dict(error.fields), request_id=request_id)
        # The text of somebody else's error may hold anything; who gets the answer sees its class.
        return cls("internal", type(error).__qualname__, request_id=request_id)

    def to_dict(self) -> dict[str, Any]:
        """The response as JSON has it."""
        return {
            "error": {
                "code": self.error_code,
                "message": self.error_message,
                "details": self.details,
                "timestamp": self.timestamp,
                "request_id": self.request_id,
            }
        }

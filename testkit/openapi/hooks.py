"""Bounds what takes long by design, so that a run ends: held answers and streams without end."""

from __future__ import annotations

import re
from typing import Any

import requests
import requests.adapters
import schemathesis

# Longest hold of an answer, in seconds.
SHORT = 0.05
# Paths of their own under `/tasks` and `/parallel`, of which no id is the word: one is read, the
# other has no `GET`.
VERBS = {"count", "execute"}
# A key that a header carries without quotes.
BARE = re.compile(r"[!#-~]([ -~]*[!-~])?")


def bounded(value: Any) -> Any:
    """A wait that the description allows, made short; anything else as it is, to be refused."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and 0 <= value <= 60:
        return min(value, SHORT)
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        if 0 <= number <= 60 and number > SHORT:
            return str(SHORT)
    return value


def bound_field(name: str, value: Any) -> Any:
    if name == "worker_id" and isinstance(value, str):
        # The client leaves what looks like an escape as it is when the id becomes part of a path.
        return value.replace("%", "_")
    value = bound_body(value)
    return bounded(value) if name == "wait_seconds" else value


def bound_body(body: Any) -> Any:
    """Short waits; and whole numbers written as such: `3.0` is an integer to JSON Schema alone."""
    if isinstance(body, dict):
        return {name: bound_field(name, value) for name, value in body.items()}
    if isinstance(body, list):
        return [bound_body(value) for value in body]
    if isinstance(body, float) and body.is_integer() and abs(body) < 2**53:
        return int(body)
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    query = case.query
    if isinstance(query, dict) and "wait" in query:
        query["wait"] = bounded(query["wait"])
    path = case.path_parameters
    if isinstance(path, dict) and path.get("id") in VERBS:
        path["id"] = "none"
    if isinstance(case.body, (dict, list)):
        case.body = bound_body(case.body)
    # What no schema says well: header and body may name one key only, and the header is an RFC 8941
    # string or bare printable text.
    for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
        key = str(case.headers[name])
        twice = isinstance(case.body, dict) and case.body.get("idempotency_key") is not None
        if twice or (1 <= len(key) <= 256 and not BARE.fullmatch(key)):
            del case.headers[name]


class OneGlance(requests.adapters.HTTPAdapter):
    """Reads of a stream what comes first, and leaves."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["stream"] = True
        response = super().send(*args, **kwargs)
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            response._content = response.raw.read1(1 << 16, decode_content=True)
            response._content_consumed = True  # type: ignore[attr-defined]
            response.raw.close()
        return response


requests.sessions.HTTPAdapter = OneGlance  # type: ignore[misc]

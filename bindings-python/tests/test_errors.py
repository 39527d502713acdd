"""The tree of errors: one class for one code."""

from __future__ import annotations

import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import windlass
from windlass import ErrorResponse, errors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "spec/errors.toml").read_text("utf-8")
)

# ERR-01..05, ERR-08..11, ERR-24, ERR-25, ERR-27, ERR-30..32, ERR-34..38
TREE: list[tuple[str, tuple[type, ...]]] = [
    ("WindlassError", (Exception,)),
    ("ExecutionError", (windlass.WindlassError,)),
    ("SecurityError", (windlass.WindlassError,)),
    ("APIError", (windlass.WindlassError,)),
    ("AuthenticationError", (windlass.SecurityError, windlass.APIError)),
    ("RateLimitError", (windlass.APIError,)),
    ("QueueFullError", (windlass.RateLimitError,)),
    ("QuotaExceededError", (windlass.APIError,)),
    ("CircuitBreakerOpenError", (windlass.APIError, ConnectionError)),
    ("ServiceUnavailableError", (windlass.APIError, ConnectionError)),
    ("BatchNotFoundError", (windlass.ExecutionError, windlass.APIError)),
    ("ParallelExecutionError", (windlass.ExecutionError,)),
    ("DistributedExecutionError", (windlass.ExecutionError,)),
    ("TaskTimeoutError", (windlass.ExecutionError, TimeoutError)),
    ("TaskNotFoundError", (windlass.ExecutionError,)),
    ("TaskFailedError", (windlass.ExecutionError,)),
    ("WorkerNotAvailableError", (windlass.DistributedExecutionError, windlass.TaskTimeoutError)),
    ("InvalidArgumentError", (windlass.WindlassError, ValueError)),
    ("InvalidPayloadError", (windlass.WindlassError, ValueError)),
    ("StoreUnavailableError", (windlass.WindlassError, ConnectionError)),
    ("StoreReadOnlyError", (windlass.WindlassError, ConnectionError)),
    ("StoreFullError", (windlass.WindlassError, ConnectionError)),
    ("InvalidStoreError", (windlass.WindlassError, ConnectionError)),
    ("SchemaIncompatibleError", (windlass.WindlassError, ConnectionError)),
]


@pytest.mark.parametrize(("name", "bases"), TREE)
def test_a_class_stands_where_the_documents_say(name: str, bases: tuple[type, ...]) -> None:
    found = getattr(windlass, name)
    assert all(issubclass(found, base) for base in bases)


def test_every_class_ends_in_error_and_is_exported() -> None:
    for name in errors.__all__:
        found = getattr(windlass, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert name.endswith("Error")
            assert name in windlass.__all__


def test_an_error_has_its_fields_as_attributes_and_survives_a_pickle() -> None:
    # ERR-33
    error = windlass.errors.from_code(
        "task_timeout", "late", {"task_id": "t", "timeout_seconds": 1.5}
    )
    assert isinstance(error, windlass.TaskTimeoutError)
    assert (error.task_id, error.timeout, error.timeout_seconds) == ("t", 1.5, 1.5)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.fields) == (type(error), "late", error.fields)


def test_an_unknown_code_is_a_plain_error() -> None:
    error = windlass.errors.from_code("from_the_future", "x", {"a": 1})
    assert (type(error), error.code, error.fields) == (
        windlass.WindlassError,
        "from_the_future",
        {"a": 1},
    )


@pytest.mark.parametrize("entry", TABLE["error"], ids=lambda entry: str(entry["code"]))
def test_every_coded_error_has_its_status_and_message(entry: dict[str, Any]) -> None:
    # ERR-30
    kind = getattr(windlass, entry["class"])
    error = kind("what happened")
    assert isinstance(error, windlass.APIError)
    assert (error.status_code, error.message) == (entry["http_status"], "what happened")
    assert (error.code, error.retryable) == (entry["code"], entry["retryable"])


def test_the_status_of_an_answer_that_is_none_of_ours_is_the_answers() -> None:
    # ERR-30
    error = errors.from_code("api_error", "I am a teapot", {"status_code": 418, "reason": "tea"})
    assert isinstance(error, windlass.APIError)
    assert (error.status_code, error.reason) == (418, "tea")


def test_limits_tell_their_numbers() -> None:
    # ERR-31, ERR-32
    late = errors.from_code("rate_limited", "slow down", {"retry_after_seconds": 1.5})
    assert isinstance(late, windlass.RateLimitError)
    assert late.retry_after == 1.5
    used = {"quota_type": "tasks_per_day", "current": 12, "limit": 10}
    quota = errors.from_code("quota_exceeded", "used up", used)
    assert isinstance(quota, windlass.QuotaExceededError)
    assert (quota.quota_type, quota.current, quota.limit) == ("tasks_per_day", 12, 10)


def test_an_error_response_has_the_documents_form() -> None:
    # ERR-12..17
    before = time.time()
    response = ErrorResponse("task_not_found", "no such task")
    assert (response.error_code, response.error_message) == ("task_not_found", "no such task")
    assert (response.details, response.request_id) == (None, None)
    assert before <= response.timestamp <= time.time()
    response = ErrorResponse("x", "y", {"a": 1}, timestamp=5.0, request_id="r")
    assert response.to_dict() == {
        "error": {
            "code": "x",
            "message": "y",
            "details": {"a": 1},
            "timestamp": 5.0,
            "request_id": "r",
        }
    }


def test_an_error_becomes_a_response() -> None:
    # ERR-17
    with windlass.Client("memory:") as client, pytest.raises(windlass.TaskNotFoundError) as caught:
        client.get_task("nope")
    told = ErrorResponse.from_error(caught.value, request_id="r").to_dict()["error"]
    assert (told["code"], told["details"], told["request_id"]) == (
        "task_not_found",
        {"task_id": "nope"},
        "r",
    )
    assert told["message"] == str(caught.value)
    # What somebody else's error says may be nobody's business.
    foreign = ErrorResponse.from_error(KeyError("password=1"))
    assert (foreign.error_code, foreign.error_message) == ("internal", "KeyError")

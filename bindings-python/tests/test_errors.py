"""The tree of errors: one class for one code."""

from __future__ import annotations

import pickle

import pytest
import windlass
from windlass import errors

# ERR-01..04, ERR-08..11, ERR-35, ERR-37, ERR-38
TREE: list[tuple[str, tuple[type, ...]]] = [
    ("WindlassError", (Exception,)),
    ("ExecutionError", (windlass.WindlassError,)),
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

"""Reads `spec/vectors` and compares answers. The format is in `spec/README.md`."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from pathlib import Path
from typing import Any

SPEC = Path(__file__).resolve().parents[3] / "spec"
START = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)


class VectorError(Exception):
    """A vector makes no sense, or its answer is not as expected."""


def load(store: str) -> tuple[dict[str, Any], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """The index, and the files and cases that run through a client on `store`."""
    index = json.loads((SPEC / "vectors/index.json").read_text("utf-8"))
    cases = []
    for name, entry in index["files"].items():
        file = json.loads((SPEC / "vectors" / name).read_text("utf-8"))
        if len(file["cases"]) != entry["cases"] or not file["cases"]:
            raise VectorError(f"{name} and the index differ: run python3 spec/generate.py")
        file["name"] = name
        if file["level"] == "client" and store in file.get("stores", [store]):
            cases += [(file, case) for case in file["cases"]]
    if not cases:
        raise VectorError("spec/vectors/index.json lists no cases for clients")
    return index, cases


def results(runner: str) -> Path:
    """Where a runner says what ran, for `spec/conformance.py`."""
    folder = Path(os.environ.get("WINDLASS_RESULTS") or SPEC.parent / "target/conformance")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{runner}.json"


def resolve(value: Any, saved: dict[str, Any]) -> Any:
    """`value` with references and generators replaced by what they stand for."""
    if isinstance(value, str) and value.startswith("$"):
        name, *path = value[1:].split(".")
        at = saved[name]
        for part in path:
            at = at[int(part)] if isinstance(at, list) else at[part]
        return at
    if isinstance(value, list):
        return [resolve(item, saved) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        return value["$repeat"] * value["times"]
    if "$pairs" in value:
        return {f"k{i}": "v" for i in range(value["$pairs"])}
    if "$nest" in value:
        nested: list[Any] = []
        for _ in range(value["$nest"] - 1):
            nested = [nested]
        return nested
    if "$time" in value:
        at = START + dt.timedelta(seconds=value["$time"])
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {key: resolve(item, saved) for key, item in value.items()}


def match(want: Any, given: Any, path: str) -> None:
    """Raises unless `given` is as expected: objects may hold more, arrays are exact."""
    differ = VectorError(f"{path}: expected {want!r:.500}, got {given!r:.500}")
    if isinstance(want, dict) and any(key.startswith("$") for key in want):
        ((name, inner),) = want.items()
        if not _MATCHERS[name](inner, given):
            raise differ
    elif isinstance(want, dict) and isinstance(given, dict):
        for key, item in want.items():
            match(item, given.get(key), f"{path}.{key}")
    elif isinstance(want, list) and isinstance(given, list) and len(want) == len(given):
        for i, (item, found) in enumerate(zip(want, given, strict=True)):
            match(item, found, f"{path}.{i}")
    elif isinstance(want, (int, float)) and type(want) is not bool and type(given) is not bool:
        if not isinstance(given, (int, float)) or not math.isclose(want, given, abs_tol=1e-9):
            raise differ
    elif type(want) is not type(given) or isinstance(want, (dict, list)) or want != given:
        raise differ


def _matches(want: Any, given: Any) -> bool:
    try:
        match(want, given, "")
    except VectorError:
        return False
    return True


def _unordered(want: list[Any], given: list[Any]) -> bool:
    left = list(given)
    for item in want:
        found = next((i for i, one in enumerate(left) if _matches(item, one)), None)
        if found is None:
            return False
        del left[found]
    return not left


_MATCHERS = {
    "$any": lambda _, given: given is not None,
    "$absent": lambda _, given: given is None,
    "$len": lambda n, given: len(given.encode() if isinstance(given, str) else given) == n,
    "$not": lambda want, given: not _matches(want, given),
    "$unordered": _unordered,
}

"""Every case of `spec/vectors` that a client can see, through the Python client.

On both stores, in process and behind a real server.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import windlass
from place import Site, error_record, pure
from vectors import VectorError, load, match, resolve, results

STORES = ("memory", "sqlite")
#: Runner to its store, and whether a server has it.
RUNNERS = {f"python-{store}": (store, False) for store in STORES} | {
    f"python-rest-{store}": (store, True) for store in STORES
}
LOADED = {store: load(store) for store in STORES}
STEP = {"call", "args", "as", "save", "expect", "error", "advance", "sql", "write", "connect"}


@pytest.fixture(scope="module")
def ran() -> Iterator[dict[str, Any]]:
    """Counts what ran; written only when all of it did."""
    ran: dict[str, Any] = {name: {"passed": {}, "expected_failures": []} for name in RUNNERS}
    for runner in RUNNERS:
        results(runner).unlink(missing_ok=True)
    yield ran
    for runner, record in ran.items():
        store, _ = RUNNERS[runner]
        index, cases = LOADED[store]
        passed = sum(sum(laws.values()) for laws in record["passed"].values())
        if passed + len(record["expected_failures"]) == len(cases):
            record |= {"runner": runner, "store": store, "vectors": index["digest"]}
            results(runner).write_text(json.dumps(record, indent=1), "utf-8")


CASES = [
    pytest.param(runner, file, case, id=f"{runner.removeprefix('python-')}-{case['id']}")
    for runner, (store, _) in RUNNERS.items()
    for file, case in LOADED[store][1]
]


@pytest.mark.parametrize(("runner", "file", "case"), CASES)
def test_case(runner: str, file: Any, case: Any, ran: dict[str, Any], tmp_path: Path) -> None:
    store, rest = RUNNERS[runner]
    site = Site(store, tmp_path, case.get("connect", {}), rest=rest)
    index, _ = LOADED[store]
    listed = case["id"] in index["expected_failures"].get(runner, [])
    try:
        run_pure(file["function"], case, site) if "in" in case else run_steps(case, site)
    except Exception:
        if not listed:
            raise
        ran[runner]["expected_failures"].append(case["id"])
        return
    finally:
        site.reopen()
    assert not listed, f"{case['id']} passes: take it out of spec/expected-failures.toml"
    law = str(case.get("law", file["law"]))
    ran[runner]["passed"].setdefault(file["name"], Counter())[law] += 1


def run_pure(function: str, case: dict[str, Any], site: Site) -> None:
    if ("out" in case) == ("error" in case):
        raise VectorError("a case expects either out or error")
    want = {"expect" if name == "out" else name: value for name, value in case.items()}
    check(want, lambda: pure(function, resolve(case["in"], {}), site))


def run_steps(case: dict[str, Any], site: Site) -> None:
    if not any("expect" in step or "error" in step for step in case["steps"]):
        raise VectorError("the case expects nothing")
    saved: dict[str, Any] = {}
    for number, step in enumerate(case["steps"]):
        try:
            run_step(step, site, saved)
        except Exception as error:
            raise VectorError(f"step {number} {step!r:.300}: {error!r}") from error


def run_step(step: dict[str, Any], site: Site, saved: dict[str, Any]) -> None:
    if unknown := set(step) - STEP:
        raise VectorError(f"a step has no {unknown}")
    if "advance" in step:
        site.clock.advance(step["advance"])
    elif "write" in step or "sql" in step:
        assert site.file is not None, "this store has no file"
        change(site.file, step)
    else:
        want: Any = {
            name: resolve(step[name], saved) for name in step if name in ("expect", "error")
        }
        given = check(want, lambda: call(step, site, saved))
        if "save" in step:
            saved[step["save"]] = given


def change(file: Path, step: dict[str, Any]) -> None:
    """Changes the database file behind the store's back."""
    if "write" in step:
        file.write_text(step["write"], "utf-8")
        return
    database = sqlite3.connect(file, isolation_level=None)
    for statement in step["sql"]:
        database.execute(statement)
    database.close()


def check(want: dict[str, Any], call: Callable[[], Any]) -> Any:
    """Calls, and compares what comes with `expect` or with `error`."""
    try:
        given = call()
    except windlass.WindlassError as error:
        if "error" not in want:
            raise
        return match(want["error"], error_record(error), "error")
    if "error" in want:
        raise VectorError(f"expected the error {want['error']}, got {given!r:.300}")
    if "expect" in want:
        match(want["expect"], given, "answer")
    return given


def call(step: dict[str, Any], site: Site, saved: dict[str, Any]) -> Any:
    if "connect" in step:
        site.connect(step["connect"], "default").close()
        return None
    if step["call"] == "reopen":
        site.reopen()
        return None
    args = resolve(step.get("args", {}), saved)
    return site.call(step["call"], args, step.get("as", "default"))

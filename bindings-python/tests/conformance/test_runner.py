"""The runner itself: nothing wrong passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from place import Site
from test_vectors import run_pure, run_steps

SUBMIT = {"call": "submit", "args": {"task_type": "work"}, "expect": {}}
BROKEN: list[list[dict[str, Any]]] = [
    [],
    [{"call": "counts"}],
    [SUBMIT, {"call": "submitt"}],
    [SUBMIT, {"advnce": 1}],
    [SUBMIT, {"call": "counts", "expct": []}],
    [{"call": "get", "args": {"task_id": "$a"}, "expect": {}}],
    [{"call": "counts", "expect": {"$what": 1}}],
    [{"call": "counts", "expect": [{}]}],
    [{"call": "counts", "expect": None}],
    [{"call": "counts", "error": {"code": "internal"}}],
    [{"call": "get", "args": {"task_id": "x"}, "error": {"code": "lease_lost"}}],
    [SUBMIT, {"call": "get", "args": {"task_id": "x"}}],
    [SUBMIT, {"sql": ["SELECT 1"]}],
]


@pytest.mark.parametrize("steps", BROKEN)
def test_a_broken_scenario_fails(steps: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the case does not pass
        run_steps({"steps": steps}, Site("memory", tmp_path, {}))


@pytest.mark.parametrize(
    "case",
    [
        {"in": 1},
        {"in": 1, "out": 1, "error": {}},
        {"in": 1, "out": 2},
        {"in": 1, "error": {"code": "invalid_argument"}},
        {"in": 9, "out": 9},
    ],
)
def test_a_broken_pure_case_fails(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Exception):  # noqa: B017 - as above
        run_pure("priority", case, Site("memory", tmp_path, {}))


def test_a_good_case_passes(tmp_path: Path) -> None:
    run_steps({"steps": [SUBMIT]}, Site("memory", tmp_path, {}))
    run_pure("priority", {"in": "high", "out": 2}, Site("memory", tmp_path, {}))

"""Windlass for pytest: fixtures, and what happened to the tasks of a test that failed.

A module of its own: pytest imports it at every start, and the package only when a test needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from windlass.testing import ManualClock, Server, TestApp


@pytest.fixture
def windlass_clock() -> ManualClock:
    """A clock that stands still until it is moved; that of `windlass_app`."""
    from windlass.testing import ManualClock

    return ManualClock()


@pytest.fixture
def windlass_app(windlass_clock: ManualClock) -> Iterator[TestApp]:
    """A fresh `windlass.testing.TestApp`: in memory, with `windlass_clock`."""
    from windlass.testing import TestApp

    with TestApp(clock=windlass_clock) as app:
        yield app


@pytest.fixture
def windlass_server() -> Iterator[Server]:
    """A real server on a free port of this machine, with a fresh store in memory."""
    from windlass.testing import Server

    with Server("memory:") as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the history of its tasks to the report of a test that failed."""
    report = yield
    rehearsal = sys.modules.get("windlass._rehearsal")
    if rehearsal is None:
        return report
    if report.when == "call" and report.failed:
        text = "\n".join(rehearsal.stories())
        if text:
            report.sections.append(("Windlass tasks", text))
    if report.when != "setup":
        rehearsal.failed.clear()
    return report

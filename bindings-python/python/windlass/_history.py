"""What happened to tasks, as text for people."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from windlass import _forms
from windlass.task import Task, TaskUpdate

if TYPE_CHECKING:
    from windlass import _native

#: Entries of one history, and tasks of one report, that are shown.
MOST_ENTRIES = 60
MOST_TASKS = 50
#: Characters of a payload or a result that are shown.
MOST_TEXT = 200


def entries(native: _native.Client, task_id: str) -> list[TaskUpdate]:
    """A task's whole history."""
    found: list[TaskUpdate] = []
    after = 0
    while page := json.loads(native.history(task_id, after, 1000)):
        found += map(TaskUpdate, page)
        after = page[-1]["seq"]
    return found


def of_tasks(native: _native.Client, tasks: Iterable[Task], since: dt.datetime) -> str:
    """The histories of tasks; those that did not complete come first."""
    ordered = sorted(tasks, key=lambda task: task.status == "completed")
    shown = [of_task(native, task, since) for task in ordered[:MOST_TASKS]]
    if len(ordered) > MOST_TASKS:
        shown.append(f"… and {len(ordered) - MOST_TASKS} tasks more\n")
    return "\n".join(shown)


def of_task(native: _native.Client, task: Task, since: dt.datetime) -> str:
    """A task's history; times count from `since`."""
    attempts = f"{task.attempt} attempt{'s' if task.attempt != 1 else ''}"
    lines = [f"{task.task_type} {task.task_id}: {task.status}, {attempts}, queue {task.queue}"]
    lines.append(f"  payload {_short(task.payload)}")
    if task.status == "completed":
        lines.append(f"  result {_short(task.result)}")
    found = entries(native, task.task_id)
    if len(found) > MOST_ENTRIES:
        half = MOST_ENTRIES // 2
        cut = len(found) - 2 * half
        lines += [_entry(update, since) for update in found[:half]]
        lines.append(f"  … {cut} entries …")
        found = found[-half:]
    lines += [_entry(update, since) for update in found]
    if task.error is not None and task.error.traceback:
        lines.append(textwrap.indent(task.error.traceback.rstrip(), "  | "))
    return "\n".join(lines) + "\n"


def _entry(update: TaskUpdate, since: dt.datetime) -> str:
    passed = (update.timestamp - since).total_seconds()
    what: str
    if update.kind == "status":
        what = update.status
        if update.status == "running":
            what += f", attempt {update.record.get('attempt')}"
        if update.error is not None:
            kind = update.error.error_type or update.error.code
            what += f": {kind}: {update.error.message}"
        elif update.message:
            what += f": {update.message}"
    elif update.kind == "progress":
        what = f"progress {update.progress:g} % {update.message}".rstrip()
    elif update.kind == "log":
        what = f"{update.level}: {update.message}"
    else:
        what = update.kind
    return f"  {passed:9.3f}s  {what}"


def _short(value: Any) -> str:
    text = _forms.encode("value", value)
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"

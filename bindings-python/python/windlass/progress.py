"""Progress bars for batches: the extra `windlass[progress]`, or `rich` where it is installed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Protocol

from windlass import _bridge, _native
from windlass.errors import NotImplementedYetError
from windlass.view import Record

#: Time between looks at a batch, in seconds.
LOOK = 0.1
#: Tasks asked for at once.
CHUNK = 500


class Bar(Protocol):
    """Shows how far a batch is."""

    def show(self, completed: int, failed: int) -> None:
        """Shows these counts."""

    def close(self) -> None:
        """Leaves the bar as it is."""


class _Tqdm:
    def __init__(self, total: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="task")

    def show(self, completed: int, failed: int) -> None:
        if failed:
            self._bar.set_postfix(failed=failed, refresh=False)
        self._bar.update(completed + failed - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Rich:
    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._task = self._bar.add_task("", total=total)
        self._bar.start()

    def show(self, completed: int, failed: int) -> None:
        text = f"{failed} failed" if failed else ""
        self._bar.update(self._task, completed=completed + failed, description=text)

    def close(self) -> None:
        self._bar.stop()


def bar(total: int) -> Bar:
    """A bar for `total` tasks, by `tqdm` or `rich`, whichever is installed."""
    makers: tuple[Callable[[int], Bar], ...] = (_Tqdm, _Rich)
    for make in makers:
        try:
            return make(total)
        except ImportError:
            continue
    raise NotImplementedYetError(
        "a progress bar needs tqdm or rich: pip install 'windlass[progress]'",
        fields={"feature": "progress"},
    )


class _Watch:
    """A batch whose tasks are asked for until they have ended."""

    def __init__(self, ids: list[str], timeout: float | None) -> None:
        self._ids = ids
        self._open = list(dict.fromkeys(ids))
        self._counts = {"completed": 0, "failed": 0}
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._bar = bar(len(self._open))

    def questions(self) -> list[list[str]]:
        """The ids to ask for now, in chunks."""
        return [self._open[at : at + CHUNK] for at in range(0, len(self._open), CHUNK)]

    def take(self, records: list[Record]) -> None:
        """Takes in how tasks stand."""
        ended = {r["task_id"]: r["status"] for r in records if r.get("finished_at") is not None}
        self._open = [id for id in self._open if id not in ended]
        for status in ended.values():
            self._counts["completed" if status == "completed" else "failed"] += 1
        self._bar.show(**self._counts)

    def goes_on(self, fail_fast: bool) -> bool:
        """Whether to look again."""
        if not self._open or (fail_fast and self._counts["failed"]):
            return False
        return self._deadline is None or time.monotonic() < self._deadline

    def left(self) -> float | None:
        """What is left of the timeout."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def close(self) -> None:
        self._bar.close()


def wait_with_bar(
    native: _native.Client, ids: list[str], timeout: float | None, fail_fast: bool
) -> list[Record]:
    """`wait_for_batch` with a bar."""
    watch = _Watch(ids, timeout)
    try:
        while True:
            for chunk in watch.questions():
                watch.take(json.loads(native.get_many(chunk)))
            if not watch.goes_on(fail_fast):
                break
            time.sleep(LOOK)
    finally:
        watch.close()
    records: list[Record] = json.loads(native.wait(ids, watch.left(), fail_fast))
    return records


async def await_with_bar(
    native: _native.Client, ids: list[str], timeout: float | None, fail_fast: bool
) -> list[Record]:
    """The same in a coroutine."""
    bridge = _bridge.current()
    watch = _Watch(ids, timeout)
    try:
        while True:
            for chunk in watch.questions():
                watch.take(json.loads(await native.get_many(chunk, bridge)))
            if not watch.goes_on(fail_fast):
                break
            await asyncio.sleep(LOOK)
    finally:
        watch.close()
    records: list[Record] = json.loads(await native.wait(ids, watch.left(), fail_fast, bridge))
    return records

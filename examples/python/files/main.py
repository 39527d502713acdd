"""Measures every file of a folder by durable tasks, twice, and kills processes half-way.

    python main.py FOLDER [--place .]

Every file becomes a task of one batch. Two worker processes share them; the first attempt at one
file in eight fails and is retried; half-way one worker is killed with SIGKILL, and the other one
takes over what it held.

The first round works on a file. The second goes through `windlass serve`, with the same code: only
the URL is another. Half-way the server is killed, too, and started again. At the end the totals of
both are compared with those of find, wc and sha256sum.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Into a file, a line every few seconds is enough. Read when tqdm is imported.
os.environ.setdefault("TQDM_MININTERVAL", "0.1" if sys.stderr.isatty() else "3")

import windlass
from figures import print_story, print_table, totals, totals_by_hand
from processes import SLOTS, WORKERS, Saboteur, Server, workers
from tasks import app, measure

# Tasks are slowed down to about this long in all, so that there is a half-way to see.
SHOW_SECONDS = 6.0
PATIENCE_SECONDS = 300.0


def files_below(folder: Path) -> list[str]:
    """Paths of all files, relative to the folder."""
    found = []
    for place, _, names in os.walk(folder):
        paths = (Path(place, name) for name in names)
        found += [path.relative_to(folder).as_posix() for path in paths if is_plain(path)]
    return sorted(found, key=os.fsencode)


def is_plain(path: Path) -> bool:
    """Whether it is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def is_text(path: str) -> bool:
    """Whether a name is UTF-8; Python carries other bytes as surrogates."""
    return not any("\udc80" <= char <= "\udcff" for char in path)


def measure_all(
    url: str, folder: Path, paths: list[str], logs: Path, then: Callable[[], None] | None = None
) -> list[windlass.Task] | None:
    """The job, on whatever the URL names; its tasks once all have completed, else nothing."""
    app.connect_to(url)
    pause = min(1.0, SHOW_SECONDS * WORKERS * SLOTS / len(paths))
    began = time.monotonic()
    calls = [{"folder": str(folder), "path": path, "pause": pause} for path in paths]
    handles = measure.submit_many(calls)
    print(f"submitted  {len(handles):,} tasks in {time.monotonic() - began:.2f} s, all or none")
    print(f"           each is slowed down by {pause:.2f} s, so that there is a half-way to see")

    with workers(url, logs) as started:
        saboteur = Saboteur(len(handles), started, then)
        saboteur.start()
        app.client.wait_for_batch(handles.task_ids, timeout=PATIENCE_SECONDS, progress=True)
        saboteur.stop()

    tasks = list(app.client.list_tasks(batch_id=handles.batch_id))
    unfinished = [task for task in tasks if task.status != "completed"]
    for task in unfinished[:5]:
        print(f"{task.status}: {task.payload['path']}: {task.error}", file=sys.stderr)
    if unfinished or len(tasks) != len(paths):
        print(f"{len(unfinished)} of {len(paths)} tasks did not complete", file=sys.stderr)
        return None
    print_story(tasks, saboteur.victim)
    return tasks


def main() -> int:
    """Both rounds, and the comparison."""
    parser = argparse.ArgumentParser(
        description="Measures every file of a folder by durable tasks, twice."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--place", type=Path, default=Path(), help="where databases and logs go")
    given = parser.parse_args()
    folder, place = given.folder.resolve(), given.place.resolve()
    paths = files_below(folder)
    if not paths:
        print(f"there is no file below {folder}", file=sys.stderr)
        return 2
    if odd := [path for path in paths if not is_text(path)]:
        print(f"{odd[0]!a}: a payload is text, and this name is not UTF-8", file=sys.stderr)
        return 2

    began = time.monotonic()
    print(f"folder     {folder}")
    alone, served = f"sqlite:{place / 'alone.db'}", f"sqlite:{place / 'served.db'}"
    print(f"\n1 of 2, on a file\nurl        {alone}")
    first = measure_all(alone, folder, paths, place)

    print("\n2 of 2, through a server: the same code, another URL")
    second = None
    with Server(served, place) as server, contextlib.ExitStack() as at_last:
        at_last.callback(app.close)
        print(f"url        {server.url}")
        second = measure_all(server.url, folder, paths, place, then=server.strike)
    if first is None or second is None:
        return 1

    found = [totals([task.result for task in tasks]) for tasks in (first, second)]
    same = print_table(found, ["on a file", "through a server"], totals_by_hand(folder))
    print("\nlook       windlass tasks ls --limit 5 --url \\")
    print(f"             {served}")
    verdict = "everything agrees" if same else "the figures differ"
    print(f"\n{verdict}, after {time.monotonic() - began:.1f} s")
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; what was started is stopped, and the tasks are kept", file=sys.stderr)
        sys.exit(130)

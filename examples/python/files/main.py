"""Measures every file of a folder by durable tasks, and kills one of the workers half-way.

    python main.py FOLDER [--database windlass.db]

Every file becomes a task of one batch. Two worker processes share them; the first attempt at one
file in eight fails and is retried; half-way one worker is killed with SIGKILL, and the other one
takes over what it held. At the end the totals are compared with those of find, wc and sha256sum.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Into a file, a line every few seconds is enough. Read when tqdm is imported.
os.environ.setdefault("TQDM_MININTERVAL", "0.1" if sys.stderr.isatty() else "3")

import windlass
from tasks import app, is_unlucky, measure
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
WORKERS = 2
SLOTS = 4
# A dead worker is noticed after so many seconds. The default is 60.
LEASE_SECONDS = 2
# Tasks are slowed down to about this long in all, so that there is a half-way to see.
SHOW_SECONDS = 8.0
PATIENCE_SECONDS = 300.0


def files_below(folder: Path) -> list[str]:
    """Paths of all files, relative to the folder."""
    found = []
    for place, _, names in os.walk(folder):
        paths = (Path(place, name) for name in names)
        found += [path.relative_to(folder).as_posix() for path in paths if is_plain(path)]
    return sorted(found, key=os.fsencode)


def is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def is_text(path: str) -> bool:
    """Whether a name is UTF-8; Python carries other bytes as surrogates."""
    return not any("\udc80" <= char <= "\udcff" for char in path)


@contextlib.contextmanager
def workers(url: str, logs: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes, as they are started in a terminal; they end with the block."""
    command = ["windlass", "worker", "tasks:app", "--url", url]
    command += ["--concurrency", str(SLOTS), "--lease", str(LEASE_SECONDS)]
    script = Path(sys.executable).with_name(command[0])
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(WORKERS):
            log = (logs / f"worker-{number + 1}.log").open("wb")
            process = subprocess.Popen(
                [script, *command[1:]], cwd=HERE, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            started.append(process)
        print(f"workers    {', '.join(f'pid {process.pid}' for process in started)}")
        print(f"           {' '.join(command)}")
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Saboteur(threading.Thread):
    """Kills a worker once half of the tasks are done, while it holds some."""

    def __init__(self, total: int, started: list[subprocess.Popen[bytes]]) -> None:
        super().__init__(daemon=True)
        self.total = total
        self.started = started
        self.victim: int | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            counts = {count.status: count.count for count in app.client.counts()}
            if counts.get("completed", 0) >= self.total // 2 and self.strike():
                return

    def strike(self) -> bool:
        """Kills the worker that holds the most tasks now; whether there is one."""
        held = Counter(holder(task) for task in app.client.list_tasks(status="running", limit=1000))
        for process in sorted(self.started, key=lambda process: -held[process.pid]):
            if held[process.pid] == 0:
                return False
            process.send_signal(signal.SIGKILL)
            self.victim = process.pid
            tell(f"kill -9 {process.pid}: half is done; tasks it holds: {held[process.pid]}")
            return True
        return False


def holder(task: windlass.Task) -> int:
    """Process id of the worker that has a running task, from the worker's id: HOST:PID-CHANCE."""
    found = re.search(r":(\d+)-", (task.record.get("lease") or {}).get("worker", ""))
    return int(found[1]) if found else 0


def tell(line: str) -> None:
    """Prints a line above the progress bar."""
    tqdm.write(f"           {line}", file=sys.stdout)


def totals(found: list[dict[str, Any]]) -> dict[str, str]:
    """What the tasks found, summed up as `totals.sh` does."""
    ordered = sorted(found, key=lambda figures: os.fsencode(f"./{figures['path']}"))
    hashes = "".join(f"{figures['sha256']}\n" for figures in ordered)
    sums = {name: sum(figures[name] for figures in ordered) for name in ("bytes", "lines", "words")}
    whole = hashlib.sha256(hashes.encode()).hexdigest()
    return {"files": str(len(ordered)), **{k: str(v) for k, v in sums.items()}, "sha256": whole}


def totals_by_hand(folder: Path) -> dict[str, str]:
    """The same figures by find, wc and sha256sum."""
    done = subprocess.run([HERE / "totals.sh", folder], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def print_table(ours: dict[str, str], theirs: dict[str, str]) -> bool:
    """The comparison; whether all is the same."""
    print(f"\n{'':<11}{'windlass':>16}{'find, wc, sha256sum':>22}")
    for name in theirs:
        same = ours[name] == theirs[name]
        left, right = shorten(ours[name]), shorten(theirs[name])
        print(f"{name:<11}{left:>16}{right:>22}  {'same' if same else 'DIFFERENT'}")
    return ours == theirs


def shorten(figure: str) -> str:
    """Digits in groups; of a hash its beginning."""
    return f"{int(figure):,}" if len(figure) < 20 else f"{figure[:12]}…"


def print_story(tasks: list[windlass.Task], victim: int | None) -> None:
    """What went wrong on the way, and was mended."""
    pids = Counter(task.result["worker_pid"] for task in tasks)
    shares = ", ".join(
        f"{n} by pid {pid}{' until it was killed' if pid == victim else ''}"
        for pid, n in pids.items()
    )
    rescued = [task for task in tasks if task.record["suspect"]]
    failed = [task for task in tasks if is_unlucky(task.payload["path"]) and task.attempt > 1]
    print(f"\ncompleted  {len(tasks):>5}  {shares}")
    print(f"retried    {len(failed):>5}  failed at the first attempt, on purpose")
    print(f"rescued    {len(rescued):>5}  {rescue_story(rescued, victim)}")


def rescue_story(rescued: list[windlass.Task], victim: int | None) -> str:
    if victim is None:
        return "no worker held a task half-way, so none was killed"
    if not rescued:
        return f"pid {victim} had just handed in all it held"
    path = rescued[0].payload["path"]
    return f"taken over from pid {victim}, for example {path}, attempt {rescued[0].attempt}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measures every file of a folder by durable tasks."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--database", type=Path, default=Path("windlass.db"))
    given = parser.parse_args()
    folder, database = given.folder.resolve(), given.database.resolve()
    paths = files_below(folder)
    if not paths:
        print(f"there is no file below {folder}", file=sys.stderr)
        return 2
    if odd := [path for path in paths if not is_text(path)]:
        print(f"{odd[0]!a}: a payload is text, and this name is not UTF-8", file=sys.stderr)
        return 2

    url = f"sqlite:{database}"
    app.connect_to(url)
    pause = min(1.0, SHOW_SECONDS * WORKERS * SLOTS / len(paths))
    print(f"folder     {folder}")
    print(f"database   {database}")
    began = time.monotonic()
    calls = [{"folder": str(folder), "path": path, "pause": pause} for path in paths]
    handles = measure.submit_many(calls)
    print(f"submitted  {len(handles):,} tasks in {time.monotonic() - began:.2f} s, all or none")
    print(f"           each is slowed down by {pause:.2f} s, so that there is a half-way to see")

    with workers(url, database.parent) as started:
        saboteur = Saboteur(len(handles), started)
        saboteur.start()
        app.client.wait_for_batch(handles.task_ids, timeout=PATIENCE_SECONDS, progress=True)
        saboteur.over.set()
        saboteur.join()

    tasks = list(app.client.list_tasks(batch_id=handles.batch_id))
    unfinished = [task for task in tasks if task.status != "completed"]
    for task in unfinished[:5]:
        print(f"{task.status}: {task.payload['path']}: {task.error}", file=sys.stderr)
    if unfinished or len(tasks) != len(paths):
        print(f"{len(unfinished)} of {len(paths)} tasks did not complete", file=sys.stderr)
        return 1
    same = print_table(totals([task.result for task in tasks]), totals_by_hand(folder))
    print_story(tasks, saboteur.victim)
    print(f"\ndatabase   {database}")
    print(f"           windlass tasks ls --limit 5 --url {url}")
    verdict = "everything agrees" if same else "the figures differ"
    print(f"\n{verdict}, after {time.monotonic() - began:.1f} s")
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; the workers are stopped, and the tasks are kept", file=sys.stderr)
        sys.exit(130)

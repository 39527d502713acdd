"""What the tasks found, beside what find, wc and sha256sum find."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import windlass
from tasks import is_unlucky

HERE = Path(__file__).resolve().parent


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


def print_table(ours: list[dict[str, str]], heads: list[str], theirs: dict[str, str]) -> bool:
    """The comparison; whether all is the same."""
    print(f"\n{'':<11}{''.join(f'{head:>18}' for head in heads)}{'find, wc, sha256sum':>22}")
    for name in theirs:
        same = all(figures[name] == theirs[name] for figures in ours)
        columns = "".join(f"{shorten(figures[name]):>18}" for figures in ours)
        verdict = "same" if same else "DIFFERENT"
        print(f"{name:<11}{columns}{shorten(theirs[name]):>22}  {verdict}")
    return all(figures == theirs for figures in ours)


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
    print(f"completed  {len(tasks):>5}  {shares}")
    print(f"retried    {len(failed):>5}  failed at the first attempt, on purpose")
    print(f"rescued    {len(rescued):>5}  {rescue_story(rescued, victim)}")


def rescue_story(rescued: list[windlass.Task], victim: int | None) -> str:
    """How the tasks of a killed worker were saved."""
    if victim is None:
        return "no worker held a task half-way, so none was killed"
    if not rescued:
        return f"pid {victim} had just handed in all it held"
    path = rescued[0].payload["path"]
    return f"taken over from pid {victim}, for example {path}, attempt {rescued[0].attempt}"

"""Drains tasks that do nothing with one Python worker, and prints how long it took, as JSON.

Timed is what lies between the worker's start and the moment when the store tells that all are
completed. Storing them beforehand, with `--submit`, is not timed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import resource
import sys
import threading
import time
from typing import Any

import windlass

CHUNK = 5_000


def call(number: int) -> dict[str, Any]:
    """The arguments of one task: about 100 bytes of JSON."""
    return {
        "path": f"pictures/2030/holiday-{number:012}.jpg",
        "width": 320,
        "height": 200,
        "format": "webp",
        "by": "bench",
    }


def max_rss_bytes() -> int:
    """The most memory that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handler", choices=["async", "suspending", "sync"], required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--durability", choices=["full", "normal"], default="full")
    parser.add_argument("--submit", action="store_true", help="store the tasks first")
    parser.add_argument("--concurrency", type=int, default=100)
    given = parser.parse_args()

    app = windlass.App(given.url, durability=given.durability)
    # Counts without a lock: handlers may run in many threads.
    count = itertools.count(1)
    tasks, tenth = given.tasks, max(1, given.tasks // 10)
    tenth_rss = 0
    all_ran = threading.Event()

    def ran() -> None:
        nonlocal tenth_rss
        number = next(count)
        if number == tenth:
            tenth_rss = max_rss_bytes()
        if number == tasks:
            all_ran.set()

    if given.handler == "async":

        @app.task(name="noop")
        async def noop(path: str, width: int, height: int, format: str, by: str) -> None:
            ran()

        submit_many = noop.submit_many
    elif given.handler == "suspending":

        @app.task(name="noop")
        async def noop_suspending(path: str, width: int, height: int, format: str, by: str) -> None:
            await asyncio.sleep(0)
            ran()

        submit_many = noop_suspending.submit_many
    else:

        @app.task(name="noop")
        def noop_sync(path: str, width: int, height: int, format: str, by: str) -> None:
            ran()

        submit_many = noop_sync.submit_many

    if given.submit:
        for first in range(0, tasks, CHUNK):
            submit_many([call(n) for n in range(first, min(first + CHUNK, tasks))])

    client = app.client
    start = time.perf_counter()
    with app.worker(concurrency=given.concurrency).background():
        all_ran.wait()
        while sum(c.count for c in client.counts() if c.status == "completed") < tasks:
            time.sleep(0.001)
        seconds = time.perf_counter() - start
    app.close()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "tasks": tasks,
                "max_rss_bytes": max_rss_bytes(),
                "tenth_max_rss_bytes": tenth_rss,
            }
        )
    )


if __name__ == "__main__":
    main()

"""Drains tasks that do nothing with one Python worker, and prints how long it took, as JSON.

Timed is what lies between the worker's start and the moment when the store tells that all are
completed. Storing them beforehand is not timed.
"""

from __future__ import annotations

import argparse
import json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handler", choices=["async", "sync"], required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=100)
    given = parser.parse_args()

    app = windlass.App(given.url)
    left = given.tasks
    lock = threading.Lock()
    all_ran = threading.Event()

    def ran() -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                all_ran.set()

    if given.handler == "async":

        @app.task(name="noop")
        async def noop(path: str, width: int, height: int, format: str, by: str) -> None:
            ran()

        submit_many = noop.submit_many
    else:

        @app.task(name="noop")
        def noop_sync(path: str, width: int, height: int, format: str, by: str) -> None:
            ran()

        submit_many = noop_sync.submit_many

    for first in range(0, given.tasks, CHUNK):
        submit_many([call(n) for n in range(first, min(first + CHUNK, given.tasks))])

    client = app.client
    start = time.perf_counter()
    with app.worker(concurrency=given.concurrency).background():
        all_ran.wait()
        while sum(c.count for c in client.counts() if c.status == "completed") < given.tasks:
            time.sleep(0.001)
        seconds = time.perf_counter() - start
    app.close()
    print(json.dumps({"seconds": seconds, "tasks": given.tasks}))


if __name__ == "__main__":
    main()

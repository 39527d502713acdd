"""The same work by huey on SQLite, and one line of JSON.

Tasks are stored one by one, then drained by one worker thread of its own consumer, whose handler
does nothing.

    python huey_peer.py FILE TASKS

huey leaves `synchronous` at the default of SQLite, FULL; its only other setting is none at all.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from typing import Any

from huey import SqliteHuey


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
    file, tasks = sys.argv[1], int(sys.argv[2])
    # Its own words about each task would be most of the work.
    logging.getLogger("huey").setLevel(logging.ERROR)
    queue = SqliteHuey(filename=file)
    synchronous = queue.storage.sql("pragma synchronous", results=True)[0][0]
    if synchronous != 2:
        raise SystemExit(f"huey runs at synchronous={synchronous}, not FULL")
    done = 0
    all_ran = threading.Event()

    @queue.task()
    def noop(path: str, width: int, height: int, format: str, by: str) -> None:
        nonlocal done
        done += 1
        if done == tasks:
            all_ran.set()

    start = time.perf_counter()
    for number in range(tasks):
        noop(**call(number))
    submit_seconds = time.perf_counter() - start

    consumer = queue.create_consumer(workers=1, periodic=False, check_worker_health=False)
    start = time.perf_counter()
    consumer.start()
    all_ran.wait()
    drain_seconds = time.perf_counter() - start
    consumer.stop(graceful=True)
    left = queue.pending_count()
    if left:
        raise SystemExit(f"huey left {left} tasks behind")
    print(
        json.dumps(
            {"tasks": tasks, "submit_seconds": submit_seconds, "drain_seconds": drain_seconds}
        )
    )


if __name__ == "__main__":
    main()

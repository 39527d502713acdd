"""A Python producer that tells each task once it is acknowledged: python producer.py URL."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time

import windlass

url = sys.argv[1]
client = windlass.Client(url)
retry: windlass.RetryOptions = {"max_retries": 1000, "initial_delay": 0.01, "max_delay": 0.05}


def submitted(request: str, ends: str) -> str:
    """A killed server leaves calls without an answer; the same request again is one task."""
    payload = {"request": request, "ends": ends}
    while True:
        try:
            return client.submit_task(payload, "work", idempotency_key=request, retry=retry).task_id
        except windlass.WindlassError as error:
            if not url.startswith("http:") or not error.retryable:
                raise
            time.sleep(0.01)


def leash() -> None:
    """Ends this process when the one that started it is gone."""
    sys.stdin.read()
    os._exit(1)


threading.Thread(target=leash, daemon=True).start()
for number in itertools.count():
    request = f"{os.getpid()}-{number}"
    ends = ("completed", "later", "completed", "failed")[number % 4]
    os.write(1, f"{submitted(request, ends)} {request} {ends}\n".encode())
    time.sleep(0.005)

"""What is done with each file: its hash and its size, and now and then a failure."""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import windlass

app = windlass.App()


@dataclass
class Figures:
    """What is known of one file."""

    path: str
    sha256: str
    bytes: int
    lines: int
    words: int
    worker_pid: int


class SlowDiskError(Exception):
    """Stands for what goes wrong for a moment and works when it is tried again."""


def is_unlucky(path: str) -> bool:
    """Whether the first attempt at this file fails: one in eight, the same ones in every run."""
    return zlib.crc32(os.fsencode(path)) % 8 == 0


@app.task(max_retries=5, retry={"initial_delay": 0.3}, timeout=30)
def measure(ctx: windlass.Context, folder: str, path: str, pause: float = 0.0) -> Figures:
    """Reads one file. It may run again after a crash, and does no harm then: it only reads."""
    time.sleep(pause)
    if ctx.attempt == 1 and is_unlucky(path):
        raise SlowDiskError(f"{path}: the disk did not answer in time")
    content = Path(folder, path).read_bytes()
    return Figures(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        lines=content.count(b"\n"),
        words=len(content.split()),
        worker_pid=os.getpid(),
    )

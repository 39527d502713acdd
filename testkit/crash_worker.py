"""A Python worker for the crash test: runs tasks and writes down each attempt that begins.

python crash_worker.py URL FOLDER
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import windlass


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    log = os.open(folder / f"began-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    app = windlass.App(url)

    @app.task
    async def work(ctx: windlass.Context, payload: dict[str, Any]) -> bool:
        os.write(log, f"{ctx.task_id} {time.clock_gettime_ns(time.CLOCK_MONOTONIC)}\n".encode())
        if random.random() < 0.25:
            await ctx.progress(50, "half")
        await asyncio.sleep(random.random() * 0.012)
        if random.random() < 0.05:
            raise RuntimeError("the dice said so")
        return True

    app.worker(concurrency=8, lease=2).run()


main()

"""A Python worker whose tasks tell each of their steps: python steps.py URL."""

from __future__ import annotations

import asyncio
import sys

import windlass

app = windlass.App(sys.argv[1])


@app.task
async def steps(ctx: windlass.Context, count: int) -> int:
    for step in range(count):
        ctx.progress(100 * step / count, f"step {step}")
        await asyncio.sleep(0.02)
    return count


app.worker(concurrency=4, lease=1).run()

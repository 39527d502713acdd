"""A Python worker that tells each attempt as it begins: python worker.py URL [holding]."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
from typing import Any

import windlass

app = windlass.App(sys.argv[1])


def tell(ctx: windlass.Context) -> None:
    os.write(1, f"{ctx.task_id} {ctx.attempt}\n".encode())


@app.task
async def work(ctx: windlass.Context, payload: dict[str, Any]) -> dict[str, Any]:
    tell(ctx)
    await asyncio.sleep(random.random() * 0.01)
    if payload["ends"] == "failed":
        raise windlass.Fail("as it was asked for")
    if payload["ends"] == "later" and ctx.attempt == 1:
        raise RuntimeError("not at the first attempt")
    return {"request": payload["request"], "attempt": ctx.attempt, "by": "python"}


@app.task
async def hold(ctx: windlass.Context) -> str:
    tell(ctx)
    # One that is started to hold tasks never ends them.
    if "holding" in sys.argv:
        await asyncio.Event().wait()
    return "python"


def leash() -> None:
    """Ends this process when the one that started it is gone."""
    sys.stdin.read()
    os._exit(1)


threading.Thread(target=leash, daemon=True).start()
app.worker(concurrency=4, lease=1).run()

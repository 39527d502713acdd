"""A block of steps as vectors tell it, through `windlass.parallel`."""

from __future__ import annotations

import asyncio
from typing import Any

from windlass import parallel


def run_block(given: dict[str, Any]) -> dict[str, Any]:
    """Each step runs until `ends` tells how it ended, in that order and when it has begun."""
    return asyncio.run(_run(given))


async def _run(given: dict[str, Any]) -> dict[str, Any]:
    steps = given["steps"]
    options = {
        "timeout" if name == "timeout_seconds" else name: value
        for name, value in given["block"].items()
    }
    if "answers" in given:
        answers = iter(given["answers"])
        options["custom"] = lambda _progress: next(answers)
    begun = [asyncio.Event() for _ in range(steps)]
    ended: list[asyncio.Future[bool]] = [asyncio.Future() for _ in range(steps)]
    running = most = 0

    async def step(index: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        begun[index].set()
        try:
            if not await ended[index]:
                raise RuntimeError("as told")
        finally:
            running -= 1

    block = asyncio.ensure_future(parallel.gather(range(steps), step, **options))
    for index, succeeds in given["ends"]:
        told = asyncio.ensure_future(begun[index].wait())
        # One that is refused, or has ended, begins no more.
        await asyncio.wait({told, block}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if block.done():
            break
        ended[index].set_result(succeeds)
    result = await block
    return {
        "overall_status": result.overall_status,
        "counts": [result.completed_tasks, result.failed_tasks, result.cancelled_tasks],
        "results": [one.status for one in result.results],
        "most": most,
    }

"""The handlers of a shop: quick ones, slow ones that tell how far they are, and some that fail."""

from __future__ import annotations

import asyncio
import random
import zlib
from typing import Any

import windlass

app = windlass.App()


class MailServerError(Exception):
    """Stands for what goes wrong for a moment and works when it is tried again."""


def one_in(number: int, what: str) -> bool:
    """Whether this one has bad luck: the same ones in every run."""
    return zlib.crc32(what.encode()) % number == 0


@app.task(max_retries=3, retry={"initial_delay": 2.0}, timeout=30)
async def charge(ctx: windlass.Context, order: str, cents: int) -> dict[str, Any]:
    """Takes the money; one card in nine is refused, for good."""
    ctx.log(f"asking the bank for {cents / 100:.2f}")
    await asyncio.sleep(random.uniform(0.1, 0.4))
    if one_in(9, order):
        raise windlass.Fail(f"{order}: the card was refused")
    return {"order": order, "receipt": f"R-{zlib.crc32(ctx.task_id.encode()):08x}"}


@app.task(max_retries=4, retry={"initial_delay": 1.0}, timeout=10)
async def email(ctx: windlass.Context, to: str, subject: str) -> str:
    """Sends a mail; the mail server is slow to wake up for one in four."""
    await asyncio.sleep(random.uniform(0.05, 0.2))
    if one_in(4, to) and ctx.attempt <= 1 + zlib.crc32(to.encode()) % 3:
        ctx.log(f"attempt {ctx.attempt}: no answer on port 25", level="warning")
        raise MailServerError("the mail server did not answer")
    return f"sent to {to}: {subject}"


@app.task(timeout=60)
async def invoice(ctx: windlass.Context, order: str, lines: int) -> dict[str, Any]:
    """Draws an invoice line by line, and tells how far it is."""
    ctx.log(f"drawing {lines} lines")
    for line in range(1, lines + 1):
        await asyncio.sleep(random.uniform(0.1, 0.5))
        await ctx.progress(100.0 * line / lines, f"line {line} of {lines}")
    ctx.log("drawn; the file has one page")
    return {"order": order, "pages": 1, "bytes": 4096 + 100 * lines}


@app.task(max_retries=1, timeout=20)
async def picture(ctx: windlass.Context, name: str) -> dict[str, int]:
    """Shrinks one picture of a catalogue; broken ones are tried twice."""
    await asyncio.sleep(random.uniform(0.2, 0.8))
    if one_in(13, name):
        raise ValueError(f"{name} is no picture")
    return {"width": 320, "height": 200}


@app.task(timeout=60)
async def reminder(ctx: windlass.Context, order: str) -> str:
    """Asks how it went, some time after the order."""
    ctx.log("the customer said nothing yet")
    return f"asked about {order}"


# The stages of a stocktake: see stocktake.json.


@app.task(timeout=30)
async def close_tills(ctx: windlass.Context) -> dict[str, int]:
    """Closes every till of the day, and says what was taken."""
    await asyncio.sleep(0.5)
    return {"north": 1200, "south": 800, "harbour": 300}


@app.task(timeout=30)
async def count_shelves(ctx: windlass.Context, shop: str) -> dict[str, Any]:
    """Counts what lies on the shelves of one shop."""
    for shelf in range(1, 5):
        await asyncio.sleep(random.uniform(0.1, 0.4))
        await ctx.progress(25.0 * shelf, f"shelf {shelf} of 4")
    return {"shop": shop, "things": 1000 + zlib.crc32(shop.encode()) % 500}


@app.task(timeout=30)
async def compare(ctx: windlass.Context) -> dict[str, int]:
    """Reads what the shops counted, when all have."""
    counted = [await ctx.upstream[shop] for shop in ("north", "south", "harbour")]
    await asyncio.sleep(0.4)
    return {one["shop"]: 1500 - one["things"] for one in counted}


@app.task(timeout=30)
async def reorder(ctx: windlass.Context) -> int:
    """Orders what is missing."""
    missing = await ctx.upstream["compare"]
    await asyncio.sleep(0.5)
    return sum(missing.values())


@app.task(timeout=30)
async def report(ctx: windlass.Context) -> dict[str, int]:
    """Tells what was taken beside what is missing."""
    taken, missing = await ctx.upstream["close"], await ctx.upstream["compare"]
    return {"taken": sum(taken.values()), "missing": sum(missing.values())}

"""Strategies in Python beside what people write without them: steps that do nothing, as a table.

    python benches/python_parallel.py [--steps N] [--concurrency N] [--rounds N] [--json FILE]

Each measurement is a process of its own, so that memory can be told; rounds are interleaved, and
medians count. A peer gives the values alone, ours gives `ParallelTaskResult`s with the time that
each step took. Take the module of the release profile: `place_native.py --profile release`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from windlass import parallel


async def noop(step: int) -> int:
    return step


async def suspending(step: int) -> int:
    await asyncio.sleep(0)
    return step


def plain(step: int) -> int:
    return step


def gathered(steps: range, concurrency: int, function: Callable[..., Any]) -> list[Any]:
    """`asyncio.gather` under a semaphore."""

    async def main() -> list[Any]:
        free = asyncio.Semaphore(concurrency)

        async def one(step: int) -> Any:
            async with free:
                return await function(step)

        return await asyncio.gather(*map(one, steps), return_exceptions=True)

    return asyncio.run(main())


def pooled(steps: range, concurrency: int, function: Callable[..., Any]) -> list[Any]:
    """`ThreadPoolExecutor.map`."""
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(function, steps))


def ours(steps: range, concurrency: int, function: Callable[..., Any]) -> list[Any]:
    """`windlass.parallel.run`."""
    result = parallel.run(steps, function, max_concurrency=concurrency)
    assert result.overall_status == "completed"
    return result.results


PAIRS = {
    "async, no-op": (noop, "asyncio.gather + Semaphore", gathered),
    "async, suspends once": (suspending, "asyncio.gather + Semaphore", gathered),
    "threads, no-op": (plain, "ThreadPoolExecutor.map", pooled),
}


def max_rss_bytes() -> int:
    """The most memory that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(work: str, who: str, steps: int, concurrency: int) -> None:
    """One measurement, in this process; prints JSON."""
    function, _, peer = PAIRS[work]
    run = ours if who == "windlass" else peer
    run(range(1000), concurrency, function)
    gc.collect()
    before = max_rss_bytes()
    start = time.perf_counter()
    results = run(range(steps), concurrency, function)
    seconds = time.perf_counter() - start
    assert len(results) == steps
    print(json.dumps({"seconds": seconds, "grown_bytes": max_rss_bytes() - before}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write every value of every round here")
    parser.add_argument("--one", nargs=2, metavar=("WORK", "WHO"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        measure(*given.one, given.steps, given.concurrency)
        return
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for _ in range(given.rounds):
        for work in PAIRS:
            for who in ("windlass", "peer"):
                sizes = [f"--steps={given.steps}", f"--concurrency={given.concurrency}"]
                done = subprocess.run(
                    [sys.executable, __file__, *sizes, "--one", work, who],
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                found.setdefault(work, {}).setdefault(who, []).append(json.loads(done.stdout))
    print(f"{given.steps} steps, {given.concurrency} at once, {given.rounds} rounds, ", end="")
    print(f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}\n")
    print("| work | who | steps/s | faster | memory |")
    print("| --- | --- | --- | --- | --- |")
    for work, (_, name, _) in PAIRS.items():
        of = {who: found[work][who] for who in ("windlass", "peer")}
        mine, peer = (statistics.median(one["seconds"] for one in of[who]) for who in of)
        for who, called in (("windlass", "Windlass"), ("peer", name)):
            rates = sorted(given.steps / one["seconds"] for one in of[who])
            memory = statistics.median(one["grown_bytes"] for one in of[who])
            print(
                f"| {work} | {called} | {statistics.median(rates):,.0f} "
                f"({rates[0]:,.0f} to {rates[-1]:,.0f}) "
                f"| {f'{peer / mine:.1f} x' if who == 'windlass' else ''} | {memory / 1e6:.0f} MB |"
            )
    if given.json:
        with open(given.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()

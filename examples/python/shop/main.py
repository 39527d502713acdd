"""A shop that never stands still, to be looked at in the console of its server.

    python main.py [--store sqlite:shop.db] [--seconds 60] [--logs .]

Starts a server and two workers, and stores orders until Ctrl-C, or for so many seconds: each is a
payment, an invoice, a mail, which may fail and be retried, and a reminder for later. Now and then
comes a catalogue as one batch, and somebody changes their mind. First of all it takes
stock: a pipeline, which is drawn here as it goes on and can be looked at in the console afterwards.
Ends with what became of them, and with 1 if the console did not answer or nothing got done.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from shop import app, charge, email, invoice, picture, reminder

HERE = Path(__file__).resolve().parent
WORKERS = 2
SHOPS = ["north", "south", "harbour"]
NAMES = ["ada", "grace", "edsger", "barbara", "tony", "leslie", "frances", "niklaus"]


@contextlib.contextmanager
def running(log: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the `windlass` of this environment; it is stopped at the end of the block."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("windlass")), *words],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Ctrl-C is for this program, which then stops them one after the other.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def order(number: int) -> None:
    """Stores what one order is made of."""
    name, shop = random.choice(NAMES), random.choice(SHOPS)
    key = f"{time.strftime('%d%H%M')}-{number}"
    labels = {"shop": shop, "customer": name, "order": key}
    pay = charge.options(queue="payments", priority="high", labels=labels)
    pay.submit(order=key, cents=random.randrange(500, 90_000))
    draw = invoice.options(labels=labels).submit(order=key, lines=random.randint(3, 9))
    mail = email.options(queue="mail", labels=labels, idempotency_key=f"welcome-{key}")
    mail.submit(to=f"{name}+{key}@example.com", subject=f"Your order {key}")
    delay = random.uniform(8, 90)
    later = reminder.options(queue="mail", priority="low", labels=labels, delay=delay)
    reminded = later.submit(order=key)
    if number % 7 == 0:
        draw.cancel()  # while it runs
    if number % 5 == 0:
        reminded.cancel()  # before it ever does


def catalogue(number: int) -> None:
    """Stores a batch of pictures."""
    shop = random.choice(SHOPS)
    shrink = picture.options(queue="pictures", priority="background", labels={"shop": shop})
    count = random.randint(12, 40)
    shrink.submit_many([{"name": f"{shop}-{number}-{n}.jpg"} for n in range(count)])


def trickle(seconds: float | None) -> None:
    """Stores orders until the time is over, or somebody stops it."""
    end = None if seconds is None else time.monotonic() + seconds
    # What waits for a worker that nobody started: the console says so.
    app.client.submit_task({"year": 2030}, task_type="archive", queue="archive")
    for number in itertools.count(1):
        if number % 20 == 1:
            catalogue(number)
        order(number)
        pause = random.expovariate(1 / 0.8)
        if end is not None and time.monotonic() + pause >= end:
            time.sleep(max(0.0, end - time.monotonic()))
            return
        time.sleep(min(pause, 4.0))


def takes_stock(url: str) -> bool:
    """Runs the pipeline of a file and draws it meanwhile; whether it completed."""
    command = Path(sys.executable).with_name("windlass")
    words = ["pipelines", "submit", "stocktake.json", "--watch", "--timeout", "60s", "--url", url]
    return subprocess.run([command, *words], cwd=HERE, check=False).returncode == 0


def answers(console: str) -> bool:
    """Whether the console is there."""
    with urllib.request.urlopen(f"{console}console.json", timeout=10) as about:
        told = json.load(about)
    with urllib.request.urlopen(console, timeout=10) as page:
        return bool(told["version"]) and page.headers["content-type"].startswith("text/html")


def interrupted(*_: object) -> None:
    """SIGTERM ends it as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Until Ctrl-C, or for `--seconds`."""
    parser = argparse.ArgumentParser(description="A shop that never stands still.")
    parser.add_argument("--store", default="sqlite:shop.db", help="where its tasks are")
    parser.add_argument("--listen", default="127.0.0.1:0", help="address of its server")
    parser.add_argument("--seconds", type=float, help="how long; until Ctrl-C when left out")
    parser.add_argument("--logs", type=Path, default=Path(), help="where logs go")
    given = parser.parse_args()
    logs = given.logs.resolve()
    signal.signal(signal.SIGTERM, interrupted)

    with contextlib.ExitStack() as at_last:
        serve = ("serve", "--store", given.store, "--listen", given.listen, "-o", "json")
        server = at_last.enter_context(running(logs / "shop-server.log", *serve))
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            print(f"the server did not start: see {logs / 'shop-server.log'}", file=sys.stderr)
            return 1
        ready = json.loads(line)
        app.connect_to(ready["url"])
        at_last.callback(app.close)
        for number in range(1, WORKERS + 1):
            words = ["worker", "shop:app", "--url", ready["url"], "--concurrency", "4"]
            words += ["--queues", "payments,default,mail,pictures,stock"]
            at_last.enter_context(running(logs / f"shop-worker-{number}.log", *words))
        print(f"console    {ready['console']}", flush=True)
        if not takes_stock(ready["url"]):
            print("the stocktake did not complete", file=sys.stderr)
            return 1
        bound = "until Ctrl-C" if given.seconds is None else f"for {given.seconds:g} s"
        print(f"           orders come in {bound}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            trickle(given.seconds)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        there = answers(ready["console"])
        counts: Counter[str] = Counter()
        for count in app.client.counts():
            counts[count.status] += count.count
        retried = sum(task.retry_count > 0 for task in app.client.list_tasks(limit=1000))
        told = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        print(f"\ntasks      {told}; {retried} of the last were retried")
        return 0 if there and counts["completed"] > 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

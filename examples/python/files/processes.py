"""What the demo starts and kills: worker processes, a server, and who does the killing."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import windlass
from tasks import app
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
WORKERS = 2
SLOTS = 4
# A dead worker is noticed after so many seconds. The default is 60.
LEASE_SECONDS = 2

Process = subprocess.Popen[bytes]


def command(*words: str) -> list[str]:
    """A command line of the `windlass` of this environment."""
    return [str(Path(sys.executable).with_name("windlass")), *words]


def end(process: Process) -> None:
    """Asks a process to stop, and waits until it has."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tell(line: str) -> None:
    """Prints a line above the progress bar."""
    tqdm.write(f"           {line}", file=sys.stdout)


@contextlib.contextmanager
def workers(url: str, logs: Path) -> Iterator[list[Process]]:
    """Worker processes, as they are started in a terminal; they end with the block."""
    words = ["worker", "tasks:app", "--url", url]
    words += ["--concurrency", str(SLOTS), "--lease", str(LEASE_SECONDS)]
    started: list[Process] = []
    try:
        for number in range(WORKERS):
            with (logs / f"worker-{number + 1}.log").open("wb") as log:
                process = subprocess.Popen(
                    command(*words), cwd=HERE, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            started.append(process)
        print(f"workers    {', '.join(f'pid {process.pid}' for process in started)}")
        print(f"           windlass {' '.join(words)}")
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            end(process)


class Server:
    """`windlass serve` on a store, at one address for as long as it is started again."""

    def __init__(self, store: str, logs: Path) -> None:
        self.store = store
        self.log = logs / "server.log"
        self.url = ""
        self._process = self._start("127.0.0.1:0")
        print(f"server     pid {self._process.pid} at {self.url}")
        print(f"           windlass serve --store {store}")

    def _start(self, listen: str) -> Process:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command("serve", "--store", self.store, "--listen", listen, "-o", "json"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            end(process)
            raise RuntimeError(f"the server did not start: see {self.log}")
        self.url = json.loads(line)["url"]
        return process

    def strike(self) -> None:
        """Kills the server, and starts it again where it was."""
        killed = self._process
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self._process = self._start(self.url.removeprefix("http://"))
        tell(f"kill -9 {killed.pid}: the server; started again as pid {self._process.pid}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)


class Saboteur(threading.Thread):
    """Kills a worker once half of the tasks are done, while it holds some; then does `then`."""

    def __init__(self, total: int, started: list[Process], then: Callable[[], None] | None) -> None:
        super().__init__(daemon=True)
        self.total = total
        self.started = started
        self.then = then
        self.victim: int | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            counts = {count.status: count.count for count in app.client.counts()}
            if counts.get("completed", 0) >= self.total // 2 and self.strike():
                if self.then is not None:
                    self.then()
                return

    def strike(self) -> bool:
        """Kills the worker that holds the most tasks now; whether there is one."""
        held = Counter(holder(task) for task in app.client.list_tasks(status="running", limit=1000))
        for process in sorted(self.started, key=lambda process: -held[process.pid]):
            if held[process.pid] == 0:
                return False
            process.send_signal(signal.SIGKILL)
            self.victim = process.pid
            tell(f"kill -9 {process.pid}: half is done; tasks it holds: {held[process.pid]}")
            return True
        return False

    def stop(self) -> None:
        """Returns when nothing more will be killed."""
        self.over.set()
        self.join()


def holder(task: windlass.Task) -> int:
    """Process id of the worker that has a running task, from the worker's id: HOST:PID-CHANCE."""
    found = re.search(r":(\d+)-", (task.record.get("lease") or {}).get("worker", ""))
    return int(found[1]) if found else 0

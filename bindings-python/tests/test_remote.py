"""Processes that only share a URL: a server, workers and clients, killed, stopped and forked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import windlass
from conftest import Spawn, finish, line
from test_process import WORKER, in_child, needs_fork
from windlass import AsyncClient, Client, RetryConfig
from windlass.testing import Server

TLS = Path(__file__).resolve().parents[2] / "client-rest/tests/client/tls"
#: Waits for a server that comes back.
PATIENT = RetryConfig(max_retries=1000, initial_delay=0.02, max_delay=0.1)


class Served:
    """`windlass serve` in a process of its own; it comes back at the same address."""

    def __init__(self, spawn: Spawn, *more: str) -> None:
        self._spawn = spawn
        self._more = more
        self.url = ""
        self.process = self._start("127.0.0.1:0")

    def _start(self, listen: str) -> subprocess.Popen[str]:
        store = ("--store", "sqlite:served.db")
        process = self._spawn("-m", "windlass", "serve", *store, "--listen", listen, *self._more)
        ready = line(process, " at http")
        self.url = ready.partition(" at ")[2].partition(",")[0].strip()
        return process

    def kill(self) -> None:
        """Ends it in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Starts it again where it was."""
        before = self.url
        self.process = self._start(before.removeprefix("http://"))
        assert self.url == before


@pytest.fixture
def served(spawn: Spawn) -> Served:
    return Served(spawn)


def remote(code: str) -> str:
    """A worker's script with its URL from the environment."""
    assert 'windlass.App("sqlite:t.db")' in code
    return code.replace('windlass.App("sqlite:t.db")', "windlass.App()")


def until(check: Callable[[], Any], patience: float = 30) -> Any:
    """What `check` answers, once it is true."""
    end = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


def test_a_worker_and_a_producer_share_nothing_but_a_url(
    served: Served, spawn: Spawn, tmp_path: Path
) -> None:
    (tmp_path / "photos.py").write_text("""
import windlass
app = windlass.App("sqlite:not-this.db")

@app.task
async def thumbnail(ctx, path: str, width: int = 320) -> dict:
    await ctx.progress(50, "decoded")
    ctx.log("nearly there")
    return {"path": path, "width": width}

@app.task
def count(path: str) -> int:
    return len(path)
""")
    worker = spawn("-m", "windlass", "worker", "photos:app", "--url", served.url)
    client = Client(served.url)
    made = client.submit_task({"path": "a.jpg"}, "thumbnail")
    counted = client.submit_task({"path": "a.jpg"}, "count")
    assert client.handle(made.task_id).result(30) == {"path": "a.jpg", "width": 320}
    assert client.handle(counted.task_id).result(30) == 5
    kinds = [update.kind for update in client.stream_task(made.task_id)]
    assert kinds == ["status", "status", "progress", "log", "status"]
    assert [entry.message for entry in client.get_task_logs(made.task_id)] == ["nearly there"]
    assert client.cluster_health().nodes["active"] == 1
    worker.send_signal(signal.SIGTERM)
    finish(worker)
    assert client.cluster_health().nodes["active"] == 0
    assert not (tmp_path / "not-this.db").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_drains_at_once_although_it_waits_for_work(
    served: Served, spawn: Spawn, number: signal.Signals
) -> None:
    client = Client(served.url)
    worker = spawn(code=remote(WORKER), WINDLASS_URL=served.url)
    client.handle(client.submit_task({"seconds": 0}, "aslow").task_id).result(30)
    start = time.monotonic()
    worker.send_signal(number)
    assert "drained" in finish(worker, timeout=20)[0]
    # A long-poll holds for much longer.
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("task_type", ["slow", "aslow", "hogs"])
def test_a_drain_finishes_what_runs(served: Served, spawn: Spawn, task_type: str) -> None:
    client = Client(served.url)
    task_id = client.submit_task({"seconds": 0.5}, task_type).task_id
    worker = spawn(code=remote(WORKER), WINDLASS_URL=served.url)
    line(worker, "running")
    worker.send_signal(signal.SIGTERM)
    assert "drained" in finish(worker)[0]
    assert client.get_task_status(task_id).result == "finished"


def test_a_second_signal_hands_back_uncounted(served: Served, spawn: Spawn) -> None:
    client = Client(served.url)
    task_id = client.submit_task({"seconds": 60}, "aslow").task_id
    worker = spawn(code=remote(WORKER), WINDLASS_URL=served.url)
    line(worker, "running")

    def ended() -> bool:
        # Two signals that come together are one.
        worker.send_signal(signal.SIGTERM)
        return worker.poll() is not None

    until(ended)
    assert worker.returncode != 0
    task = client.get_task(task_id)
    assert (task.status, task.attempt) == ("pending", 0)


def test_a_handler_that_hogs_its_loop_keeps_its_lease(served: Served, spawn: Spawn) -> None:
    client = Client(served.url)
    task_id = client.submit_task({"seconds": 3.0}, "hogs").task_id
    code = remote(WORKER).replace("app.worker()", "app.worker(lease=1)")
    worker = spawn(code=code, WINDLASS_URL=served.url)
    status = client.wait_for_task(task_id, timeout=30)
    assert (status.status, client.get_task(task_id).attempt) == ("completed", 1)
    worker.send_signal(signal.SIGTERM)
    finish(worker)


def test_a_running_task_is_cancelled_from_elsewhere(served: Served, spawn: Spawn) -> None:
    client = Client(served.url)
    task_id = client.submit_task({"seconds": 60}, "aslow").task_id
    worker = spawn(code=remote(WORKER), WINDLASS_URL=served.url)
    line(worker, "running")
    client.cancel_task(task_id)
    assert client.wait_for_task(task_id, timeout=20).status == "cancelled"
    worker.send_signal(signal.SIGTERM)
    finish(worker)


def test_a_killed_worker_s_task_is_run_by_another(served: Served, spawn: Spawn) -> None:
    code = remote(WORKER).replace("app.worker()", "app.worker(lease=1)")
    client = Client(served.url)
    task_id = client.submit_task({"seconds": 1.0}, "slow").task_id
    first = spawn(code=code, WINDLASS_URL=served.url)
    line(first, "running")
    first.kill()
    second = spawn(code=code, WINDLASS_URL=served.url)
    status = client.wait_for_task(task_id, timeout=30)
    assert (status.status, status.result) == ("completed", "finished")
    second.send_signal(signal.SIGTERM)
    finish(second)


def test_a_stream_goes_on_where_a_killed_server_left_it(served: Served) -> None:
    client = Client(served.url, retry_config=PATIENT, circuit_breaker=False)
    task_id = client.submit_task(1, "work").task_id
    (leased,) = client.lease("w", handlers=["work"])["tasks"]
    held = {"task_id": task_id, "token": leased["token"]}
    updates = client.stream_task(task_id)
    seen = [next(updates)]

    def report(percent: float) -> None:
        news = [{"kind": "progress", "progress": percent}]
        assert client.renew([{**held, "started_seconds_ago": 0, "updates": news}]) == ["held"]

    for percent in (10, 20):
        report(percent)
    while seen[-1].progress != 20:
        seen.append(next(updates))
    served.kill()
    told: list[Any] = []
    reader = threading.Thread(target=lambda: told.extend(updates))
    reader.start()
    served.restart()
    for percent in (30, 40):
        report(percent)
    assert isinstance(client.settle([{**held, "outcome": "complete", "result": 7}])[0], dict)
    reader.join(30)
    seen += told
    assert [update.seq for update in seen] == list(range(1, len(seen) + 1))
    assert [update.progress for update in seen if update.kind == "progress"] == [10, 20, 30, 40]
    assert (seen[-1].status, seen[-1].result) == ("completed", 7)


def test_what_was_acknowledged_outlives_the_server(served: Served) -> None:
    client = Client(served.url, retry_config=PATIENT, circuit_breaker=False, timeout=60)
    stored: list[tuple[int, str]] = []
    stop = threading.Event()

    def submit(first: int) -> None:
        number = first
        while not stop.is_set():
            stored.append((number, client.submit_task({"n": number}, "work").task_id))
            number += 4

    threads = [threading.Thread(target=submit, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()

    def until_more() -> None:
        mark = len(stored)
        until(lambda: len(stored) > mark + 20)

    for _ in range(3):
        until_more()
        served.kill()
        served.restart()
    until_more()
    stop.set()
    for thread in threads:
        thread.join(30)
    found = {task.payload["n"]: task.task_id for task in client.list_tasks(task_type="work")}
    # Every answer is kept, and a submit that had to be repeated stored nothing twice.
    assert found == dict(stored)
    assert len(stored) == sum(count.count for count in client.counts())


async def test_waits_and_events_outlive_a_killed_server(served: Served) -> None:
    async with AsyncClient(
        served.url, retry_config=PATIENT, circuit_breaker=False, timeout=60
    ) as client:
        events = client.events()
        task = await client.submit_task(1, "work")
        assert (await events.__anext__()).event == "task.submitted"
        wait = asyncio.ensure_future(client.wait_for_task(task.task_id))
        following = asyncio.ensure_future(events.__anext__())
        # Once they are asked for.
        await client.queues()
        served.kill()
        served.restart()
        await client.cancel_task(task.task_id)
        assert (await wait).status == "cancelled"
        assert (await following).event == "task.cancelled"


def test_a_server_that_is_gone_is_told(served: Served) -> None:
    client = Client(served.url, retry_config=RetryConfig(max_retries=0))
    task_id = client.submit_task(1).task_id
    updates = client.stream_task(task_id)
    next(updates)
    served.kill()
    for call in (
        lambda: client.submit_task(2),
        lambda: client.get_task(task_id),
        lambda: client.wait_for_task(task_id),
        lambda: next(updates),
    ):
        with pytest.raises(windlass.StoreUnavailableError) as caught:
            call()
        assert isinstance(caught.value, ConnectionError)


def test_a_worker_outlives_its_server(served: Served, spawn: Spawn) -> None:
    client = Client(served.url, retry_config=PATIENT, circuit_breaker=False)
    worker = spawn(code=remote(WORKER), WINDLASS_URL=served.url)
    running = client.submit_task({"seconds": 2.0}, "aslow").task_id
    line(worker, "running")
    served.kill()
    served.restart()
    after = client.submit_task({"seconds": 0}, "aslow").task_id
    statuses = client.wait_for_batch([running, after], timeout=60)
    assert [status.status for status in statuses] == ["completed", "completed"]
    worker.send_signal(signal.SIGTERM)
    finish(worker)


WAIT = """
import asyncio, os, windlass
client = windlass.Client()
task_id = client.submit_task(1, queue="nobody").task_id
async def main():
    async with windlass.AsyncClient() as client:
        print("waits", flush=True)
        {await_}
try:
    if {is_async}:
        asyncio.run(main())
    else:
        print("waits", flush=True)
        {wait}
except KeyboardInterrupt:
    print("interrupted")
    assert client.get_task(task_id).status == "pending"
"""


@pytest.mark.parametrize(
    "wait",
    [
        "client.wait_for_task(task_id, timeout=None)",
        "client.handle(task_id).result()",
        "list(client.stream_task(task_id))",
        "list(client.events(queue='other'))",
        "client.lease('w', wait_seconds=60)",
        "await client.wait_for_task(task_id)",
        "await client.handle(task_id)",
    ],
)
def test_ctrl_c_interrupts_every_wait(served: Served, spawn: Spawn, wait: str) -> None:
    is_async = wait.startswith("await")
    code = WAIT.format(
        is_async=is_async, wait="pass" if is_async else wait, await_=wait if is_async else "pass"
    )
    process = spawn(code=code, WINDLASS_URL=served.url)
    line(process, "waits")
    # The wait itself says nothing when it begins.
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in finish(process, timeout=20)[0]


@needs_fork
def test_after_a_fork_both_sides_have_their_own_connections() -> None:
    with Server("memory:") as server:
        client = Client(server.url)
        before = client.submit_task("before").task_id
        stream = client.stream_task(before)
        next(stream)
        port = server.address.rpartition(":")[2]

        def work() -> None:
            assert client.get_task(before).payload == "before"
            client.submit_task("child", idempotency_key="child")
            asyncio.run(ask())
            # The parent's stream and the parent's server are not here.
            with pytest.raises(windlass.ClientClosedError):
                next(stream)
            server.stop()

        async def ask() -> None:
            async with AsyncClient(f"http://127.0.0.1:{port}") as other:
                assert (await other.get_task(before)).status == "pending"

        in_child(work)
        assert client.submit_task("child", idempotency_key="child").deduplicated
        client.cancel_task(before)
        assert list(stream)[-1].status == "cancelled"


@needs_fork
def test_a_forked_child_can_work_for_a_server() -> None:
    with Server("memory:") as server:
        app = windlass.App(server.url)

        @app.task
        def pid() -> int:
            return os.getpid()

        @app.task
        async def apid() -> int:
            return os.getpid()

        handles = [pid.submit(), apid.submit()]

        def work() -> None:
            with app.worker().background():
                assert [handle.result(timeout=20) for handle in handles] == [os.getpid()] * 2

        in_child(work)
        assert os.getpid() not in {handle.result(timeout=5) for handle in handles}


def test_a_certificate_that_is_trusted_by_file(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("--tls-cert", str(TLS / "server.pem"), "--tls-key", str(TLS / "server.key"))
    url = Served(spawn, *files).url
    assert url.startswith("https://")
    once = RetryConfig(max_retries=0)
    with pytest.raises(windlass.StoreUnavailableError):
        Client(url, retry_config=once).queues()
    assert Client(url, ca_file=TLS / "ca.pem").queues() == []
    monkeypatch.setenv("WINDLASS_CA_FILE", str(TLS / "ca.pem"))
    app = windlass.App(url)

    @app.task
    def double(n: int) -> int:
        return 2 * n

    with app.worker().background():
        assert double.submit(21).result(timeout=20) == 42


def test_ctrl_c_ends_a_server_with_code_0(served: Served) -> None:
    client = Client(served.url, retry_config=RetryConfig(max_retries=0))
    task_id = client.submit_task(1).task_id
    waiting = threading.Thread(target=lambda: _quietly(client, task_id))
    waiting.start()
    served.process.send_signal(signal.SIGINT)
    finish(served.process, timeout=20)
    client.close()
    waiting.join(20)
    assert not waiting.is_alive()


def _quietly(client: Client, task_id: str) -> None:
    try:
        client.wait_for_task(task_id, timeout=None)
    except windlass.WindlassError:
        return

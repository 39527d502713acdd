"""Processes: forks, exits, signals, closed loops and killed workers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import windlass
from conftest import Spawn, finish, line

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_child(work: object) -> None:
    """Runs `work` in a forked child and checks that it ended well."""
    assert callable(work)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("the child hangs")


@needs_fork
def test_after_a_fork_both_sides_go_on_with_their_own_connection(tmp_path: Path) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    before = client.submit_task("before").task_id

    def work() -> None:
        assert client.get_task(before).payload == "before"
        client.submit_task("child", idempotency_key="child")
        # The child's own loop, and its own worker.
        asyncio.run(submit())

    async def submit() -> None:
        await windlass.AsyncClient(f"sqlite:{tmp_path / 't.db'}").submit_task("async")

    in_child(work)
    client.submit_task("parent")
    payloads = {task.payload for task in client.list_tasks()}
    assert payloads == {"before", "child", "async", "parent"}


@needs_fork
def test_a_forked_child_can_work(tmp_path: Path) -> None:
    app = windlass.App(f"sqlite:{tmp_path / 't.db'}")

    @app.task
    def pid() -> int:
        return os.getpid()

    @app.task
    async def apid() -> int:
        return os.getpid()

    history = pid.submit().updates()
    worker = app.worker()
    with worker.background():
        assert pid.submit().result(timeout=20) == os.getpid()
        assert list(history)[-1].is_final

    # Both are still held, and neither uses the file any more.
    def work() -> None:
        assert worker.running == 0
        with pytest.raises(windlass.ClientClosedError):
            next(history)
        with app.worker().background():
            assert pid.submit().result(timeout=20) == os.getpid()
            assert apid.submit().result(timeout=20) == os.getpid()

    in_child(work)
    with app.worker().background():
        assert apid.submit().result(timeout=20) == os.getpid()


@needs_fork
def test_memory_is_not_shared_with_a_child() -> None:
    client = windlass.Client("memory:")
    client.submit_task(1)

    def work() -> None:
        assert client.counts() == []
        client.submit_task(2)

    in_child(work)
    assert [count.count for count in client.counts()] == [1]


@needs_fork
def test_a_child_keeps_away_from_a_file_that_its_parent_uses(tmp_path: Path) -> None:
    """SQLite keeps locks by process and file; a second connection there could lose data."""
    app = windlass.App(f"sqlite:{tmp_path / 't.db'}")

    @app.task
    def nothing() -> None: ...

    def work() -> None:
        for url in (app.url, f"sqlite:{tmp_path}/../{tmp_path.name}/t.db"):
            with pytest.raises(windlass.StoreUnavailableError, match="before the fork"):
                windlass.Client(url)
        with pytest.raises(windlass.StoreUnavailableError, match="before the fork"):
            nothing.submit()
        windlass.Client(f"sqlite:{tmp_path / 'other.db'}").submit_task(1)

    def leave() -> None:
        # The parent's worker is not this process's to end.
        worker.shutdown()
        worker.stop()

    worker = app.worker()
    with worker.background():
        nothing.submit().result(timeout=20)
        in_child(work)
        in_child(leave)
        nothing.submit().result(timeout=20)


def test_waits_outlive_a_loop_that_closes(tmp_path: Path) -> None:
    client = windlass.AsyncClient(f"sqlite:{tmp_path / 't.db'}")
    loop = asyncio.new_event_loop()

    async def begin() -> list[asyncio.Task[windlass.TaskStatus]]:
        task = await client.submit_task(1)
        waits = [asyncio.ensure_future(client.wait_for_task(task.task_id)) for _ in range(5)]
        await asyncio.sleep(0.01)
        return waits

    waits = loop.run_until_complete(begin())
    task_id = asyncio.run(first(client))
    loop.close()

    async def end() -> str:
        # Its answer goes to the closed loop, too: nobody there is harmed, nobody here held up.
        other = asyncio.ensure_future(client.wait_for_task(task_id))
        await asyncio.sleep(0.01)
        await client.cancel_task(task_id)
        return (await asyncio.wait_for(other, 10)).status

    assert asyncio.run(end()) == "cancelled"
    assert asyncio.run(first(client)) == task_id
    for wait in waits:
        wait._log_destroy_pending = False  # type: ignore[attr-defined]


async def first(client: windlass.AsyncClient) -> str:
    return (await client.list_tasks())[-1].task_id


def test_two_loops_in_two_threads_share_a_client() -> None:
    client = windlass.AsyncClient("memory:")

    async def work() -> int:
        stored = await asyncio.gather(*(client.submit_task(i) for i in range(100)))
        return len({one.task_id for one in stored})

    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(asyncio.run(work()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert counts == [100] * 4


CTRL_C = """
import sys, time, windlass
client = windlass.Client("sqlite:t.db")
task_id = client.submit_task(1).task_id
print("waits", flush=True)
try:
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
        "client.wait_for_batch([task_id])",
        "client.lease('w', wait_seconds=60)",
    ],
)
def test_ctrl_c_interrupts_every_wait(spawn: Spawn, wait: str) -> None:
    process = spawn(code=CTRL_C.format(wait=wait))
    line(process, "waits")
    time.sleep(0.1)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = finish(process, timeout=10)
    assert "interrupted" in out
    assert time.monotonic() - start < 10


def test_ctrl_c_interrupts_asyncio(spawn: Spawn) -> None:
    process = spawn(
        code="""
import asyncio, windlass
async def main():
    client = windlass.AsyncClient("memory:")
    task = await client.submit_task(1)
    print("waits", flush=True)
    await client.wait_for_task(task.task_id)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
    )
    line(process, "waits")
    process.send_signal(signal.SIGINT)
    assert "interrupted" in finish(process, timeout=10)[0]


EXIT = """
import asyncio, concurrent.futures, threading, time, windlass
app = windlass.App("sqlite:t.db")
started = threading.Event()

@app.task
def slow():
    started.set()
    time.sleep(0.3)
    return "finished"

@app.task
async def aslow():
    started.set()
    return await asyncio.to_thread(lambda: (time.sleep(0.3), "finished")[1])

worker = app.worker()
worker.start()
handle = {handler}.submit()
assert started.wait(10)
{rest}
print(handle.task_id)
"""


@pytest.mark.parametrize("handler", ["slow", "aslow"])
@pytest.mark.parametrize(
    "rest",
    [
        "",
        # Another thread waits in native code while the interpreter ends.
        "waits = [app.client.submit_task(1).task_id, None]\n"
        "threading.Thread(target=app.client.wait_for_task, args=waits, daemon=True).start()",
    ],
)
def test_an_exit_of_the_interpreter_drains(
    spawn: Spawn, tmp_path: Path, handler: str, rest: str
) -> None:
    out, err = finish(spawn(code=EXIT.format(handler=handler, rest=rest)))
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    status = client.get_task_status(out.strip())
    assert (status.status, status.result) == ("completed", "finished"), err
    assert "Traceback" not in err


QUIET = {
    "imported only": "",
    "a client in memory": "windlass.Client('memory:').submit_task(1)",
    "a client on a file": "client = windlass.Client('sqlite:t.db'); client.submit_task(1)",
    "an asynchronous client": """
async def main():
    await windlass.AsyncClient("memory:").submit_task(1)
asyncio.run(main())
""",
    "a wait that its loop cancelled": """
async def main():
    client = windlass.AsyncClient("memory:")
    task = await client.submit_task(1)
    asyncio.ensure_future(client.wait_for_task(task.task_id))
    await asyncio.sleep(0)
asyncio.run(main())
""",
    "threads that wait": """
client = windlass.Client("memory:")
waits = [client.submit_task(1).task_id, None]
for _ in range(4):
    threading.Thread(target=client.wait_for_task, args=waits, daemon=True).start()
""",
    "a server, and threads that wait for it": """
from windlass.testing import Server
server = Server("memory:")
client = windlass.Client(server.url)
waits = [client.submit_task(1).task_id, None]
for _ in range(4):
    threading.Thread(target=client.wait_for_task, args=waits, daemon=True).start()
threading.Thread(target=lambda: list(client.stream_task(waits[0])), daemon=True).start()
threading.Thread(target=lambda: list(client.events()), daemon=True).start()
""",
    "sys.exit": "client = windlass.Client('memory:'); client.submit_task(1); sys.exit(0)",
}


@pytest.mark.parametrize("code", QUIET.values(), ids=QUIET)
def test_an_exit_leaves_quietly(spawn: Spawn, code: str) -> None:
    code = f"import asyncio, sys, threading, windlass\n{code}"
    assert finish(spawn(code=code), timeout=15) == ("", "")


WORKER = """
import asyncio, sys, time, windlass
app = windlass.App("sqlite:t.db")

@app.task
def slow(seconds: float) -> str:
    print("running", flush=True)
    time.sleep(seconds)
    return "finished"

@app.task
async def aslow(seconds: float) -> str:
    print("running", flush=True)
    await asyncio.sleep(seconds)
    return "finished"

@app.task
async def hogs(seconds: float) -> str:
    print("running", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return "finished"

if __name__ == "__main__":
    app.worker().run()
    print("drained")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("task_type", ["slow", "aslow", "hogs"])
def test_the_first_signal_drains(
    spawn: Spawn, tmp_path: Path, number: signal.Signals, task_type: str
) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    task_id = client.submit_task({"seconds": 0.5}, task_type).task_id
    process = spawn(code=WORKER)
    line(process, "running")
    process.send_signal(number)
    assert "drained" in finish(process)[0]
    assert client.get_task_status(task_id).result == "finished"


@pytest.mark.parametrize("task_type", ["slow", "aslow", "hogs"])
def test_the_second_signal_ends_it_now(spawn: Spawn, tmp_path: Path, task_type: str) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    task_id = client.submit_task({"seconds": 60}, task_type).task_id
    process = spawn(code=WORKER)
    line(process, "running")
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert time.monotonic() - start < 15
    task = client.get_task(task_id)
    assert (task.status, task.attempt) == ("pending", 0)


def test_a_killed_worker_s_task_is_run_by_another(spawn: Spawn, tmp_path: Path) -> None:
    code = WORKER.replace("app.worker()", "app.worker(lease=1)")
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    task_id = client.submit_task({"seconds": 1.0}, "slow").task_id
    first = spawn(code=code)
    line(first, "running")
    first.kill()
    second = spawn(code=code)
    status = client.wait_for_task(task_id, timeout=30)
    assert (status.status, status.result) == ("completed", "finished")
    # The killed attempt counts if its start had been reported; the task is suspect either way.
    task = client.get_task(task_id)
    assert task.record["suspect"]
    assert task.attempt in (1, 2)
    second.send_signal(signal.SIGTERM)
    finish(second)


def test_a_submit_wakes_a_worker_of_another_process(spawn: Spawn, tmp_path: Path) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 't.db'}")
    process = spawn(code=WORKER)
    first = client.submit_task({"seconds": 0}, "aslow").task_id
    client.wait_for_task(first, timeout=20)
    start = time.monotonic()
    second = client.submit_task({"seconds": 0}, "aslow").task_id
    client.wait_for_task(second, timeout=20)
    assert time.monotonic() - start < 10
    process.send_signal(signal.SIGTERM)
    finish(process)

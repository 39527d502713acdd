"""The console script: `windlass worker MODULE:APP`, and the commands it shares with the binary."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import windlass
from conftest import PACKAGE, Spawn, finish, line
from windlass.__main__ import main

PHOTOS = """
# photos.py
import windlass

app = windlass.App()

@app.task(max_retries=3, timeout=30)
async def thumbnail(ctx, path: str, width: int = 320):
    await ctx.progress(50, "decoded")
    return {"path": path, "width": width}

empty = windlass.App()
"""
MAIN = """
# main.py
from photos import thumbnail
handle = thumbnail.submit(path="a.jpg")
handle = thumbnail.options(idempotency_key="thumb-a", priority="high").submit(path="a.jpg")
print(handle.result(timeout=60))
"""


@pytest.fixture
def photos(tmp_path: Path) -> None:
    (tmp_path / "photos.py").write_text(PHOTOS)
    (tmp_path / "main.py").write_text(MAIN)


@pytest.mark.usefixtures("photos")
def test_the_first_example_works_in_two_processes(spawn: Spawn) -> None:
    worker = spawn("-m", "windlass", "worker", "photos:app", "--concurrency", "8")
    out, _ = finish(spawn("main.py"))
    assert out == "{'path': 'a.jpg', 'width': 320}\n"
    worker.send_signal(signal.SIGTERM)
    _, log = finish(worker)
    assert "thumbnail" in log


@pytest.mark.usefixtures("photos")
def test_a_worker_takes_its_store_and_queues_from_the_command(spawn: Spawn, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'other.db'}"
    client = windlass.Client(url, tenant="someone")
    task_id = client.submit_task({"path": "b"}, "thumbnail", queue="images").task_id
    worker = spawn(
        *("-m", "windlass", "worker", "photos:app", "--url", url, "--tenant", "someone"),
        *("--queues", "images,default", "--lease", "5"),
    )
    assert client.wait_for_task(task_id, 20).result == {"path": "b", "width": 320}
    worker.send_signal(signal.SIGINT)
    finish(worker)
    assert not (tmp_path / "windlass.db").exists()


def test_a_worker_uses_the_fast_loop_where_it_is_installed(spawn: Spawn, tmp_path: Path) -> None:
    # PKG-01
    (tmp_path / "loops.py").write_text(
        "import asyncio, windlass\n"
        "app = windlass.App()\n"
        "@app.task\n"
        "async def where():\n"
        "    return type(asyncio.get_running_loop()).__module__\n"
    )
    for installed, module in ((True, "uvloop"), (False, "asyncio.unix_events")):
        env = {} if installed else {"PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE}"}
        if not installed:
            (tmp_path / "uvloop.py").write_text("raise ImportError\n")
        worker = spawn("-m", "windlass", "worker", "loops:app", **env)
        client = windlass.Client(f"sqlite:{tmp_path / 'windlass.db'}")
        task = client.submit_task({}, "where")
        assert client.wait_for_task(task.task_id, 20).result == module
        worker.send_signal(signal.SIGTERM)
        finish(worker)


HANGS = """
import asyncio, functools, sys, time, windlass
from windlass.__main__ import worker
app = windlass.App()

@app.task
async def hangs():
    print("running", flush=True)
    await asyncio.to_thread(time.sleep, 60)

@app.task
def hangs_too():
    print("running", flush=True)
    time.sleep(60)

if __name__ == "__main__":
    app.worker = functools.partial(app.worker, drain_grace=0.1, cancel_grace=0.1)
    sys.modules["hanging"] = sys.modules["__main__"]
    sys.exit(worker("hanging:app"))
"""


@pytest.mark.parametrize("task_type", ["hangs", "hangs_too"])
def test_a_drained_worker_exits_0_whatever_hangs(
    spawn: Spawn, tmp_path: Path, task_type: str
) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 'windlass.db'}")
    task_id = client.submit_task({}, task_type).task_id
    worker = spawn(code=HANGS)
    line(worker, "running")
    worker.send_signal(signal.SIGTERM)
    finish(worker, timeout=20)
    assert client.get_task(task_id).status == "pending"


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [("dev", "--port", "0"), ("serve", "--listen", "127.0.0.1:0")])
def test_the_package_serves_until_a_signal_ends_it_with_0(
    spawn: Spawn, command: tuple[str, ...], by: signal.Signals
) -> None:
    server = spawn("-m", "windlass", *command, "-o", "json")
    ready = json.loads(line(server, "ready"))
    with windlass.Client(ready["url"]) as client:
        assert client.get_task(client.submit_task({}, "t").task_id).status == "pending"
    server.send_signal(by)
    _, log = finish(server)
    assert "Traceback" not in log


@pytest.mark.usefixtures("photos")
def test_a_worker_of_a_server_takes_its_key_from_a_file(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("s3cret-key\n")
    key = ("--api-key-file", "server.key")
    serve = ("-m", "windlass", "serve", "--listen", "127.0.0.1:0", "--store", "memory:")
    server = spawn(*serve, *key, "--log-format", "json")
    ready = json.loads(line(server, "ready"))
    worker = spawn("-m", "windlass", "worker", "photos:app", "--url", ready["url"], *key)
    with windlass.Client(ready["url"], api_key="s3cret-key") as client:
        task = client.submit_task({"path": "a.jpg"}, "thumbnail")
        (done,) = client.wait_for_batch([task.task_id], timeout=60)
        assert done.result == {"path": "a.jpg", "width": 320}
    with windlass.Client(ready["url"]) as stranger, pytest.raises(windlass.AuthenticationError):
        stranger.submit_task({}, "thumbnail")
    for process in (worker, server):
        process.send_signal(signal.SIGTERM)
        _, log = finish(process)
        assert "s3cret" not in log


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("nowhere:app", "no module named 'nowhere'"),
        ("photos.nowhere:app", "no module named 'photos.nowhere'"),
        ("photos:nothing", "has no 'nothing'; it has app, empty"),
        ("photos:thumbnail", "is a Handler, not a windlass.App"),
        ("photos:empty", "has no handlers"),
        ("photos", "MODULE:APP"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_a_wrong_app_is_explained(spawn: Spawn, app: str, text: str) -> None:
    _, err = finish(spawn("-m", "windlass", "worker", app), code=2)
    assert text in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("photos")
def test_a_module_s_own_error_is_shown_as_it_is(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    _, err = finish(spawn("-m", "windlass", "worker", "broken:app"), code=1)
    assert "broken.py" in err
    assert "nothing_of_that_name" in err


@pytest.mark.usefixtures("photos")
def test_a_store_that_cannot_be_opened_is_explained(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database at all\n" * 1000)
    worker = spawn("-m", "windlass", "worker", "photos:app", "--url", "sqlite:notes.txt")
    _, err = finish(worker, code=1)
    assert "invalid_store" in err
    assert "Traceback" not in err


def test_the_commands_for_tasks_are_those_of_the_binary(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 'windlass.db'}")
    task_id = client.submit_task({"a": 1}, "thumbnail").task_id
    assert main(["tasks", "ls", "-o", "json"]) == 0
    assert task_id in capfd.readouterr().out
    assert main(["tasks", "get", task_id, "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["task_type"] == "thumbnail"
    assert main(["tasks", "cancel", task_id]) == 0
    assert client.get_task_status(task_id).status == "cancelled"
    capfd.readouterr()
    assert main(["tasks", "get", "nope"]) != 0
    assert "nope" in capfd.readouterr().err
    assert main(["--help"]) == 0
    assert main(["no-such-command"]) == 2


def test_ctrl_c_ends_a_command_that_waits(spawn: Spawn, tmp_path: Path) -> None:
    client = windlass.Client(f"sqlite:{tmp_path / 'windlass.db'}")
    task_id = client.submit_task({"a": 1}, "thumbnail").task_id
    watch = spawn("-m", "windlass", "tasks", "watch", task_id)
    line(watch, "pending")
    watch.send_signal(signal.SIGINT)
    watch.communicate(timeout=10)
    assert watch.returncode != 0

"""The console script: `windlass worker MODULE:APP`, and the commands it shares with the binary."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import windlass
from conftest import Spawn, finish, line
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

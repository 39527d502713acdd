"""Bad input is refused with a typed error that names the field, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import windlass
from conftest import Spawn, fields, finish
from windlass import Client

Call = Callable[[Client], Any]

# What is done, the code, the field.
REFUSED: list[tuple[str, Call, str, str | None]] = [
    ("unknown id", lambda c: c.get_task("nope"), "task_not_found", None),
    ("unknown id, status", lambda c: c.get_task_status("0" * 36), "task_not_found", None),
    ("unknown id, wait", lambda c: c.wait_for_task("nope"), "task_not_found", None),
    ("unknown id, batch", lambda c: c.wait_for_batch(["nope"]), "task_not_found", None),
    ("unknown id, batch status", lambda c: c.get_batch_status(["nope"]), "task_not_found", None),
    ("unknown id, cancel", lambda c: c.cancel_task("nope"), "task_not_found", None),
    ("unknown id, retry", lambda c: c.retry_task("nope"), "task_not_found", None),
    ("unknown id, logs", lambda c: c.get_task_logs("nope"), "task_not_found", None),
    ("unknown id, why", lambda c: c.why("nope"), "task_not_found", None),
    ("unknown id, stream", lambda c: next(c.stream_task("nope")), "task_not_found", None),
    (
        "foreign id, stream",
        lambda c: next(c.stream_task("01a1f8eb-2016-7659-bf31-42a9239b3c28")),
        "task_not_found",
        None,
    ),
    ("wrong status filter", lambda c: c.list_tasks(status="done"), "invalid_argument", "status"),
    ("wrong cursor limit", lambda c: c.list_tasks(limit=-1), "invalid_argument", "limit"),
    ("wrong batch id", lambda c: c.list_tasks(batch_id="b"), "invalid_argument", "batch_id"),
    ("naive since", lambda c: c.list_tasks(since=dt.datetime.now()), "invalid_argument", "since"),
    ("since as text", lambda c: c.list_tasks(since="1h"), "invalid_argument", "since"),  # type: ignore[arg-type]
    ("until a day", lambda c: c.cancel_tasks(until=dt.date.today()), "invalid_argument", "until"),  # type: ignore[arg-type]
    ("naive until", lambda c: c.list_tasks(until=dt.datetime.now()), "invalid_argument", "until"),
    ("cancel of all", lambda c: c.cancel_tasks(), "invalid_argument", "filter"),
    ("retry of all", lambda c: c.retry_tasks(most=1), "invalid_argument", "filter"),
    ("count of none", lambda c: c.count_tasks(most=0), "invalid_argument", "most"),
    ("cancel beyond", lambda c: c.cancel_tasks(queue="q", most=10001), "invalid_argument", "most"),
    ("label filter", lambda c: c.list_tasks(labels={"a": [1]}), "invalid_argument", "labels"),  # type: ignore[dict-item]
    (
        "negative timeout",
        lambda c: c.submit_task(timeout=-1),
        "invalid_argument",
        "timeout_seconds",
    ),
    ("zero timeout", lambda c: c.submit_task(timeout=0), "invalid_argument", "timeout_seconds"),
    (
        "NaN timeout",
        lambda c: c.submit_task(timeout=float("nan")),
        "invalid_argument",
        "timeout_seconds",
    ),
    (
        "negative timedelta",
        lambda c: c.submit_task(delay=dt.timedelta(seconds=-1)),
        "invalid_argument",
        "delay_seconds",
    ),
    (
        "negative wait",
        lambda c: c.wait_for_task("nope", timeout=-1),
        "invalid_argument",
        "timeout",
    ),
    ("negative batch wait", lambda c: c.wait_for_batch([], -0.5), "invalid_argument", "timeout"),
    (
        "naive run_at",
        lambda c: c.submit_task(run_at=dt.datetime.now()),
        "invalid_argument",
        "run_at",
    ),
    ("NaN payload", lambda c: c.submit_task({"a": float("nan")}), "invalid_payload", "payload"),
    ("infinite payload", lambda c: c.submit_task(float("inf")), "invalid_payload", "payload"),
    ("key twice", lambda c: c.submit_task({1: 1, "1": 2}), "invalid_payload", "payload"),
    ("no JSON form", lambda c: c.submit_task({"a": object()}), "invalid_payload", "payload"),
    ("lone surrogate", lambda c: c.submit_task("\ud800"), "invalid_payload", "payload"),
    ("payload in itself", lambda c: c.submit_task(_endless()), "invalid_payload", "payload"),
    ("large payload", lambda c: c.submit_task("x" * (1 << 20)), "payload_too_large", "payload"),
    (
        "large state",
        lambda c: c.submit_task(state_key="s", initial_state="x" * (1 << 20)),
        "payload_too_large",
        "initial_state",
    ),
    (
        "many labels",
        lambda c: c.submit_task(labels={f"k{i}": "v" for i in range(65)}),
        "invalid_argument",
        "labels",
    ),
    (
        "long label key",
        lambda c: c.submit_task(labels={"k" * 65: "v"}),
        "invalid_argument",
        "labels",
    ),
    ("long label", lambda c: c.submit_task(labels={"k": "v" * 257}), "invalid_argument", "labels"),
    ("nested label", lambda c: c.submit_task(labels={"k": {}}), "invalid_argument", "labels"),  # type: ignore[dict-item]
    ("priority 0", lambda c: c.submit_task(priority=0), "invalid_argument", "priority"),
    ("priority 6", lambda c: c.submit_task(priority=6), "invalid_argument", "priority"),
    ("priority urgent", lambda c: c.submit_task(priority="urgent"), "invalid_argument", "priority"),
    ("empty type", lambda c: c.submit_task(task_type=""), "invalid_argument", "task_type"),
    ("long queue", lambda c: c.submit_task(queue="q" * 129), "invalid_argument", "queue"),
    (
        "negative retries",
        lambda c: c.submit_task(max_retries=-1),
        "invalid_argument",
        "max_retries",
    ),
    (
        "unknown retry option",
        lambda c: c.submit_task(retry={"jitters": 1}),  # type: ignore[typeddict-unknown-key]
        "invalid_argument",
        "retry.jitters",
    ),
    ("option without a form", lambda c: c.submit_task(queue=object()), "invalid_argument", "queue"),  # type: ignore[arg-type]
    ("unknown option", lambda c: c.submit_task(prio=1), "invalid_argument", "prio"),
    (
        "unknown option in a batch",
        lambda c: c.submit_batch([{"payload": 1}, {"payload": 2, "prio": 1}]),
        "invalid_argument",
        "prio",
    ),
    (
        "one bad task in a batch",
        lambda c: c.submit_batch([{"payload": 1}, {"payload": float("nan")}]),
        "invalid_payload",
        "payload",
    ),
    ("later argument", lambda c: c.submit_task(tee_required=True), "not_implemented", None),
    ("lease limit", lambda c: c.lease("w", handlers=["a"], limit=0), "invalid_argument", "limit"),
    ("lease limit below", lambda c: c.lease("w", limit=-1), "invalid_argument", "limit"),
    (
        "lease time",
        lambda c: c.lease("w", lease_seconds=0.5),
        "invalid_argument",
        "lease_seconds",
    ),
    ("no outcome", lambda c: c.settle([{"outcome": "done"}]), "invalid_argument", "outcomes"),
]


def _endless() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    ("call", "code", "field"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_it_is_refused_and_the_store_is_as_before(
    client: Client, call: Call, code: str, field: str | None
) -> None:
    with pytest.raises(windlass.WindlassError) as caught:
        call(client)
    assert fields(caught.value) == (code, field)
    assert client.counts() == []
    assert client.submit_task(1).status == "pending"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"tenant": ""}, "tenant"),
        ({"durability": "none"}, "durability"),
        ({"queue_depth_limit": -1}, "queue_depth_limit"),
        ({"retention": -1}, "retention_seconds"),
        ({"keep_finished": -1}, "keep_finished"),
        ({"updates_per_task": -1}, "updates_per_task"),
        ({"timeout": -1}, "timeout"),
    ],
)
def test_connect_options_are_checked(options: dict[str, Any], field: str) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        Client("memory:", **options)
    assert caught.value.field == field


@pytest.mark.parametrize("url", ["ftp://localhost", "sqlite:", "nothing", "sqlite::memory:"])
def test_a_url_of_no_store_is_refused(url: str) -> None:
    with pytest.raises(windlass.InvalidUrlError) as caught:
        Client(url)
    assert caught.value.url == url


def test_one_bad_task_in_a_burst_harms_none_of_its_neighbours(url: str) -> None:
    async def burst() -> list[Any]:
        async with windlass.AsyncClient(url) as client:
            calls = [
                client.submit_task({"i": i}, priority=9 if i == 50 else 3, idempotency_key=f"k{i}")
                for i in range(100)
            ]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert len(await client.list_tasks(status="pending")) == 99
            return answers

    answers = asyncio.run(burst())
    assert isinstance(answers[50], windlass.InvalidArgumentError)
    assert sum(isinstance(answer, windlass.Submission) for answer in answers) == 99


def test_a_file_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with Client(f"sqlite:{path}") as client:
        task_id = client.submit_task(1).task_id
    was = _set_schema(path, 9999)
    before = path.read_bytes()
    with pytest.raises(windlass.SchemaIncompatibleError) as caught:
        Client(f"sqlite:{path}")
    assert (caught.value.found, caught.value.code) == (9999, "schema_incompatible")
    assert path.read_bytes() == before
    _set_schema(path, was)
    with Client(f"sqlite:{path}") as client:
        assert client.get_task(task_id).payload == 1


def _set_schema(path: Path, version: int) -> int:
    """Claims that the file was written by a version that this one cannot work beside.

    The version that it had.
    """
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        ((was,),) = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchall()
        changed = db.execute(
            "UPDATE meta SET value = ? WHERE key IN ('version', 'min_compatible')", (version,)
        )
        assert changed.rowcount == 2
        db.execute("PRAGMA journal_mode = DELETE")
    return int(was)


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but rather long text\n" * 100)
    before = path.read_bytes()
    with pytest.raises(windlass.InvalidStoreError) as caught:
        Client(f"sqlite:{path}")
    assert "notes.txt" in caught.value.location
    assert isinstance(caught.value, ConnectionError)  # ERR-38
    assert path.read_bytes() == before


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_folder_is_refused(read_only_folder: Path, spawn: Spawn) -> None:
    for parent in read_only_folder.parents[:4]:
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o755)
    code = f"""
import os, windlass
if os.geteuid() == 0:  # root may write everywhere
    os.setgid(65534)
    os.setuid(65534)
try:
    windlass.Client("sqlite:{read_only_folder}/tasks.db")
except windlass.StoreReadOnlyError as error:
    print(error.code, error.location)
"""
    out, _ = finish(spawn(code=code))
    assert out.startswith("store_read_only"), out
    assert str(read_only_folder) in out


def test_a_full_disk_is_told_and_leaves_the_store_usable(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small tmpfs: {mounted.stderr.strip()}")
    try:
        client = Client(f"sqlite:{disk / 'tasks.db'}")
        stored = []
        with pytest.raises(windlass.StoreFullError) as caught:
            for _ in range(100):
                stored.append(client.submit_task("x" * 100_000).task_id)
        assert caught.value.retryable
        assert stored
        assert [client.get_task_status(task_id).status for task_id in stored] == ["pending"] * len(
            stored
        )
        client.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)

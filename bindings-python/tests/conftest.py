"""What the tests share: stores, apps and processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import windlass
from stub_server import Stub
from windlass.testing import Server

if TYPE_CHECKING:
    from typing_extensions import Unpack
    from windlass.connection import ConnectOptions, StoreOptions

PACKAGE = Path(windlass.__file__).resolve().parents[1]

# A shell starts what it runs in the background with Ctrl-C ignored, and children inherit that: then
# no test could interrupt one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No URL of the caller's reaches a test, and a default file lies in the test's folder."""
    for name in ("URL", "API_ENDPOINT", "TENANT_ID", "API_KEY", "CA_FILE"):
        monkeypatch.delenv(f"WINDLASS_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["memory", "sqlite", "http"])
def kind(request: pytest.FixtureRequest) -> str:
    """A store of each kind, and one behind a server."""
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    """Where such a store is."""
    if kind == "http":
        with Server("memory:") as server:
            yield server.url
    else:
        yield "memory:" if kind == "memory" else f"sqlite:{tmp_path / 'tasks.db'}"


Connect = Callable[..., windlass.Client]


@pytest.fixture
def connect(kind: str, tmp_path: Path) -> Iterator[Connect]:
    """Connects to a new store with options of its own; those of the client come first."""
    with contextlib.ExitStack() as stack:

        def make(given: ConnectOptions, **options: Unpack[StoreOptions]) -> windlass.Client:
            if kind == "http":
                server = stack.enter_context(Server("memory:", **options))
                return windlass.Client(server.url, **given)
            url = "memory:" if kind == "memory" else f"sqlite:{tmp_path / 'own.db'}"
            return windlass.Client(url, **{**given, **options})

        yield make


@pytest.fixture
def client(url: str) -> Iterator[windlass.Client]:
    with windlass.Client(url) as client:
        yield client


@pytest.fixture
def app(url: str) -> Iterator[windlass.App]:
    with windlass.App(url) as app:
        yield app


@pytest.fixture
def memory_app() -> Iterator[windlass.App]:
    with windlass.App("memory:") as app:
        yield app


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    with stub.listening():
        yield stub


Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Starts Python processes in the test's folder; whatever still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, code: str | None = None, **env: str) -> subprocess.Popen[str]:
        if code is not None:
            script = tmp_path / f"script{len(started)}.py"
            script.write_text(code)
            args = (str(script), *args)
        process = subprocess.Popen(
            [sys.executable, "-u", *args],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONFAULTHANDLER": "1", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str], text: str) -> str:
    """Reads the process's output up to the line that holds `text`."""
    assert process.stdout is not None
    for found in process.stdout:
        if text in found:
            return found
    raise AssertionError(
        f"no line with {text!r}; stderr: {process.stderr and process.stderr.read()}"
    )


def finish(process: subprocess.Popen[str], code: int = 0, timeout: float = 30) -> tuple[str, str]:
    """Waits for the end of the process, and for its exit code."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
    return out, err


def fields(error: BaseException) -> tuple[str, Any]:
    """Code and field of an error."""
    assert isinstance(error, windlass.WindlassError), repr(error)
    return error.code, error.fields.get("field")

"""Clients by HTTP: keys, retries, the breaker, connections, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import windlass
from conftest import fields
from stub_server import Answer, Asked, Stub, problem
from windlass import AsyncClient, CircuitBreakerConfig, Client, RetryConfig
from windlass.rest import RestClient
from windlass.testing import ManualClock, Server, use

#: Retries that cost a test no time.
SOON = RetryConfig(max_retries=3, initial_delay=0.001, max_delay=0.001)
NEVER = RetryConfig(max_retries=0)
COUNTS = Answer(200, {"queues": []})
STORED = Answer(
    201,
    {
        "task_id": "01a1f8eb-2016-7659-bf31-42a9239b3c28",
        "status": "pending",
        "deduplicated": False,
    },
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("memory:", api_key="open-sesame") as server:
        yield server


@pytest.fixture
def nobody() -> str:
    """A URL where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_the_environment_names_server_key_and_tenant(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # ENV-01, ENV-02, ENV-03, GPY-01, GPY-02
    monkeypatch.setenv("WINDLASS_API_ENDPOINT", server.url)
    monkeypatch.setenv("WINDLASS_API_KEY", "open-sesame")
    monkeypatch.setenv("WINDLASS_TENANT_ID", "theirs")
    theirs = Client()
    task = theirs.submit_task(1)
    assert theirs.get_task(task.task_id).record["tenant"] == "theirs"
    assert theirs.location == server.url

    mine = Client(endpoint=server.url, api_key="open-sesame", tenant_id="mine", timeout=30.0)
    assert mine.queues() == []
    with pytest.raises(windlass.TaskNotFoundError):
        mine.get_task(task.task_id)

    # An argument goes before the environment.
    with pytest.raises(windlass.AuthenticationError):
        Client(api_key="wrong").queues()
    monkeypatch.setenv("WINDLASS_URL", "memory:")
    assert Client().location.startswith("memory")


@pytest.mark.parametrize("key", [None, "wrong", "open-sesam", "open-sesame-"])
def test_without_the_key_nothing_is_done(server: Server, key: str | None) -> None:
    # ERR-24, ERR-34
    with pytest.raises(windlass.AuthenticationError) as caught:
        Client(server.url, api_key=key).submit_task(1)
    assert isinstance(caught.value, windlass.SecurityError)
    assert (caught.value.code, caught.value.status_code) == ("authentication_failed", 401)
    assert key is None or key not in str(caught.value)
    assert Client(server.url, api_key="open-sesame").counts() == []


def test_bad_input_is_refused_alike(server: Server) -> None:
    # ERR-30
    client = Client(server.url, api_key="open-sesame")
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        client.submit_task(1, priority="urgent")
    assert fields(caught.value) == ("invalid_argument", "priority")
    assert (caught.value.status_code, isinstance(caught.value, ValueError)) == (400, True)
    with pytest.raises(windlass.TaskNotFoundError) as missing:
        client.get_task("nope")
    assert missing.value.status_code == 404


BAD: list[tuple[Callable[[], Any], str, str | None]] = [
    (lambda: Client("http://"), "invalid_url", None),
    (lambda: Client("http://user:secret@localhost"), "invalid_url", None),
    (lambda: Client("http://localhost:99999"), "invalid_url", None),
    (lambda: Client("http://localhost", api_key=""), "invalid_argument", "api_key"),
    (lambda: Client("http://localhost", api_key="two words"), "invalid_argument", "api_key"),
    (lambda: Client("http://localhost", timeout=0), "invalid_argument", "timeout"),
    (lambda: Client("http://localhost", tenant="t" * 129), "invalid_argument", "tenant"),
    (lambda: Client("https://localhost", ca_file="no.pem"), "invalid_argument", "ca_file"),
    (lambda: RestClient("ftp://localhost"), "invalid_url", None),
    (lambda: RestClient("http://localhost", timeout=-1), "invalid_argument", "timeout"),
    (lambda: Server(listen="0.0.0.0:0"), "invalid_argument", "listen"),
    (lambda: Server(listen="nonsense"), "invalid_argument", "listen"),
    (lambda: Server("nonsense:"), "invalid_url", None),
]


@pytest.mark.parametrize(("make", "code", "field"), BAD)
def test_what_cannot_be_connected_is_refused(
    make: Callable[[], Any], code: str, field: str | None
) -> None:
    with pytest.raises(windlass.WindlassError) as caught:
        make()
    assert fields(caught.value) == (code, field)
    assert "secret" not in str(caught.value)


def test_connecting_asks_nothing(nobody: str) -> None:
    client = Client(nobody, retry_config=NEVER)
    with pytest.raises(windlass.StoreUnavailableError) as caught:
        client.counts()
    assert isinstance(caught.value, ConnectionError)
    assert "connection refused" in str(caught.value)


def test_failures_of_the_server_are_retried(stub: Stub) -> None:
    # GPY-03, GPY-25
    stub.answers = [Answer(503), Answer(None), Answer(500), COUNTS]
    assert Client(stub.url, retry_config=SOON).queues() == []
    assert len(stub.asked) == 4
    stub.answers, stub.asked = [Answer(503, text="out of order")], []
    with pytest.raises(windlass.APIError) as caught:
        Client(stub.url, retry_config=SOON).queues()
    assert (caught.value.code, caught.value.status_code, len(stub.asked)) == ("api_error", 503, 4)
    # Only what is listed is.
    stub.answers, stub.asked = [Answer(502)], []
    config = RetryConfig(retryable_errors=[503], initial_delay=0)
    with pytest.raises(windlass.APIError):
        Client(stub.url, retry_config=config).queues()
    assert len(stub.asked) == 1


def test_a_rate_limit_is_retried_before_it_is_raised(stub: Stub) -> None:
    # GPY-26, ERR-31
    late = Answer(429, headers={"Retry-After": "0"})
    stub.answers = [late, problem(429, "rate_limited", retry_after_seconds=0.0), COUNTS]
    # Whatever the list says.
    config = RetryConfig(max_retries=2, retryable_errors=[])
    assert Client(stub.url, retry_config=config).queues() == []
    assert len(stub.asked) == 3
    stub.answers, stub.asked = [problem(429, "rate_limited", retry_after_seconds=0.25)], []
    with pytest.raises(windlass.RateLimitError) as caught:
        Client(stub.url, retry_config=config).queues()
    assert (caught.value.retry_after, caught.value.status_code) == (0.25, 429)
    assert len(stub.asked) == 3


def test_a_quota_tells_its_numbers(stub: Stub) -> None:
    # ERR-32
    used = {"quota_type": "tasks_per_day", "current": 12, "limit": 10}
    stub.answers = [problem(429, "quota_exceeded", **used)]
    with pytest.raises(windlass.QuotaExceededError) as caught:
        Client(stub.url, retry_config=NEVER).submit_task(1)
    error = caught.value
    assert (error.quota_type, error.current, error.limit) == ("tasks_per_day", 12, 10)


def test_a_submit_carries_one_key_through_its_retries(stub: Stub) -> None:
    stub.answers = [Answer(None), Answer(503), STORED]
    Client(stub.url, retry_config=SOON).submit_task(1)
    keys = {asked.body["idempotency_key"] for asked in stub.asked}
    assert (len(stub.asked), len(keys)) == (3, 1)
    assert keys.pop().startswith("auto:")
    Client(stub.url).submit_task(1, idempotency_key="mine")
    assert stub.asked[-1].body["idempotency_key"] == "mine"


def test_a_submit_whose_answer_is_lost_stores_one_task(server: Server) -> None:
    # The way back is cut once; the key makes the repeat the same submit.
    with _Cutting(server.address) as way:
        client = Client(way.url, api_key="open-sesame", retry_config=SOON)
        task = client.submit_task({"x": 1})
    assert way.cuts == 1
    direct = Client(server.url, api_key="open-sesame")
    (found,) = direct.list_tasks()
    assert found.task_id == task.task_id
    assert found.idempotency_key is None


def test_retries_are_logged_and_keys_are_not(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    # GPY-29
    caplog.set_level(logging.DEBUG, "windlass")
    stub.answers = [Answer(503), COUNTS]
    Client(stub.url, api_key="open-sesame", retry_config=SOON).queues()
    assert "the call is repeated" in caplog.text
    assert {record.name.partition(".")[0] for record in caplog.records} == {"windlass"}
    assert "sesame" not in caplog.text


def test_a_request_over_the_server_s_limit_is_refused(server: Server) -> None:
    client = Client(server.url, api_key="open-sesame")
    pipeline = client.create_pipeline("large")
    for n in range(17):
        pipeline.add_stage(f"s{n}", "x" * 1_000_000)
    with pytest.raises(windlass.PayloadTooLargeError) as caught:
        pipeline.execute()
    assert (caught.value.field, caught.value.limit_bytes) == ("body", 16 << 20)
    assert client.counts() == []


def test_the_breaker_keeps_calls_away_and_closes_again(stub: Stub) -> None:
    # GPY-04, CB-09, CB-10, ERR-25
    config = CircuitBreakerConfig(failure_threshold=2, success_threshold=1, timeout=0.2)
    client = Client(stub.url, retry_config=NEVER, circuit_breaker=config)
    stub.answers = [Answer(500)]
    for _ in range(2):
        with pytest.raises(windlass.APIError):
            client.queues()
    with pytest.raises(windlass.CircuitBreakerOpenError) as caught:
        client.queues()
    assert (len(stub.asked), 0 < caught.value.retry_after <= 0.2) == (2, True)
    stub.answers = [COUNTS]
    # Nothing tells that a breaker is due but the next call.
    time.sleep(caught.value.retry_after)
    assert client.queues() == []
    assert client.queues() == []


def test_a_breaker_counts_calls_and_not_their_retries(stub: Stub) -> None:
    config = CircuitBreakerConfig(failure_threshold=2)
    client = Client(stub.url, retry_config=SOON, circuit_breaker=config)
    stub.answers = [Answer(500)]
    with pytest.raises(windlass.APIError):
        client.queues()
    assert len(stub.asked) == 4
    stub.answers = [COUNTS]
    assert client.queues() == []


def test_refusals_open_no_breaker(stub: Stub) -> None:
    config = CircuitBreakerConfig(failure_threshold=1)
    client = Client(stub.url, retry_config=NEVER, circuit_breaker=config)
    for answer in (problem(404, "task_not_found", task_id="x"), Answer(429), Answer(418)):
        stub.answers = [answer]
        with pytest.raises(windlass.APIError):
            client.queues()
    stub.answers = [COUNTS]
    assert client.queues() == []


def test_excluded_exceptions_open_no_breaker(stub: Stub) -> None:
    # CB-11
    config = CircuitBreakerConfig(
        failure_threshold=1, excluded_exceptions=[windlass.ServiceUnavailableError]
    )
    client = Client(stub.url, retry_config=NEVER, circuit_breaker=config)
    stub.answers = [problem(503, "service_unavailable", reason="full", retry_after_seconds=0)]
    for _ in range(2):
        with pytest.raises(windlass.ServiceUnavailableError):
            client.queues()
    stub.answers = [Answer(500)]
    with pytest.raises(windlass.APIError):
        client.queues()
    with pytest.raises(windlass.CircuitBreakerOpenError):
        client.queues()


def test_a_client_can_do_without_a_breaker(nobody: str) -> None:
    client = Client(nobody, retry_config=NEVER, circuit_breaker=False)
    for _ in range(10):
        with pytest.raises(windlass.StoreUnavailableError):
            client.queues()


def test_connections_serve_call_after_call(stub: Stub) -> None:
    # GPY-05, PAT-05
    stub.answers = [STORED]
    client = Client(stub.url, max_connections=20)
    for item in range(50):
        client.submit_task(payload={"item": item})
    # One, and now and then another, when a call begins before the last one's is free again.
    assert (len(stub.asked), stub.connections <= 10) == (50, True)


def test_no_more_calls_than_connections_are_under_way(stub: Stub) -> None:
    # GPY-05
    stub.answers = [COUNTS]
    under_way, most, lock = 0, 0, threading.Lock()
    several = threading.Event()

    def count(asked: Asked) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                several.set()
        several.wait(10)
        with lock:
            under_way -= 1

    stub.on_request = count
    client = Client(stub.url, max_connections=3)
    threads = [threading.Thread(target=client.queues) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(stub.asked), most) == (12, 3)


GARBAGE = [
    (Answer(200, text="<html>hello</html>"), "api_error"),
    (Answer(200, text='{"queues": ['), "store_unavailable"),
    (Answer(200, {"something": "else"}), "api_error"),
    (Answer(302, headers={"Location": "http://elsewhere/"}), "api_error"),
    (Answer(404, text="<html>nothing here</html>"), "api_error"),
    (Answer(None, text="HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "store_unavailable"),
    (Answer(None, text="SSH-2.0-OpenSSH\r\n"), "store_unavailable"),
]


@pytest.mark.parametrize(("answer", "code"), GARBAGE)
def test_what_is_no_answer_of_ours_is_a_typed_error(stub: Stub, answer: Answer, code: str) -> None:
    stub.answers = [answer]
    with pytest.raises(windlass.APIError) as caught:
        Client(stub.url, retry_config=NEVER).queues()
    assert caught.value.code == code
    assert "elsewhere" in str(caught.value) or answer.status != 302


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(windlass.StoreUnavailableError) as caught:
            client.queues()
    assert "0.2s" in str(caught.value)


async def test_a_cancelled_call_is_given_up(stub: Stub) -> None:
    asked, may_answer = threading.Event(), threading.Event()
    stub.answers = [COUNTS]

    def hold(_: Asked) -> None:
        asked.set()
        may_answer.wait(10)

    stub.on_request = hold
    async with AsyncClient(stub.url) as client:
        call = asyncio.ensure_future(client.queues())
        await asyncio.to_thread(asked.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        may_answer.set()
        assert await client.queues() == []


def test_a_held_wait_ends_when_the_client_is_closed(server: Server) -> None:
    client = Client(server.url, api_key="open-sesame")
    task = client.submit_task(1)
    told: list[BaseException] = []

    def wait() -> None:
        try:
            client.wait_for_task(task.task_id, timeout=None)
        except windlass.WindlassError as error:
            told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client.close()
    thread.join(20)
    assert [type(error) for error in told] == [windlass.ClientClosedError]
    with pytest.raises(windlass.ClientClosedError):
        client.queues()


def test_the_store_of_a_server_has_its_own_clock() -> None:
    clock = ManualClock()
    with Server("memory:", clock=clock) as server:
        client = Client(server.url)
        task = client.submit_task(1, "work", delay=3600)
        assert client.get_task(task.task_id).created_at == clock.now()
        clock.advance(3600)
        assert client.sweep()["promoted"] == 1
        assert client.get_task(task.task_id).status == "pending"


def test_a_server_can_be_stopped_twice_and_started_again(tmp_path: Any) -> None:
    store = f"sqlite:{tmp_path / 'served.db'}"
    first = Server(store)
    client = Client(first.url, retry_config=NEVER)
    task = client.submit_task("kept")
    first.stop()
    first.stop()
    with pytest.raises(windlass.StoreUnavailableError):
        client.get_task(task.task_id)
    with Server(store, listen=first.address) as second:
        assert second.url == first.url
        assert client.get_task(task.task_id).payload == "kept"


def test_a_server_that_stops_lets_nobody_wait(server: Server) -> None:
    app = windlass.App(server.url, api_key="open-sesame", retry_config=NEVER)

    @app.task
    async def nothing() -> None: ...

    ended: list[BaseException] = []

    def wait() -> None:
        try:
            list(app.client.stream_task(open_task.task_id))
        except windlass.WindlassError as error:
            ended.append(error)

    with app.worker().background():
        # The worker waits for work, and somebody for a task.
        nothing.submit().result(timeout=10)
        open_task = app.client.submit_task(1, "nobody")
        thread = threading.Thread(target=wait)
        thread.start()
        server.stop()
        thread.join(20)
    assert isinstance(ended[0], ConnectionError)
    # It still said so, or it was gone by then.
    assert ended[0].code in ("service_unavailable", "store_unavailable")  # type: ignore[attr-defined]


def test_an_app_of_a_server_is_tested_like_any_other(nobody: str) -> None:
    app = windlass.App(nobody)

    @app.task
    def double(n: int) -> int:
        return 2 * n

    with use(app) as test:
        handle = double.submit(21)
        test.run_until_idle()
        assert handle.result() == 42


def test_this_version_speaks_version_1(server: Server) -> None:
    # PKG-06
    with urllib.request.urlopen(f"{server.url}/api/v1/health") as answer:
        health = json.load(answer)
    assert (health["api"], health["version"]) == ("v1", windlass.__version__)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(
            urllib.request.Request(
                f"{server.url}/api/v0/tasks", headers={"Authorization": "Bearer open-sesame"}
            )
        )
    with caught.value as answer:
        told = json.load(answer)
    assert (answer.code, told["code"]) == (404, "api_error")
    assert "/api/v1" in told["detail"]


class _Cutting:
    """A way to a server that is cut once, when the first answer comes back."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._there = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> _Cutting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        with here, socket.create_connection(self._there) as there:
            threading.Thread(target=_pump, args=(here, there), daemon=True).start()
            while chunk := there.recv(65536):
                if self.cuts == 0:
                    self.cuts = 1
                    here.shutdown(socket.SHUT_RDWR)
                    return
                here.sendall(chunk)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    except OSError:
        pass

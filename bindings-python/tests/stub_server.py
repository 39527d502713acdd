"""What stands where a server should: it answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Answer:
    """One answer; without a status the connection is cut after `text`."""

    status: int | None = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Sent as it is in the place of JSON.
    text: str | None = None


def problem(status: int, code: str, **details: Any) -> Answer:
    """An error as a real server tells it."""
    error = {"code": code, "message": code, "details": details, "timestamp": 0.0}
    return Answer(status, {"code": code, "error": error})


class Stub:
    """Gives one answer after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        #: Connections that were made.
        self.connections = 0
        #: Called with each request before it is answered.
        self.on_request: Callable[[Asked], None] = lambda asked: None
        self._lock = threading.Lock()
        self.url = ""

    def take(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        self.on_request(asked)
        return answer

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one piece.
            wbufsize = -1

            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, json.loads(text) if text else None)
                given = stub.take(asked)
                body = (given.text or json.dumps(given.body)).encode()
                if given.status is None:
                    self.wfile.write(body)
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(given.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

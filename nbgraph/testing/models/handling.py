"""One connection to the local server: bytes in, bytes out.

Owns the HTTP: what is read, how an answer and a stream are framed, how a connection ends. Knows no provider; what
to answer is its house's business.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol

SERVER = "nbgraph-model-server (local stand-in, no model)"
"""What every answer's ``server`` header says."""


class Posted(NamedTuple):
    """What came over a connection. Header names are in lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes


class House(Protocol):
    """Who answers what comes in."""

    def serve(self, posted: Posted, line: Line) -> None:
        """Answer over ``line``."""
        ...


class Line(Protocol):
    """The way back to who asked."""

    def answer(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        """Send a whole answer as JSON."""
        ...

    def begin(self, kind: str, headers: Mapping[str, str]) -> None:
        """Begin a stream of the content type ``kind``."""
        ...

    def piece(self, data: bytes) -> None:
        """Send one piece of the stream."""
        ...

    def end(self) -> None:
        """End the stream as it should be ended."""
        ...

    def drop(self) -> None:
        """End the connection in the middle of whatever is going on."""
        ...


class Listener(ThreadingHTTPServer):
    """A server on 127.0.0.1 whose connections end when it is closed, idle ones too."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, house: House) -> None:
        self.house = house
        self._lines: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._over = False
        super().__init__(("127.0.0.1", port), Handler)

    def entered(self, line: socket.socket) -> bool:
        """Note a connection and its thread; False once the server is closed."""
        with self._lock:
            self._lines.add(line)
            self._workers.add(threading.current_thread())
            return not self._over

    def left(self, line: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._lines.discard(line)
            self._workers.discard(threading.current_thread())

    def close(self) -> None:
        """Stop listening, end every connection, wait for their threads."""
        self.shutdown()
        self.server_close()
        with self._lock:
            self._over = True
            lines, workers = list(self._lines), list(self._workers)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for worker in workers:
            worker.join(timeout=5.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left in the middle; of anything else, what it was."""
        import sys  # noqa: PLC0415 - only for what should not happen

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection and hands them to the house."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def handle(self) -> None:
        """Serve the connection until either side ends it."""
        try:
            if self.server.entered(self.connection):
                super().handle()
        finally:
            self.server.left(self.connection)

    def do_POST(self) -> None:
        """Hand a request over."""
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self.rfile.read(int(headers.get("content-length") or 0))
        self.server.house.serve(Posted(path, query, headers, raw), self)

    def do_GET(self) -> None:
        """Say what this is."""
        self.answer(200, {"server": SERVER, "post": "chat completions, responses, messages, generateContent"}, {})

    def answer(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        """Send a whole answer as JSON."""
        body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
        whole = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        self.wfile.write(_head(status, whole) + body)

    def begin(self, kind: str, headers: Mapping[str, str]) -> None:
        """Begin a stream of the content type ``kind``."""
        self.wfile.write(_head(200, {"content-type": kind, "transfer-encoding": "chunked", **headers}))

    def piece(self, data: bytes) -> None:
        """Send one piece of the stream."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        """End the stream as it should be ended."""
        self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """End the connection in the middle of whatever is going on."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the first lines of an answer: without a date, so that equal requests get equal bytes."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}", f"server: {SERVER}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
REASONS |= {403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable", 529: "Overloaded"}

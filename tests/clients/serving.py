"""A local HTTP server whose every answer a test writes, byte by byte if it likes.

Owns the wire on the other side of the recording clients.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

SOON = 30.0
"""Seconds after which a test gives up waiting for something that should come at once."""


class Got(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One request, to be answered as a whole (``send``) or in parts (``begin``, ``part`` ..., ``end``)."""

    def __init__(self, handler: BaseHTTPRequestHandler, got: Got, count: int) -> None:
        self._handler, self.got, self.count = handler, got, count

    def send(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Answer at once. ``headers``: ``content_type="text/plain"``."""
        self._head(status, {"Content-Length": str(len(body)), **_named(headers)})
        if self.got.method != "HEAD":
            self._write(body)

    def begin(self, status: int = 200, **headers: str) -> None:
        """Begin an answer whose parts follow."""
        self._head(status, {"Transfer-Encoding": "chunked", **_named(headers)})

    def part(self, data: bytes) -> None:
        """Send one part, at once."""
        self._write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """End such an answer."""
        self._write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Break the connection."""
        self._handler.close_connection = True
        with suppress(OSError):
            self._handler.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def _write(self, data: bytes) -> None:
        with suppress(OSError):  # whoever asked may have gone
            self._handler.wfile.write(data)
            self._handler.wfile.flush()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


class Service:
    """Answers every request by ``answer``; ``requests`` are those that came. Gone at the end of its block."""

    def __init__(self, answer: Callable[[Exchange], Any]) -> None:
        self.requests: list[Got] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Got(self.command, self.path, headers, self.rfile.read(length))
                service.requests.append(got)
                answer(Exchange(self, got, len(service.requests)))

            do_GET = do_POST = do_HEAD = do_PUT = serve  # noqa: N815 - the names that the library looks for

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False  # a client may keep its connection until it is collected

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def says(body: bytes = b"hello", **how: Any) -> Callable[[Exchange], None]:
    """Return an answer: always this one."""
    return lambda exchange: exchange.send(body, **how)


def streams(*parts: bytes, **headers: str) -> Callable[[Exchange], None]:
    """Return an answer: these parts, one after the other as the gate of the test, if any, lets them."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(**headers)
        for part in parts:
            exchange.part(part)
        exchange.end()

    return answer


class Gate:
    """Passes who comes, one at a time, as it is told to."""

    def __init__(self) -> None:
        self._passes = threading.Semaphore(0)

    def open(self, count: int = 1) -> None:
        """Let ``count`` more pass."""
        self._passes.release(count)

    def wait(self) -> None:
        """Pass, once it is open."""
        assert self._passes.acquire(timeout=SOON)

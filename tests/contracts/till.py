"""The till: a local server that outlives whoever pays at it, and keeps the books.

Owns the wire, and the ambush: it may end or stop the process that pays, while that one waits for its receipt.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.request import urlopen

from tests.contracts.programs.errands import Books, Payment


class Till:
    """Answers ``GET /<pid>/<key>/<task>/<place>/<item>`` with a receipt, or null. ``books`` says what was paid."""

    def __init__(self) -> None:
        self.books = Books()
        self._ambush: tuple[int, str, int, bool] | None = None
        till = self

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                try:
                    super().handle()
                finally:
                    till._left(1)

            def do_GET(self) -> None:
                if self.path == "/quiet":
                    self.send_response(204)
                    self.end_headers()
                    return
                pid, key, task, place, item = self.path[1:].split("/")
                text = json.dumps(till.books.take(Payment(key, task, int(place), item))).encode()
                spring = till._due(int(pid), item)
                spring(False)
                with suppress(OSError):  # nobody is there any more
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(text)
                    self.wfile.flush()
                spring(True)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

            def process_request(self, request: Any, client_address: Any) -> None:
                till._left(-1)
                super().process_request(request, client_address)

        self._busy, self._quiet = 0, threading.Condition()
        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def ambush(self, signal: int, count: int = 1, *, item: str = "", answered: bool = False) -> None:
        """Send ``signal`` to the payer of the ``count``-th request (for ``item``) from now on, before or after the answer."""
        self._ambush = (count, item, signal, answered)

    def calm(self) -> None:
        """Let everybody pay in peace."""
        self._ambush = None

    def quiet(self) -> None:
        """Wait until all that was sent has been taken in: whoever sent it may be dead by now."""
        with urlopen(self.url + "/quiet", timeout=30):  # those before it in the queue are being served now
            pass
        with self._quiet:
            assert self._quiet.wait_for(lambda: not self._busy, 30)

    def _left(self, count: int) -> None:
        with self._quiet:
            self._busy -= count
            self._quiet.notify_all()

    def _due(self, pid: int, item: str) -> Callable[[bool], None]:
        """Return what may spring the ambush, now and when the answer is out."""
        with self._quiet:
            if self._ambush is None or self._ambush[1] not in ("", item):
                return lambda answered: None
            count, _, signal, when = self._ambush
            self._ambush = (count - 1, *self._ambush[1:]) if count > 1 else None

        def spring(answered: bool) -> None:
            if answered == when and count == 1:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)

        return spring

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

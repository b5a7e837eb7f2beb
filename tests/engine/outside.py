"""The outside world of the tests of recorded calls: a local HTTP service that counts, and who calls it.

Owns what is paid for. Everything that a process of its own imports stands at module level here; run as a
program (``python -m tests.engine.outside FILE URL UNKNOWN``) it dies inside a call.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, TypedDict

import nbgraph as ng

REPO = Path(__file__).resolve().parents[2]


class Log(TypedDict):
    """What the nodes got, in merge order; and what they ask for."""

    log: Annotated[list[Any], ng.append]
    asked: str


class Service:
    """Answers ``GET /word`` with the word and its own count; ``/fail...`` with status 500. ``paid`` says what it was asked."""

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number = service.take(self.path[1:])
                text = json.dumps({"word": self.path[1:], "number": number}).encode()
                self.send_response(500 if self.path.startswith("/fail") else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, word: str) -> int:
        """Count one request; return how many there were."""
        with self._lock:
            self.paid[word] += 1
            return self.paid.total()

    def get(self, word: str) -> Any:
        """Ask over HTTP."""
        return fetch(self.url, word)

    async def aget(self, word: str) -> Any:
        """Ask over HTTP without blocking the loop."""
        return await afetch(self.url, word)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def fetch(url: str, word: str) -> Any:
    """Ask the service at ``url``."""
    with urllib.request.urlopen(f"{url}/{word}", timeout=10) as answer:
        return json.loads(answer.read())


async def afetch(url: str, word: str) -> Any:
    """Do the same without blocking the loop."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /{word} HTTP/1.0\r\n\r\n".encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    await writer.wait_closed()
    return json.loads(body)


def one(node: Any, **options: Any) -> ng.Graph:
    """Return a graph of one node called ``work``."""
    graph = ng.Graph(Log, name="one")
    graph.node(name="work", **options)(node)
    return graph


def begin(engine: ng.Engine, given: Any = None, **options: Any) -> Any:
    """Run as "r"; return what it failed with, None if it did not."""
    try:
        engine.run(given or {}, run_id="r", **options)
    except ng.NbgraphError as error:
        return error
    return None


def everything_in(folder: Path) -> bytes:
    """Return every byte of every file of a folder."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


# -- dying inside a call


def pay(url: str, word: str) -> Any:
    """Pay, then die before the answer is back, where the environment says so."""
    answer = fetch(url, word)
    if os.environ.get("DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def paying(url: str, unknown: str) -> ng.Graph:
    """Return a graph whose node looks something up, then pays."""

    def work(state: Any, ctx: ng.Context) -> Any:
        seen = ctx.call(fetch, url, "look")
        got = ctx.call(pay, url, "coffee", unknown=unknown)
        return {"log": [seen["word"], got and got["word"]]}

    return one(work)


if __name__ == "__main__":
    file, url, unknown = sys.argv[1:]
    os.environ["DIE"] = "yes"
    engine = ng.Engine(paying(url, unknown), store=file)
    if [row.record.run_id for row in engine.store.runs()]:
        engine.resume("r")
    else:
        engine.run({}, run_id="r")

"""Serving metrics to a Prometheus that scrapes: a small HTTP server on a thread of its own.

Owns the servers of this process. Nothing is served before somebody asks; then to this machine only, unless an address says
otherwise.
"""

from __future__ import annotations

import threading
from errno import EADDRINUSE
from typing import TYPE_CHECKING, Any, Self

from nbgraph.errors import OptionsError
from nbgraph.observe.metrics.collecting import Metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_OPEN: dict[tuple[str, int], Server] = {}
_LOCK = threading.Lock()
_PORTS = 65536


class Server:
    """A running server of metrics. ``url`` is what to scrape; ``close`` ends it; also as ``with``."""

    def __init__(self, httpd: Any, thread: threading.Thread, addr: str, registry: CollectorRegistry) -> None:
        self._httpd, self._thread, self.addr, self.registry = httpd, thread, addr, registry
        self.port: int = httpd.server_port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{f'[{self.addr}]' if ':' in self.addr else self.addr}:{self.port}/metrics"

    def close(self) -> None:
        """Stop serving and free the port. Twice is harmless."""
        with _LOCK:
            if _OPEN.get((self.addr, self.port)) is not self:
                return
            del _OPEN[self.addr, self.port]
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<nbgraph.metrics at {self.url}>"


def serve(port: int = 9464, addr: str = "127.0.0.1", *, registry: CollectorRegistry | None = None) -> Server:
    """Serve metrics over HTTP; return the server. ``registry``: ``ng.metrics.registry`` if None; 0: any free port.

    Only this machine can read them unless ``addr`` says otherwise ("0.0.0.0": everybody who reaches it). Asked again for
    a port that it serves already, it returns the same server. Raises ``OptionsError`` where the port is taken, or none.
    """
    if type(port) is not int or not 0 <= port < _PORTS:
        raise _refused(port, addr, "that is no port")
    wanted = Metrics(registry).registry
    with _LOCK:
        known = _OPEN.get((addr, port))
        if known is None:
            return _served(port, addr, wanted)
    if known.registry is not wanted:
        raise _refused(port, addr, "it is taken by the metrics of another registry")
    return known


def _served(port: int, addr: str, registry: CollectorRegistry) -> Server:
    from prometheus_client import start_http_server  # noqa: PLC0415 - only where metrics are asked for

    try:
        httpd, thread = start_http_server(port, addr, registry)
    except OSError as error:
        why = "it is taken" if error.errno == EADDRINUSE else "the system refuses it"
        raise _refused(port, addr, f"{why} ({error})") from error
    thread.name = f"nbgraph-metrics-{httpd.server_port}"
    server = Server(httpd, thread, addr, registry)
    _OPEN[addr, server.port] = server
    return server


def _refused(port: int, addr: str, why: str) -> OptionsError:
    return OptionsError(
        f"metrics cannot be served at {addr}:{port}: {why}",
        still="nothing else was changed",
        todo="pass another port, or port=0 for any free one",
        option="port",
        actual=port,
    )

"""A process that dies while it reads a stream leaves a run that can be resumed, and pays no more than it must."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nbgraph as ng
from tests.clients.reading import graph_of
from tests.clients.serving import SOON, Exchange, Service
from tests.clients.talk import phases

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("when", "requests"), [("amid", 2), ("after", 1)])
def test_a_stream_is_asked_again_only_where_its_end_was_not_kept(tmp_path: Path, when: str, requests: int):
    """Killed in the middle of an answer the request is made again; killed behind its end the record serves it."""
    seen, streamed = threading.Event(), list[str]()

    def answer(exchange: Exchange) -> None:
        if exchange.got.path == "/seen":
            seen.set()
            threading.Event().wait(SOON)  # whoever asked is killed meanwhile
            return
        streamed.append(exchange.got.path)
        exchange.begin(content_type="text/plain")
        for part in (b"one ", b"two ", b"three"):
            exchange.part(part)
        exchange.end()

    store = tmp_path / "s.sqlite"
    with Service(answer) as service:
        program = [sys.executable, "-m", "tests.clients.reading", str(store), service.url, when]
        reader = subprocess.Popen(program, cwd=ROOT)
        assert seen.wait(SOON)
        reader.kill()
        reader.wait(SOON)
        engine = ng.Engine(graph_of(service.url), store=store)
        assert phases(engine) == (["started"] if when == "amid" else ["started", "returned"])
        assert ng.thaw(engine.resume("r").state["read"]) == ["one two three"]
        assert len(streamed) == requests
    assert engine.replay("r").ok
